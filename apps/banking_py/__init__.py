"""`app` is the application."""

from apps.banking_py import statement
from apps.banking_py.app import app

__all__ = ["app", "statement"]
