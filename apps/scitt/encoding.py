"""Bytes as text."""

from base64 import urlsafe_b64encode


def base64url(data: bytes) -> str:
    """Write bytes in base64url, without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()
