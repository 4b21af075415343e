"""`app` is the application."""

from apps.etcd import gateway, grpc, leases, receipts, streams
from apps.etcd.service import app

__all__ = ["app", "gateway", "grpc", "leases", "receipts", "streams"]
