"""Words that people type: kinds of messages, forms of signatures, beginnings of ids.

This module imports nothing of ``crypto``, so that the help of a command needs no keys.
"""

from collections.abc import Collection
from enum import StrEnum

from ccfpy.client.errors import ClientError


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


ID_CHARACTERS = 64
"""Characters of a whole id: SHA-256 in hexadecimal digits."""
SHOWN_CHARACTERS = 8
LISTED_MAX = 10


class NotOneId(ClientError):
    """The beginning fits no id, or several; the text lists what fits."""


def whole_id(kind: str, beginning: str, known: Collection[str]) -> str:
    """Return the id that begins so.

    Args:
        kind: what the ids are of, such as ``proposal``.
        beginning: of one id, in any case; or a whole id, known or not.
        known: the ids that there are.

    Raises:
        NotOneId: no id begins so, or several do.
    """
    wanted = beginning.lower()
    if len(wanted) == ID_CHARACTERS:
        return wanted
    fitting = sorted(each for each in known if each.startswith(wanted))
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise NotOneId(
            f"{beginning!r} fits {len(fitting)} {kind}s, {_listed(fitting)}: "
            "say more of the id"
        )
    if not known:
        raise NotOneId(f"no {kind} begins with {beginning!r}: there is none at all")
    raise NotOneId(
        f"no {kind} begins with {beginning!r}: there is {_listed(sorted(known))}"
    )


def _listed(ids: Collection[str]) -> str:
    """Name ids by as many characters as tell them apart."""
    count = next(
        count
        for count in range(SHOWN_CHARACTERS, ID_CHARACTERS + 1)
        if len({each[:count] for each in ids}) == len(ids)
    )
    shown = [each[:count] for each in list(ids)[:LISTED_MAX]]
    if len(ids) > LISTED_MAX:
        shown.append(f"{len(ids) - LISTED_MAX} more")
    return ", ".join(shown[:-1]) + (" and " if len(shown) > 1 else "") + shown[-1]
