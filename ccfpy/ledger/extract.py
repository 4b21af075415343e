"""What one chunk contributes to an audit, found out without the chunks before it.

Most of an audit's work knows no order: finding the entries, hashing them, and verifying
signatures by keys that somebody will have to vouch for. ``extract`` does that for one
chunk, wherever and whenever there is a processor for it; ``ledger.relay`` then goes
from chunk to chunk and checks what does know order: roots, and who may sign.

An extract is made only of a chunk in perfect order. Of anything else, nothing is said,
and the plain auditor (``ledger.audit``) reads the chunk itself. What is accepted here
must therefore be acceptable there, but need not be all that is.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.base.limits import MAP_NAMES_CACHED_MAX
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import PublicKey
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.codec import EntryType
from ccfpy.kv.names import is_public
from ccfpy.ledger.chunk import HEADER_BYTES, ChunkName, positions_table
from ccfpy.ledger.entry import PUBLIC_OFFSET, SNAPSHOT_BIT, Transaction
from ccfpy.ledger.frame import BODY_BYTES_MAX, ENTRY_VERSION, FRAME_BYTES, EntryFlags
from ccfpy.ledger.merkle import (
    DIGEST_BYTES,
    Forest,
    MerkleTree,
    cover,
)
from ccfpy.ledger.signature import CoseSignature, NodeSignature, is_signature
from ccfpy.ledger.tables import (
    COSE_SIGNATURES,
    SERVICE_INFO,
    SIGNATURES,
    SINGLE_KEY,
    TREE,
)
from ccfpy.ledger.trust import TABLES, LedgerTrust, SignatureCheck

_ENTRY = struct.Struct("<BBHI16xQIQBQ32s32sQ")
"""An entry up to its first public map, of the one type that is written now."""
_TYPE = int(EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS)
_HEADER_BYTES = _ENTRY.size - PUBLIC_OFFSET
_FLAGS_MAX = EntryFlags.CLOSE_CHUNK_AFTER | EntryFlags.CLOSE_CHUNK_BEFORE
_U64 = struct.Struct("<Q")


class StoredTree(NamedTuple):
    """What a signature stores of the Merkle tree, as far as its chunk cannot tell."""

    first: int
    """The first leaf that it holds."""
    edge: bytes | None
    """The digests before that leaf, where the leaves were compared with the chunk's."""
    root: bytes | None
    """Its root, where they begin in an earlier chunk."""


class AuditStep(NamedTuple):
    """A transaction that an audit must look at in its turn.

    Between two steps there are only transactions that say nothing of trust.
    """

    txid: TxId
    position: int
    """The entry's offset in the file."""
    end: int
    """The offset of the entry after it."""
    forest: Forest
    """Leaves since the step before, or since the chunk's first, up to this one's."""
    write_set: WriteSet
    """What it writes to the tables that concern trust; empty if that is nothing, and
    the step is there because a stored tree begins at it."""
    is_signature: bool
    stored: StoredTree | None
    """For a signature: the tree beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What a chunk contributes.

    Attributes:
        file: its name.
        first: its first seqno.
        last: its last seqno.
        first_view: the view of its first transaction; none is less than one before it.
        last_view: the view of its last transaction.
        steps: what must be looked at, in order.
        forest: leaves from the last step's own on, to the chunk's end.
        last_leaf: the last transaction's leaf.
        verified: the digests of signature checks that were made and held.
    """

    file: str
    first: Seqno
    last: Seqno
    first_view: View
    last_view: View
    steps: tuple[AuditStep, ...]
    forest: Forest
    last_leaf: bytes
    verified: frozenset[bytes]


class _OutOfOrder(Exception):
    """Something for the plain auditor to look at."""


def extract(file: str, data: bytes, services: Iterable[str] = ()) -> Extract | None:
    """Find out what a chunk contributes.

    Args:
        file: the chunk's name.
        data: its bytes.
        services: certificates, as PEM, of services that may have signed its roots, so
            that their signatures can be verified already.

    Returns:
        Nothing if the plain auditor must read the chunk: it is open, or damaged, or
        holds something unusual.
    """
    try:
        name = ChunkName.parse(file)
        return _Extraction(name, data, services).extract()
    except (CcfpyError, _OutOfOrder, struct.error):
        return None


class _Notable(NamedTuple):
    seqno: Seqno
    position: int
    end: int
    transaction: Transaction


class _Extraction:
    """The making of one extract."""

    def __init__(self, name: ChunkName, data: bytes, services: Iterable[str]) -> None:
        self._name, self._data = name, data
        self._leaves: list[bytes] = []
        self._notable: list[_Notable] = []
        self._views: list[tuple[Seqno, View]] = []
        self._positions: list[int] = []
        self._keys = _CandidateKeys(services)

    def extract(self) -> Extract:
        name, table = self._name, int.from_bytes(self._data[:HEADER_BYTES], "little")
        if name.last is None or not HEADER_BYTES < table < len(self._data):
            raise _OutOfOrder
        self._scan(table)
        if (
            len(self._leaves) != name.last - name.first + 1
            or positions_table(self._positions) != self._data[table:]
        ):
            raise _OutOfOrder
        steps, rest = self._steps()
        return Extract(
            file=str(name),
            first=name.first,
            last=name.last,
            first_view=self._views[0][1],
            last_view=self._views[-1][1],
            steps=tuple(steps),
            forest=rest,
            last_leaf=self._leaves[-1],
            verified=frozenset(self._keys.verified),
        )

    def _scan(self, table: int) -> None:
        """Find and hash every entry; keep those that say something of trust."""
        data, view, seqno, at = self._data, 0, self._name.first, HEADER_BYTES
        leaves, positions, entry = self._leaves, self._positions, _ENTRY.unpack_from
        while at < table:
            (
                version, flags, low, high, its_seqno, its_view, public_bytes,
                kind, its_version, claims, evidence, _,
            ) = entry(data, at)  # fmt: skip
            body = low | high << 16
            end = at + FRAME_BYTES + body
            if version != ENTRY_VERSION or flags > _FLAGS_MAX or body > BODY_BYTES_MAX:
                raise _OutOfOrder
            if its_seqno != seqno or end > table:
                raise _OutOfOrder
            if its_view != view:
                self._turn(seqno, its_view)
                view = its_view
            public_end = at + PUBLIC_OFFSET + public_bytes
            if (
                kind == _TYPE
                and its_version == seqno
                and public_bytes >= _HEADER_BYTES
                and public_end <= end
                and (
                    public_bytes == _HEADER_BYTES
                    or _says_nothing(data, at + _ENTRY.size, public_end)
                )
            ):
                leaves.append(sha256(sha256(data[at:end]) + evidence + claims))
            else:
                self._read(seqno, at, end)
            positions.append(at)
            at = end
            seqno += 1
        if not self._views or self._views[0][0] != self._name.first:
            raise _OutOfOrder

    def _turn(self, seqno: Seqno, view: View) -> None:
        """Record that a view begins; views only grow."""
        if view & SNAPSHOT_BIT or (self._views and view < self._views[-1][1]):
            raise _OutOfOrder
        self._views.append((seqno, view))

    def _read(self, seqno: Seqno, at: int, end: int) -> None:
        """Parse an entry of which more is needed than its digest."""
        transaction = Transaction.parse(self._data[at:end])
        self._leaves.append(transaction.leaf)
        if not TABLES.isdisjoint(transaction.domain.write_set):
            self._notable.append(_Notable(seqno, at, end, transaction))

    def _steps(self) -> tuple[list[AuditStep], Forest]:
        first, end = self._name.first, self._name.first + len(self._leaves)
        stored = {each.seqno: self._stored(each) for each in self._notable}
        notable = {each.seqno: each for each in self._notable}
        begun = {
            tree.first for tree in stored.values() if tree and tree.edge is not None
        }
        cuts = sorted(notable.keys() | begun)
        *forests, rest = cover(self._leaves, first, [*cuts, end])
        steps = []
        for cut, forest in zip(cuts, forests, strict=True):
            each = notable.get(cut)
            if each is None:
                step = AuditStep(
                    TxId(self._view(cut), cut), 0, 0, forest, {}, False, None
                )
            else:
                step = self._step(each, forest, stored[cut])
            steps.append(step)
        return steps, rest

    def _step(
        self, each: _Notable, forest: Forest, stored: StoredTree | None
    ) -> AuditStep:
        write_set = each.transaction.domain.write_set
        signs = is_signature(write_set)
        relevant = {k: v for k, v in write_set.items() if k in TABLES}
        self._keys.learn(relevant)
        if signs:
            self._keys.verify(relevant)
        return AuditStep(
            each.transaction.txid,
            each.position,
            each.end,
            forest,
            relevant,
            signs,
            stored,
        )

    def _view(self, seqno: Seqno) -> View:
        return next(view for begin, view in reversed(self._views) if begin <= seqno)

    def _stored(self, each: _Notable) -> StoredTree | None:
        """Compare a stored tree with the chunk's leaves."""
        write_set = each.transaction.domain.write_set
        if not is_signature(write_set):
            return None
        value = write_set[TREE].get(SINGLE_KEY) if TREE in write_set else None
        if value is None:
            return None
        theirs = MerkleTree.first_of(value)
        begin = self._name.first
        if not begin <= theirs < each.seqno:
            tree = MerkleTree.deserialise(value)
            if len(tree) != each.seqno:
                raise _OutOfOrder
            return StoredTree(theirs, None, tree.root())
        count = each.seqno - theirs
        head = value[: len(value) - DIGEST_BYTES * theirs.bit_count()]
        if head[:8] != count.to_bytes(8, "big") or head[16:] != b"".join(
            islice(self._leaves, theirs - begin, each.seqno - begin)
        ):
            raise _OutOfOrder
        return StoredTree(theirs, value[len(head) :], None)


def _says_nothing(data: bytes, at: int, end: int) -> bool:
    """Return whether public maps are well-formed and none concerns trust.

    Only the plainest form is looked at, one map with one write; what is denied here is
    read as a whole.
    """
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


class _CandidateKeys:
    """Keys that a chunk's signatures may be by, tried before anybody vouches for them.

    A node's signature shows its certificate; the service's says the key's digest only,
    which certificates given beforehand and the chunk's own records answer.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self.verified: set[bytes] = set()
        self._services: dict[str, PublicKey] = {}
        self._nodes: dict[str, PublicKey] = {}
        for pem in services:
            self._add_service(Certificate.from_pem(pem))

    def learn(self, write_set: WriteSet) -> None:
        """See whether a transaction introduces a service."""
        trust = LedgerTrust()
        value = write_set.get(SERVICE_INFO)
        if value is not None:
            trust.apply({SERVICE_INFO: value}, last_root=None)
            assert trust.service is not None, "or it would not have been applied"
            self._add_service(trust.service)

    def verify(self, write_set: WriteSet) -> None:
        """Verify the signatures of a root that the node's says it is the root of."""
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
