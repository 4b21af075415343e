"""`app` is the application."""

from apps.confidential_ledger import (
    bundle_paths,
    entries,
    functions,
    governance,
    listing,
    receipts,
    role_paths,
    user_paths,
)
from apps.confidential_ledger.app import app

__all__ = [
    "app",
    "bundle_paths",
    "entries",
    "functions",
    "governance",
    "listing",
    "receipts",
    "role_paths",
    "user_paths",
]
