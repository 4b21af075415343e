"""`app` is the application."""

from apps.programmability.app import app

__all__ = ["app"]
