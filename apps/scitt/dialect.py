"""The two dialects of the interface: SCRAPI, and what came before it.

``api-version=2026-03-26`` in the query picks SCRAPI; without it callers are answered as
before: other statuses, and media types without ``scitt``.
"""

import re
from typing import Final

from apps.scitt.limits import HOST_CHARS_MAX
from ccfpy.app import Context

SCRAPI_VERSION: Final = "2026-03-26"
COSE: Final = "application/cose"
RECEIPT: Final = "application/scitt-receipt+cose"
STATEMENT: Final = "application/scitt-statement+cose"
CBOR: Final = "application/cbor"
_HOST = re.compile(r"[A-Za-z0-9.\-:\[\]]+")


def is_scrapi(ctx: Context) -> bool:
    """Return whether the caller speaks SCRAPI."""
    return ctx.query.get("api-version") == SCRAPI_VERSION


def media_type(ctx: Context, scrapi: str) -> str:
    """Return the caller's name for what SCRAPI calls ``scrapi``."""
    return scrapi if is_scrapi(ctx) else COSE


def location(ctx: Context, path: str) -> dict[str, str]:
    """Return the header that leads to a path, at the address that the caller used."""
    host = ctx.request.headers.get("host", "")
    if len(host) > HOST_CHARS_MAX or not _HOST.fullmatch(host):
        return {}
    return {"location": f"https://{host}{path}"}
