"""What the ledger says of itself: signatures, the tree's state, evidence of snapshots.

What the signature tables hold is the ledger's affair.
"""

from dataclasses import dataclass

from ccfpy.base.annotations import U64
from ccfpy.kv.maps import RAW, Codec, Value
from ccfpy.ledger import tables
from ccfpy.ledger.signature import NodeSignature
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


SIGNATURES = Value(
    tables.SIGNATURES,
    Codec(encode=NodeSignature.serialise, decode=NodeSignature.parse),
)
COSE_SIGNATURES = Value(tables.COSE_SIGNATURES, codec_of(bytes))
TREE = Value(tables.TREE, RAW)
SNAPSHOT_EVIDENCE = Value(
    tables.SNAPSHOT_EVIDENCE,
    codec_of(SnapshotEvidence),
)
