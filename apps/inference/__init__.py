"""`app` is the application."""

from apps.inference.app import app

__all__ = ["app"]
