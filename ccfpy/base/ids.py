"""Names for the things a ledger identifies, and the transaction id's text form.

Views and seqnos are plain integers because they are computed with; ids are text that
must not be mistaken for one another, so each has a type of its own.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple, NewType, Self, TypeAlias

from ccfpy.base.errors import Malformed

View: TypeAlias = int
"""A consensus epoch (Raft's term). The first view of a service is 2."""
Seqno: TypeAlias = int
"""A transaction's place in the ledger (Raft's log index), counted from 1."""

NodeId = NewType("NodeId", str)
"""Hex SHA-256 of a node's public key as DER SubjectPublicKeyInfo."""
MemberId = NewType("MemberId", str)
"""Hex SHA-256 of a member's certificate as DER."""
UserId = NewType("UserId", str)
"""Hex SHA-256 of a user's certificate as DER."""
ProposalId = NewType("ProposalId", str)
"""Hex digest over the signed request that made a proposal and the state it saw."""
SessionId = NewType("SessionId", int)
"""A client connection, numbered by the host, never reused while the node lives."""

CallId = NewType("CallId", int)
"""A connection to elsewhere, numbered by the enclave that asked for it."""

FIRST_VIEW: View = 2
VIEWS_PER_RECOVERY = 2
VIEW_MAX: Final[View] = 0x7FFF_FFFF
"""The ledger's AES-GCM nonce has 31 bits for the view; the 32nd marks snapshots."""

_TX_ID = re.compile(r"([1-9][0-9]{0,18})\.([1-9][0-9]{0,18})")


class TxId(NamedTuple):
    """A transaction's identity, written ``view.seqno``; both count from 1."""

    view: View
    seqno: Seqno

    def __str__(self) -> str:
        """Return CCF's text form."""
        return f"{self.view}.{self.seqno}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``view.seqno``, both decimal, at least 1 and without leading zeros.

        Raises:
            Malformed: anything else (``include/ccf/tx_id.h`` accepts no more).
        """
        match = _TX_ID.fullmatch(text)
        if match is None:
            raise Malformed(f"not a transaction id: {text!r}")
        return cls(int(match[1]), int(match[2]))


_KIND: Final = TxId
_new: Final[Callable[[type[TxId], tuple[View, Seqno]], TxId]] = tuple.__new__


def transaction_id(view: View, seqno: Seqno) -> TxId:
    """Make one without the step through Python that `TxId` itself is made with."""
    return _new(_KIND, (view, seqno))


_HEX_ID = re.compile(r"[0-9a-f]{64}")


def is_hex_id(text: str) -> bool:
    """Return whether ``text`` has the form all ids share: 64 lower-case hex digits."""
    return _HEX_ID.fullmatch(text) is not None
