"""`app` is the application."""

from apps.logging import past
from apps.logging.app import app

__all__ = ["app", "past"]
