"""`app` is the application."""

from apps.scitt import entries, identity, operations
from apps.scitt.service import app

__all__ = ["app", "entries", "identity", "operations"]
