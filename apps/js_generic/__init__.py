"""`app` is the application."""

from apps.js_generic.app import app

__all__ = ["app"]
