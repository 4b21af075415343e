"""Evidence of snapshots: the table that names each snapshot of the service."""

from dataclasses import dataclass

from ccfpy.base.annotations import U64
from ccfpy.kv.maps import Value
from ccfpy.ledger import tables
from ccfpy.service.records import codec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotEvidence:
    """What identifies a snapshot that the service made.

    Attributes:
        hash: hex SHA-256 of the snapshot's bytes.
        version: the seqno whose state it holds.
    """

    hash: str
    version: U64


SNAPSHOT_EVIDENCE = Value(
    tables.SNAPSHOT_EVIDENCE,
    codec_of(SnapshotEvidence),
)
