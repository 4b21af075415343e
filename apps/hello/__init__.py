"""`app` is the application."""

from apps.hello.app import app

__all__ = ["app"]
