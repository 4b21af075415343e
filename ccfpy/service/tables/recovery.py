"""Recovery: ledger secrets and shares, encrypted to those who will need them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from ccfpy.base.annotations import REQUIRED, U64, OrAbsent
from ccfpy.base.ids import MemberId, NodeId
from ccfpy.kv.maps import Map, Value
from ccfpy.ledger.encrypted_shares import RecoveryShares, SecretRecord
from ccfpy.service.records import codec_of, text_key


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedSecret:
    """A ledger secret for one node, under the node's encryption key.

    Attributes:
        version: the seqno from which it applies; of a rekey only the hook can tell.
    """

    version: OrAbsent[U64] = field(default=None, metadata=REQUIRED)
    encrypted_secret: bytes
    previous_secret_stored_version: OrAbsent[U64] = None


class RecoveryType(StrEnum):
    """What brought back the ledger secrets of the last recovery."""

    NONE = "None"
    RECOVERY_SHARES = "RECOVERY_SHARES"
    LOCAL_UNSEALING = "LOCAL_UNSEALING"


SecretsByNode: TypeAlias = dict[NodeId, tuple[EncryptedSecret, ...]]

SHARES = Value("public:ccf.internal.recovery_shares", codec_of(RecoveryShares))
PAST_SECRETS = Value(
    "public:ccf.internal.historical_encrypted_ledger_secret",
    codec_of(SecretRecord),
)
"""The secret before the latest, under the latest: a link of the chain."""
ENCRYPTED_LEDGER_SECRETS = Value(
    "public:ccf.internal.encrypted_ledger_secrets", codec_of(SecretsByNode)
)
SUBMITTED_SHARES = Map(
    "public:ccf.internal.encrypted_submitted_shares",
    text_key(MemberId),
    codec_of(bytes),
)
"""Shares that members handed in, under the current ledger secret."""
LAST_RECOVERY_TYPE = Value(
    "public:ccf.internal.last_recovery_type", codec_of(RecoveryType)
)
