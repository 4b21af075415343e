"""`app` is the application."""

from apps.logging.app import app

__all__ = ["app"]
