"""The words that options name: kinds of messages, forms of signatures.

This module imports nothing of ``crypto``, so that the help of a command needs no keys.
"""

from enum import StrEnum


class MessageType(StrEnum):
    """What a signed request is about, as its protected header says."""

    PROPOSAL = "proposal"
    BALLOT = "ballot"
    WITHDRAWAL = "withdrawal"
    STATE_DIGEST = "state_digest"
    ACK = "ack"
    RECOVERY_SHARE = "recovery_share"
    ENCRYPTED_RECOVERY_SHARE = "encrypted_recovery_share"
    """Of the classic API alone, where asking for one's share is signed."""


class SignatureForm(StrEnum):
    """How a signature is written."""

    DER = "der"
    RAW = "raw"
    DER_BASE64 = "der-base64"
    RAW_BASE64 = "raw-base64"

    @property
    def is_text(self) -> bool:
        """Whether it is base64."""
        return self in (SignatureForm.DER_BASE64, SignatureForm.RAW_BASE64)

    @property
    def is_raw(self) -> bool:
        """Whether it is ``r || s``."""
        return self in (SignatureForm.RAW, SignatureForm.RAW_BASE64)


class SignInput(StrEnum):
    """What a command that signs is given."""

    DIGEST = "digest"
    MESSAGE = "message"


class Line(StrEnum):
    """A line of CCF's Python package, by its major version."""

    CCF6 = "6"
    CCF7 = "7"
