"""What one chunk file contributes to an audit, read without the chunks before it.

Most of an audit's work depends on no other chunk: to find the entries, to hash them, to
parse those that concern trust, and to verify signatures by keys that an earlier chunk
must have introduced. `read_chunk` does that work for one chunk, in any process and in
any order. ``audit.auditor`` then goes from chunk to chunk and judges what depends on
their order: Merkle roots, views, and who may sign.

`read_chunk` never raises because of a file's content. A reading ends before the first
malformed entry and states the fault. The auditor believes readings, because the process
that makes them belongs to the auditor.
"""

import contextlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.base.limits import MAP_NAMES_CACHED_MAX
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import PublicKey
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.codec import EntryType
from ccfpy.kv.names import is_public
from ccfpy.ledger.chunk import Chunk, ChunkDamaged, ChunkName
from ccfpy.ledger.entry import PUBLIC_OFFSET, SNAPSHOT_BIT, Transaction
from ccfpy.ledger.frame import ENTRY_VERSION, FRAME_BYTES, EntryFlags
from ccfpy.ledger.signature import CoseSignature, NodeSignature
from ccfpy.ledger.tables import COSE_SIGNATURES, SERVICE_INFO, SIGNATURES, SINGLE_KEY
from ccfpy.ledger.trust import TABLES, LedgerTrust, SignatureCheck

_ENTRY = struct.Struct("<BBHI16xQIQBQ32s32sQ")
"""An entry up to its first public map, of the one type that nodes write."""
_TYPE = int(EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS)
_HEADER_BYTES = _ENTRY.size - PUBLIC_OFFSET
_FLAGS_MAX = EntryFlags.CLOSE_CHUNK_AFTER | EntryFlags.CLOSE_CHUNK_BEFORE
_U64 = struct.Struct("<Q")


class TrustChange(NamedTuple):
    """A transaction that writes to tables that concern trust, signatures included."""

    txid: TxId
    position: int
    """The entry's offset in the file."""
    end: int
    """The offset just after the entry."""
    write_set: WriteSet
    """All that the transaction writes to public maps."""


class Fault(NamedTuple):
    """Why a reading ends before the end of the file."""

    position: int
    """The offset in the file."""
    seqno: Seqno | None
    """The malformed entry's; ``None`` where the file itself is malformed."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkReading:
    """What a chunk contributes to an audit.

    Attributes:
        name: the file's name.
        positions: the offset of each entry.
        leaves: the leaf of each entry before the fault, or of all.
        views: the seqnos at which the view differs from the entry's before, and the
            view from there on; the first entry's is always among them.
        changes: the transactions before the fault that concern trust, in order.
        is_complete: whether the file has a positions table.
        torn_bytes: bytes of an entry that was not written to its end.
        verified: the digests of signature checks that were made and held.
        fault: why the reading ends, if the file is malformed.
    """

    name: ChunkName
    positions: Sequence[int] = ()
    leaves: Sequence[bytes] = ()
    views: Sequence[tuple[Seqno, View]] = ()
    changes: Sequence[TrustChange] = ()
    is_complete: bool = True
    torn_bytes: int = 0
    verified: frozenset[bytes] = frozenset()
    fault: Fault | None = None

    @property
    def last(self) -> Seqno:
        """The seqno of the last whole entry, or just before the first if empty."""
        return self.name.first + len(self.positions) - 1


def read_chunk(
    name: ChunkName, data: bytes, services: Iterable[str] | None = None
) -> ChunkReading:
    """Read a chunk for an audit.

    Args:
        name: what the file's name says.
        data: the file's bytes.
        services: certificates, as PEM, of services that may have signed the chunk's
            roots. With them, even if there is none, signatures are verified here by
            the keys that they show or name; without, all are left to the auditor.
    """
    try:
        chunk = Chunk.parse(name, data)
    except Malformed as error:
        position = error.position if isinstance(error, ChunkDamaged) else 0
        return ChunkReading(name=name, fault=Fault(position, None, str(error)))
    reader = _Reader(chunk)
    reader.read()
    verified = frozenset[bytes]()
    if services is not None:
        verified = _verified(reader.changes, services)
    return ChunkReading(
        name=name,
        positions=chunk.positions,
        leaves=reader.leaves,
        views=reader.views,
        changes=reader.changes,
        is_complete=chunk.is_complete,
        torn_bytes=chunk.torn_bytes,
        verified=verified,
        fault=reader.fault,
    )


class _Reader:
    """The making of one reading."""

    def __init__(self, chunk: Chunk) -> None:
        self._chunk, self._data = chunk, chunk.data
        self.leaves: list[bytes] = []
        self.views: list[tuple[Seqno, View]] = []
        self.changes: list[TrustChange] = []
        self.fault: Fault | None = None

    def read(self) -> None:
        """Hash every entry; keep those that concern trust.

        Almost every entry has the same layout, and nothing in it concerns trust: such
        an entry is hashed where it lies. Any other is parsed by ``Transaction.parse``,
        which this layout agrees with. An audit takes two thirds of the time so.
        """
        data, view, seqno = self._data, -1, self._chunk.name.first
        leaves, layout = self.leaves, _ENTRY
        positions = self._chunk.positions
        for at, end in zip(positions, [*positions[1:], self._chunk.end], strict=False):
            if end - at >= layout.size:
                (
                    version, flags, low, high, its_seqno, its_view, public_bytes,
                    kind, its_version, claims, evidence, _,
                ) = layout.unpack_from(data, at)  # fmt: skip
                public_end = at + PUBLIC_OFFSET + public_bytes
                if (
                    kind == _TYPE
                    and its_seqno == its_version == seqno
                    and version == ENTRY_VERSION
                    and flags <= _FLAGS_MAX
                    and at + FRAME_BYTES + (low | high << 16) == end
                    and not its_view & SNAPSHOT_BIT
                    and public_bytes >= _HEADER_BYTES
                    and public_end <= end
                    and (
                        public_bytes == _HEADER_BYTES
                        or _says_nothing(data, at + layout.size, public_end)
                    )
                ):
                    if its_view != view:
                        view = its_view
                        self.views.append((seqno, view))
                    leaves.append(sha256(sha256(data[at:end]) + evidence + claims))
                    seqno += 1
                    continue
            try:
                txid = self._parse(seqno, at, end)
            except CcfpyError as error:
                self.fault = Fault(at, seqno, str(error))
                return
            if txid.view != view:
                view = txid.view
                self.views.append((seqno, view))
            seqno += 1

    def _parse(self, seqno: Seqno, at: int, end: int) -> TxId:
        """Parse an entry of which more is needed than its digest."""
        transaction = Transaction.parse(self._data[at:end])
        txid, write_set = transaction.txid, transaction.domain.write_set
        if txid.seqno != seqno:
            raise Malformed(f"expected seqno {seqno}, found {txid.seqno}")
        self.leaves.append(transaction.leaf)
        if not TABLES.isdisjoint(write_set):
            self.changes.append(TrustChange(txid, at, end, write_set))
        return txid


def _says_nothing(data: bytes, at: int, end: int) -> bool:
    """Return whether public maps are well-formed and none concerns trust.

    Only the plainest form is examined: one map with one write. Of any other form the
    answer is false, and the entry is parsed as a whole.
    """
    if at + 8 > end:
        return False
    size = _U64.unpack_from(data, at)[0]
    at += 8 + size
    if at + 24 > end:
        return False
    # Read version, read count, write count: nothing read, one key written.
    if (
        not _is_plain(data[at - size : at])
        or data[at + 8 : at + 24] != _NOTHING_READ_ONE_WRITTEN
    ):
        return False
    at += 24
    for _ in range(2):  # the key, then its value
        if at + 8 > end:
            return False
        at += 8 + _U64.unpack_from(data, at)[0]
    return at + 8 == end and data[at:end] == _NOTHING_REMOVED


_NOTHING_READ_ONE_WRITTEN = _U64.pack(0) + _U64.pack(1)
_NOTHING_REMOVED = _U64.pack(0)


@lru_cache(maxsize=MAP_NAMES_CACHED_MAX)
def _is_plain(name: bytes) -> bool:
    """Return whether a map is public and does not concern trust."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return False
    return is_public(text) and text not in TABLES


def _verified(
    changes: Iterable[TrustChange], services: Iterable[str]
) -> frozenset[bytes]:
    """Return the digests of the signature checks that hold."""
    keys = _CandidateKeys(services)
    for change in changes:
        # The auditor names what fails here when it checks the entries itself.
        with contextlib.suppress(CcfpyError):
            keys.learn(change.write_set)
        with contextlib.suppress(CcfpyError):
            keys.verify(change.write_set)
    return frozenset(keys.verified)


class _CandidateKeys:
    """Keys that may have made a chunk's signatures, tried before their trust is known.

    A node's signature shows the node's certificate. The service's signature names its
    key by digest: given certificates and the chunk's own records have the key.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self.verified: set[bytes] = set()
        self._services: dict[str, PublicKey] = {}
        self._nodes: dict[str, PublicKey] = {}
        for pem in services:
            # The first service that an auditor sees may have any key, until it signs.
            with contextlib.suppress(CcfpyError):
                self._add_service(Certificate.from_pem(pem))

    def learn(self, write_set: WriteSet) -> None:
        """Add the service that a transaction introduces, if it introduces one."""
        trust = LedgerTrust()
        value = write_set.get(SERVICE_INFO)
        if value is not None:
            trust.apply({SERVICE_INFO: value}, last_root=None)
            assert trust.service is not None, "or it would not have been applied"
            self._add_service(trust.service)

    def verify(self, write_set: WriteSet) -> None:
        """Verify the signatures of the root that the node's signature names."""
        value = write_set.get(SIGNATURES, {}).get(SINGLE_KEY)
        if value is None:
            return
        by_node = NodeSignature.parse(value)
        if by_node.certificate is not None:
            self._try(by_node, self._node_key(by_node.certificate), by_node.root)
        value = write_set.get(COSE_SIGNATURES, {}).get(SINGLE_KEY)
        if value is not None:
            by_service = CoseSignature.parse(value)
            key = self._services.get(by_service.key_id)
            if key is not None:
                self._try(by_service, key, by_node.root)

    def _try(
        self, signature: NodeSignature | CoseSignature, key: PublicKey, root: bytes
    ) -> None:
        check = SignatureCheck(signature=signature, key=key, root=root)
        check.verify()
        self.verified.add(check.digest)

    def _add_service(self, certificate: Certificate) -> None:
        key = certificate.public_key
        self._services[sha256_hex(key.der)] = key

    def _node_key(self, pem: str) -> PublicKey:
        key = self._nodes.get(pem)
        if key is None:
            key = self._nodes[pem] = Certificate.from_pem(pem).public_key
        return key
