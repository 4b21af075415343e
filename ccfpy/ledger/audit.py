"""Reading a whole ledger and believing nothing of it but what verifies.

``audit`` takes chunk files one after the other and gives findings as values: progress,
what the ledger says happened to its service, and where it is damaged. It never raises
for what a file holds. Each transaction becomes a leaf; each signature must sign the
root over the leaves before it, with the keys that the ledger had introduced by then
(``ledger.trust``).

Only one chunk and the part of the Merkle tree that the ledger itself retains are in
memory. What follows the last signature is reported and is no damage: nobody has vouched
for it yet. Nor is an entry cut short at the end of an open chunk, which is what a node
that was killed leaves behind.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self, TypeAlias

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.chunk import HEADER_BYTES, Chunk, ChunkDamaged, ChunkName
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.signature import is_signature
from ccfpy.ledger.tables import SINGLE_KEY, TREE
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
    """The ledger goes on after what is signed; nothing is wrong with that.

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
        chunks: its files in the order of ``chunk.arrange``; each is read when the one
            before is done with.

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
        self._open: Chunk | None = None
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

    def read(self, file: ChunkFile) -> Iterator[Finding]:
        """Verify the next chunk."""
        assert not self.is_damaged, "an audit ends with the first damage"
        try:
            chunk = self._locate(file)
            before = self._signatures
            for seqno, position, data in chunk.entries():
                yield from self._transaction(chunk, seqno, position, data)
        except _Damaged as found:
            self.is_damaged = True
            yield found.damage
        else:
            yield ChunkChecked(
                file=file.name,
                first=chunk.name.first,
                last=chunk.last,
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

    def _locate(self, file: ChunkFile) -> Chunk:
        """Find the entries of a chunk and its place in the ledger."""
        try:
            name = ChunkName.parse(file.name)
            self._check_order(name)
            chunk = Chunk.parse(name, file.read())
        except Malformed as error:
            position = error.position if isinstance(error, ChunkDamaged) else 0
            damage = Damage(
                file=file.name, position=position, seqno=None, reason=str(error)
            )
            raise _Damaged(damage) from error
        if not chunk.is_complete:
            self._open = chunk
        if self.next_seqno == self._first_unsigned:
            self._signed_end = (file.name, HEADER_BYTES)
        return chunk

    def _check_order(self, name: ChunkName) -> None:
        if self._open is not None:
            raise Malformed(f"a chunk follows the open chunk {self._open.name}")
        if name.first != self.next_seqno:
            raise Malformed(
                f"expected a chunk from seqno {self.next_seqno}, found {name.first}"
            )

    def _transaction(
        self, chunk: Chunk, seqno: Seqno, position: int, data: bytes
    ) -> Iterator[Finding]:
        try:
            transaction = Transaction.parse(data)
            self._check_place(transaction, seqno)
            write_set = transaction.domain.write_set
            before = ServiceMark.of(self.trust)
            self.trust.apply(write_set, last_root=self._last_root)
            if is_signature(write_set):
                self._check_signature(transaction)
                self._signature_at = (str(chunk.name), position)
                self._signed_end = (str(chunk.name), position + len(data))
        except _TreeDiffers as error:
            file, where = self._place(chunk, error.seqno)
            damage = Damage(
                file=file, position=where, seqno=error.seqno, reason=str(error)
            )
            raise _Damaged(damage) from error
        except CcfpyError as error:
            damage = Damage(
                file=str(chunk.name), position=position, seqno=seqno, reason=str(error)
            )
            raise _Damaged(damage) from error
        self._tree.append(transaction.leaf)
        seen = before.seen(transaction.txid, self.trust)
        if seen is not None:
            yield seen

    def _place(self, chunk: Chunk, seqno: Seqno) -> tuple[str, int]:
        """Return the file and offset of an entry that is not signed yet.

        The last signature is among them, and may lie in the chunk before. Entries of
        an earlier chunk that does not end in a signature are no longer at hand.
        """
        if seqno >= chunk.name.first:
            return str(chunk.name), chunk.positions[seqno - chunk.name.first]
        return self._signature_at

    def _check_place(self, transaction: Transaction, seqno: Seqno) -> None:
        view, found = transaction.txid
        if found != seqno:
            raise Malformed(f"expected seqno {seqno}, found {found}")
        if view < self._view or view < 1:
            raise VerificationFailed(f"view {view} comes after view {self._view}")
        self._view = view

    def _check_signature(self, transaction: Transaction) -> None:
        """Verify a signature transaction over all that was read before it."""
        write_set = transaction.domain.write_set
        root = self._tree.root()
        stored = write_set[TREE].get(SINGLE_KEY) if TREE in write_set else None
        try:
            named = self.trust.verify_signature(write_set, root)
        except VerificationFailed:
            self._blame_a_leaf(stored)
            raise
        for txid in named:
            if txid != str(transaction.txid):
                raise VerificationFailed(
                    f"the signature at {transaction.txid} says it is {txid}"
                )
        if stored is not None:
            self._check_tree(stored, root)
        self._signatures += 1
        self._last_signed = transaction.txid
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
