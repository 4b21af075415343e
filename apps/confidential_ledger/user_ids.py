"""The ids of users: the object id of a token, or the fingerprint of a certificate."""

import re

from ccfpy.app import ApiError, ErrorCode

_OBJECT_ID = re.compile(r"[0-9a-f-]{36}", re.IGNORECASE)
"""As long as a GUID: a sample of Azure's names a user by 36 zeros."""
_BYTE = "[0-9a-f]{2}"
_FINGERPRINT = re.compile(rf"{_BYTE}(:?)({_BYTE}\1){{30}}{_BYTE}", re.IGNORECASE)
_CHARS_MAX = 95
"""The length of a fingerprint with its colons, which is the longest id."""


def parse_user_id(text: str) -> str:
    """Return a user's id in the one form that tables hold.

    An object id is written in small letters. A fingerprint is written in capital
    letters, with a colon between two bytes.

    Raises:
        ApiError: 400, the text is neither.
    """
    if len(text) <= _CHARS_MAX:
        if _OBJECT_ID.fullmatch(text):
            return text.lower()
        if _FINGERPRINT.fullmatch(text):
            return fingerprint(text.replace(":", ""))
    raise ApiError(
        400,
        ErrorCode.InvalidResourceName,
        "A user is named by the object id of a token, or by the SHA-256 fingerprint of "
        "a certificate.",
    )


def fingerprint(digest_hex: str) -> str:
    """Write the digest of a certificate as clients write it."""
    return bytes.fromhex(digest_hex).hex(":").upper()


def digest_of(user_id: str) -> str | None:
    """Return the digest in a fingerprint, as CCF names users; none for an object id."""
    return user_id.replace(":", "").lower() if ":" in user_id else None
