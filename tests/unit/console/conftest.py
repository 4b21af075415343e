"""The stand-in for a service's HTTPS is that of the client's tests."""

from tests.unit.client.conftest import (
    connect,
    receipt,
    serve,
    server_tls,
    service_key,
    service_pem,
    unused_port,
)

__all__ = [
    "connect",
    "receipt",
    "serve",
    "server_tls",
    "service_key",
    "service_pem",
    "unused_port",
]
