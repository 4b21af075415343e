"""Values of governance in words: certificates decoded, long texts counted."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC

from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import Json
from ccfpy.client.review.description import plain
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256

ID_CHARACTERS = 8
"""Characters of an id that are shown: enough to tell a service's ids apart."""
TEXT_CHARACTERS_MAX = 200
"""A longer text of an argument is shown by its size and its beginning."""
DIGEST_CHARACTERS = 16

_PEM = re.compile(
    r"-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END \1-----\s*"
)


def short(identity: str) -> str:
    """Return the beginning of an id."""
    return identity[:ID_CHARACTERS]


def with_pem_decoded(text: str) -> str:
    """Return a text in which each PEM block is replaced by what the block says."""
    return _PEM.sub(lambda found: f"{_pem(found[0], found[1], found[2])}\n", text)


def shown_whole(value: bytes) -> str:
    """Return a value of a table as lines that can be compared with another's.

    JSON is laid out, certificates are decoded, other bytes are named by their digest.
    """
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return _bytes(value)
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return with_pem_decoded(text)
    if isinstance(parsed, str):
        return with_pem_decoded(parsed)
    return json.dumps(_decoded(parsed), indent=2, sort_keys=True)


def shown_short(value: Json) -> str:
    """Return an argument of an action in words."""
    if isinstance(value, str):
        decoded = with_pem_decoded(value).rstrip("\n")
        if len(decoded) <= TEXT_CHARACTERS_MAX:
            return plain(decoded)
        lines = len(value.splitlines())
        begin = plain(" ".join(value[:TEXT_CHARACTERS_MAX].split()))
        digest = sha256(value.encode(errors="replace")).hex()[:DIGEST_CHARACTERS]
        return (
            f"{lines} lines, {len(value)} characters, SHA-256 {digest}…, "
            f"beginning with: {begin[: TEXT_CHARACTERS_MAX // 4]}…"
        )
    text = json.dumps(_decoded(value), sort_keys=True)
    if len(text) <= TEXT_CHARACTERS_MAX:
        return plain(text)
    if isinstance(value, list):
        return f"a list of {len(value)}: {plain(text[:TEXT_CHARACTERS_MAX])}…"
    return f"{plain(text[:TEXT_CHARACTERS_MAX])}…"


def _decoded(value: Json) -> Json:
    if isinstance(value, str):
        return with_pem_decoded(value).rstrip("\n") if "-----BEGIN" in value else value
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _decoded(item) for name, item in value.items()}
    return value


def _pem(block: str, label: str, body: str) -> str:
    if label == "CERTIFICATE":
        try:
            certificate = Certificate.from_pem(block)
            until = certificate.not_after.astimezone(UTC)
        except CcfpyError as error:
            return f"a certificate that cannot be read ({error})"
        return (
            f"certificate of {certificate.subject}, valid until {until:%Y-%m-%d}, "
            f"SHA-256 {certificate.digest_hex}"
        )
    try:
        der = base64.b64decode("".join(body.split()), validate=True)
    except binascii.Error:
        return f"{label.lower()} that cannot be read"
    return f"{label.lower()} of {len(der)} bytes, SHA-256 {sha256(der).hex()}"


def _bytes(value: bytes) -> str:
    return f"{len(value)} bytes, SHA-256 {sha256(value).hex()}"
