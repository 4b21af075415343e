"""Evidence that a snapshot was made by the service."""

from dataclasses import dataclass

from ccfpy.base.ids import Seqno
from ccfpy.kv.maps import Value
from ccfpy.ledger import tables
from ccfpy.service.records import COUNT, TEXT, codec_of, record


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotEvidence:
    """What identifies a snapshot.

    Attributes:
        hash: hex SHA-256 of the snapshot's bytes.
        version: the seqno whose state it holds.
    """

    hash: str
    version: Seqno


SNAPSHOT_EVIDENCE = Value(
    tables.SNAPSHOT_EVIDENCE,
    codec_of(record(SnapshotEvidence, required={"hash": TEXT, "version": COUNT})),
)
