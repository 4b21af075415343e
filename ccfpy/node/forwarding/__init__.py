"""Requests that a backup passes to the primary, or sends a client to."""
