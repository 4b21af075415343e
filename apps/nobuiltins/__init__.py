"""`app` is the application."""

from apps.nobuiltins.app import app

__all__ = ["app"]
