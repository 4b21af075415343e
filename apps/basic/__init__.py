"""`app` is the application."""

from apps.basic.app import app

__all__ = ["app"]
