"""Reading a whole ledger and believing nothing of it but what verifies.

``audit`` takes chunk files one after the other and gives findings as values: progress,
what the ledger says happened to its service, and where it is damaged. It never raises
for what a file holds. Each transaction becomes a leaf; each signature must sign the
root over the leaves before it, with the keys that the ledger had introduced by then
(``ledger.trust``). What depends on one chunk alone is read by ``audit.chunk_reading``,
here or ahead of time in other processes; the findings are the same.

Only one chunk and the part of the Merkle tree that the ledger itself retains are in
memory. What follows the last signature is reported and is no damage: nobody has vouched
for it yet. Nor is an entry cut short at the end of an open chunk, which is what a node
that was killed leaves behind.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeAlias

from ccfpy.audit.chunk_reading import ChunkReading, Fault, TrustChange, read_chunk
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.chunk import HEADER_BYTES, ChunkName
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.signature import is_signature
from ccfpy.ledger.tables import TREE, single_value
from ccfpy.ledger.trust import LedgerTrust

LEAVES_RETAINED_MAX = 1 << 17
"""How many leaves are kept at most to compare stored trees with, some 20 MiB."""


class ChunkFile(NamedTuple):
    """A ledger file: its name, and how to read it when its turn comes."""

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkChecked:
    """A chunk was read to its end without damage.

    Attributes:
        file: its name.
        first: its first seqno.
        last: its last seqno.
        signatures: how many of its transactions are signatures.
    """

    file: str
    first: Seqno
    last: Seqno
    signatures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSeen:
    """The service changed its status or, after a disaster, its identity.

    Attributes:
        txid: the transaction that says so.
        status: the status from then on.
        service: the service's certificate from then on.
        is_new_identity: whether its key differs from the one before.
    """

    txid: TxId
    status: ServiceStatus
    service: Certificate
    is_new_identity: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTail:
    """The ledger has entries after its last signature; this is not a fault.

    Attributes:
        file: the file where it ends.
        position: the offset of the first byte after the last signature.
        first: the first unsigned seqno.
        last: the last whole one; less than ``first`` if there is none.
        torn_bytes: bytes of an entry that was not written to its end.
    """

    file: str
    position: int
    first: Seqno
    last: Seqno
    torn_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Something that no node of the service wrote like this; the audit ends with it.

    Attributes:
        file: the file it was found in.
        position: the offset in the file.
        seqno: the transaction concerned, where it is known.
        reason: what does not hold.
    """

    file: str
    position: int
    seqno: Seqno | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the audit established; always its last finding.

    Attributes:
        transactions: how many were read.
        signatures: how many signatures were verified.
        last_signed: the last signature that was verified.
        service: the service's certificate at the end.
        is_damaged: whether damage was found.
    """

    transactions: int
    signatures: int
    last_signed: TxId | None
    service: Certificate | None
    is_damaged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditState:
    """Where an audit is after a signature; what lies before may be forgotten.

    Attributes:
        trust: who may sign.
        tree: the Merkle tree, of which the last leaf alone is retained, as stored.
        view: the last transaction's view.
        signatures: how many signatures were verified.
        last_signed: the last of them.
        last_root: the root that it signed.
        signature_at: its file and offset.
        signed_end: its file and the offset of the first byte after it.
    """

    trust: LedgerTrust
    tree: bytes
    view: View
    signatures: int
    last_signed: TxId
    last_root: bytes
    signature_at: tuple[str, int]
    signed_end: tuple[str, int]


Finding: TypeAlias = ChunkChecked | ServiceSeen | OpenTail | Damage | Summary


class ServiceMark(NamedTuple):
    """What is reported of a service when it changes.

    Attributes:
        status: its status.
        certificate: the digest of its certificate.
        key: its public key, DER.
    """

    status: ServiceStatus | None
    certificate: str | None
    key: bytes | None

    @classmethod
    def of(cls, trust: LedgerTrust) -> Self:
        """Return the service's present mark."""
        service = trust.service
        if service is None:
            return cls(trust.status, None, None)
        return cls(trust.status, service.digest_hex, service.public_key.der)

    def seen(self, txid: TxId, trust: LedgerTrust) -> ServiceSeen | None:
        """Report what ``txid`` changed since this was noted, if it did."""
        now, status, service = self.of(trust), trust.status, trust.service
        if now == self:
            return None
        assert status is not None, "a service record sets both"
        assert service is not None, "a service record sets both"
        return ServiceSeen(
            txid=txid,
            status=status,
            service=service,
            is_new_identity=now.key != self.key,
        )


class _Damaged(Exception):
    def __init__(self, damage: Damage) -> None:
        super().__init__(damage.reason)
        self.damage = damage


def audit(chunks: Iterable[ChunkFile]) -> Iterator[Finding]:
    """Verify a ledger from its first transaction.

    Args:
        chunks: its files in the order of ``audit.chunks.arrange``; each is read when
            the one before is done with.

    Yields:
        Findings, of which the last is a ``Summary``. The first ``Damage`` ends the
        reading, for nothing after it could be believed.
    """
    auditor = Auditor()
    for chunk in chunks:
        yield from auditor.read(chunk)
        if auditor.is_damaged:
            break
    yield from auditor.finish()


class Auditor:
    """The state of an audit between two chunks.

    Attributes:
        trust: who may sign, as of the last transaction read.
        is_damaged: whether damage was found; then there is nothing more to read.
    """

    def __init__(self) -> None:
        self.trust = LedgerTrust()
        self.is_damaged = False
        self._tree = MerkleTree()
        self._view: View = 0
        self._signatures = 0
        self._last_signed: TxId | None = None
        self._last_root: bytes | None = None
        self._open: ChunkReading | None = None
        self._signature_at = self._signed_end = ("", 0)

    @property
    def next_seqno(self) -> Seqno:
        """The seqno that must come next."""
        return len(self._tree)

    @property
    def _first_unsigned(self) -> Seqno:
        return 1 if self._last_signed is None else self._last_signed.seqno + 1

    @classmethod
    def resume(cls, state: AuditState) -> Self:
        """Go on from where another audit was; it must be one's own."""
        auditor = cls()
        auditor.trust = state.trust.copy()
        auditor._tree = MerkleTree.deserialise(state.tree)
        auditor._view = state.view
        auditor._signatures = state.signatures
        auditor._last_signed = state.last_signed
        auditor._last_root = state.last_root
        auditor._signature_at = state.signature_at
        auditor._signed_end = state.signed_end
        return auditor

    @property
    def state(self) -> AuditState | None:
        """All that matters for what follows, if the last transaction is a signature.

        Otherwise nothing: entries that are not signed yet may have to be blamed.
        """
        last_signed, last_root = self._last_signed, self._last_root
        if self.is_damaged or self._open is not None or last_signed is None:
            return None
        if last_root is None or last_signed.seqno != self.next_seqno - 1:
            return None
        return AuditState(
            trust=self.trust.copy(),
            tree=self._tree.serialise(last_signed.seqno),
            view=self._view,
            signatures=self._signatures,
            last_signed=last_signed,
            last_root=last_root,
            signature_at=self._signature_at,
            signed_end=self._signed_end,
        )

    def read(
        self, file: ChunkFile, reading: ChunkReading | None = None
    ) -> Iterator[Finding]:
        """Verify the next chunk.

        Args:
            file: the chunk's file.
            reading: what the file contributes, if a process of the auditor has read it
                already.
        """
        assert not self.is_damaged, "an audit ends with the first damage"
        before = self._signatures
        try:
            reading = self._locate(file, reading)
            yield from self._judge(reading)
        except _Damaged as found:
            self.is_damaged = True
            yield found.damage
        else:
            yield ChunkChecked(
                file=file.name,
                first=reading.name.first,
                last=reading.last,
                signatures=self._signatures - before,
            )

    def finish(self) -> Iterator[Finding]:
        """Report an unsigned tail, then sum up."""
        first = self._first_unsigned
        torn_bytes = self._open.torn_bytes if self._open is not None else 0
        if not self.is_damaged and (torn_bytes or self.next_seqno > first):
            file, position = self._signed_end
            yield OpenTail(
                file=file,
                position=position,
                first=first,
                last=self.next_seqno - 1,
                torn_bytes=torn_bytes,
            )
        yield Summary(
            transactions=self.next_seqno - 1,
            signatures=self._signatures,
            last_signed=self._last_signed,
            service=self.trust.service,
            is_damaged=self.is_damaged,
        )

    def _locate(self, file: ChunkFile, reading: ChunkReading | None) -> ChunkReading:
        """Check that a chunk is the next, and read it."""
        try:
            name = ChunkName.parse(file.name)
            self._check_order(name)
        except Malformed as error:
            raise _Damaged(
                Damage(file=file.name, position=0, seqno=None, reason=str(error))
            ) from error
        if reading is None:
            reading = read_chunk(name, file.read())
        if reading.fault is not None and reading.fault.seqno is None:
            raise _faulty(name, reading.fault)
        if not reading.is_complete:
            self._open = reading
        if self.next_seqno == self._first_unsigned:
            self._signed_end = (file.name, HEADER_BYTES)
        return reading

    def _check_order(self, name: ChunkName) -> None:
        if self._open is not None:
            raise Malformed(f"a chunk follows the open chunk {self._open.name}")
        if name.first != self.next_seqno:
            raise Malformed(
                f"expected a chunk from seqno {self.next_seqno}, found {name.first}"
            )

    def _judge(self, reading: ChunkReading) -> Iterator[ServiceSeen]:
        """Add a chunk's leaves; stop where a view begins or trust is concerned."""
        first, added = reading.name.first, 0
        views = dict(reading.views)
        changes = {change.txid.seqno: change for change in reading.changes}
        for seqno in sorted(views.keys() | changes.keys()):
            self._tree.extend(reading.leaves[added : seqno - first])
            added = seqno - first
            before = ServiceMark.of(self.trust)
            try:
                if seqno in views:
                    self._begin_view(views[seqno])
                change = changes.get(seqno)
                if change is not None:
                    self._apply(reading, change)
            except _TreeDiffers as error:
                file, position = self._place(reading, error.seqno)
                raise _Damaged(
                    Damage(
                        file=file,
                        position=position,
                        seqno=error.seqno,
                        reason=str(error),
                    )
                ) from error
            except CcfpyError as error:
                at = Fault(reading.positions[added], seqno, str(error))
                raise _faulty(reading.name, at) from error
            if change is not None:
                seen = before.seen(change.txid, self.trust)
                if seen is not None:
                    yield seen
        self._tree.extend(reading.leaves[added:])
        if reading.fault is not None:
            raise _faulty(reading.name, reading.fault)

    def _apply(self, reading: ChunkReading, change: TrustChange) -> None:
        self.trust.apply(change.write_set, last_root=self._last_root)
        if is_signature(change.write_set):
            self._check_signature(change, reading.verified)
            self._signature_at = (str(reading.name), change.position)
            self._signed_end = (str(reading.name), change.end)

    def _place(self, reading: ChunkReading, seqno: Seqno) -> tuple[str, int]:
        """Return the file and offset of an entry that is not signed yet.

        The last signature is among them, and may lie in the chunk before. Entries of
        an earlier chunk that does not end in a signature are no longer at hand.
        """
        first = reading.name.first
        if seqno >= first:
            return str(reading.name), reading.positions[seqno - first]
        return self._signature_at

    def _begin_view(self, view: View) -> None:
        if view < self._view or view < 1:
            raise VerificationFailed(f"view {view} comes after view {self._view}")
        self._view = view

    def _check_signature(self, change: TrustChange, verified: frozenset[bytes]) -> None:
        """Verify a signature transaction over all that was read before it."""
        write_set = change.write_set
        root = self._tree.root()
        stored = single_value(write_set, TREE)
        try:
            named = self.trust.verify_signature(write_set, root, verified)
        except VerificationFailed:
            self._blame_a_leaf(stored)
            raise
        for txid in named:
            if txid != str(change.txid):
                raise VerificationFailed(
                    f"the signature at {change.txid} says it is {txid}"
                )
        if stored is not None:
            self._check_tree(stored, root)
        self._signatures += 1
        self._last_signed = change.txid
        self._last_root = root

    def _check_tree(self, stored: bytes, root: bytes) -> None:
        """Compare the stored tree with ours, then flush what that tree has flushed.

        A node that retained more than we did stores leaves that we no longer have;
        their root tells as much.
        """
        theirs = MerkleTree.first_of(stored)
        ours = self._tree
        if ours.first <= theirs < len(ours):
            is_ours = ours.serialise(theirs) == stored
        else:
            is_ours = _has_root(stored, len(ours), root)
        if not is_ours:
            raise VerificationFailed("the stored Merkle tree is not the ledger's")
        ours.flush(max(min(theirs, len(ours) - 1), len(ours) - LEAVES_RETAINED_MAX))

    def _blame_a_leaf(self, stored: bytes | None) -> None:
        """Find the first unsigned entry that the stored tree knows otherwise."""
        if stored is None:
            return
        try:
            theirs = MerkleTree.deserialise(stored)
        except Malformed:
            return
        first = self._last_signed.seqno if self._last_signed is not None else 1
        if len(theirs) != len(self._tree) or theirs.first > first:
            return
        for seqno in range(max(first, self._tree.first), len(self._tree)):
            if self._tree.leaf(seqno) != theirs.leaf(seqno):
                raise _TreeDiffers(seqno)


def _faulty(name: ChunkName, fault: Fault) -> _Damaged:
    return _Damaged(
        Damage(
            file=str(name),
            position=fault.position,
            seqno=fault.seqno,
            reason=fault.reason,
        )
    )


def _has_root(stored: bytes, count: int, root: bytes) -> bool:
    try:
        tree = MerkleTree.deserialise(stored)
    except Malformed:
        return False
    return len(tree) == count and tree.root() == root


class _TreeDiffers(VerificationFailed):
    def __init__(self, seqno: Seqno) -> None:
        super().__init__("the entry is not the one that the next signature covers")
        self.seqno = seqno
