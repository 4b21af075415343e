"""An audit of chunks that others have read: from chunk to chunk, in order.

What ``ledger.extract`` found out of each chunk is put together here: the Merkle tree's
edge, who may sign, and whether each signature signs the root that it must. The plain
auditor's word decides: where there is no extract, or where one does not fit what came
before, that auditor reads the chunk, from where all was last known to be well. So both
give the same findings, whoever made the extracts and in whatever order.

Extracts are believed. Whoever makes them belongs to the auditor.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.ledger.audit import (
    Auditor,
    AuditState,
    ChunkChecked,
    ChunkFile,
    Damage,
    Finding,
    ServiceMark,
    ServiceSeen,
)
from ccfpy.ledger.extract import AuditStep, Extract, StoredTree
from ccfpy.ledger.merkle import Frontier, MerkleTree
from ccfpy.ledger.tables import SERVICE_INFO
from ccfpy.ledger.trust import LedgerTrust


class Relay:
    """The state of an audit between two chunks.

    Attributes:
        state: the last place before which all could be forgotten; nothing at first.
        is_damaged: whether damage was found; then there is nothing more to read.
    """

    def __init__(self, state: AuditState | None = None) -> None:
        self.state = state
        self.is_damaged = False
        self._runner = _Runner.start(state)
        self._plain: Auditor | None = None
        self._since: list[ChunkFile] = []

    @property
    def service(self) -> str | None:
        """The certificate of the service as PEM, for ``extract``."""
        trust = self._runner.trust if self._plain is None else self._plain.trust
        return None if trust.service is None else trust.service.pem

    @property
    def next_seqno(self) -> Seqno:
        """The seqno that must come next."""
        if self._plain is not None:
            return self._plain.next_seqno
        return len(self._runner.frontier)

    def read(self, file: ChunkFile, extract: Extract | None) -> Iterator[Finding]:
        """Verify the next chunk, by its extract if it has one that holds."""
        assert not self.is_damaged, "an audit ends with the first damage"
        if self._plain is None and extract is not None:
            try:
                findings = list(self._runner.run(extract))
            except CcfpyError:
                pass  # the plain auditor says what it is
            else:
                self._pass_on(file, self._runner.state)
                yield from findings
                return
        for finding in self._read_plainly(file):
            self.is_damaged |= isinstance(finding, Damage)
            yield finding

    def finish(self) -> Iterator[Finding]:
        """Report an unsigned tail, then sum up."""
        if self._plain is None:
            for damage in self._fall_back():
                self.is_damaged = True
                yield damage
        assert self._plain is not None
        yield from self._plain.finish()

    def _read_plainly(self, file: ChunkFile) -> Iterator[Finding]:
        if self._plain is None:
            yield from self._fall_back()
        plain = self._plain
        assert plain is not None
        if plain.is_damaged:
            return
        yield from plain.read(file)
        if not plain.is_damaged:
            self._pass_on(file, plain.state)
            if plain.state is not None:
                self._runner, self._plain = _Runner.start(plain.state), None

    def _fall_back(self) -> Iterator[Damage]:
        """Bring the plain auditor to where the next chunk begins."""
        state = self.state
        plain = Auditor() if state is None else Auditor.resume(state)
        self._plain = plain
        for file in self._since:
            for finding in plain.read(file):
                if isinstance(finding, Damage):
                    yield finding  # all else was told when the chunk was read
            if plain.is_damaged:
                return

    def _pass_on(self, file: ChunkFile, state: AuditState | None) -> None:
        """Forget what lies before a chunk's end, if it ends with a signature."""
        if state is None:
            self._since.append(file)
        else:
            self.state, self._since = state, []


@dataclass(slots=True, kw_only=True)
class _Runner:
    """What is carried from chunk to chunk.

    After an error it is where it was when it met it, and good for nothing more.
    """

    trust: LedgerTrust = field(default_factory=LedgerTrust)
    frontier: Frontier = field(default_factory=lambda: Frontier.of(MerkleTree()))
    view: View = 1
    signatures: int = 0
    last_signed: TxId | None = None
    last_root: bytes | None = None
    state: AuditState | None = None

    @classmethod
    def start(cls, state: AuditState | None) -> "_Runner":
        if state is None:
            return cls()
        return cls(
            trust=state.trust.copy(),
            frontier=Frontier.of(MerkleTree.deserialise(state.tree)),
            view=state.view,
            signatures=state.signatures,
            last_signed=state.last_signed,
            last_root=state.last_root,
            state=state,
        )

    def run(self, extract: Extract) -> Iterator[Finding]:
        """Go through a chunk.

        Raises:
            CcfpyError: it does not fit; what exactly, the plain auditor finds out.
        """
        if extract.first != len(self.frontier) or extract.first_view < self.view:
            raise VerificationFailed("the chunk does not continue the one before")
        before, edges = self.signatures, dict[Seqno, bytes]()
        self.view, self.state = extract.last_view, None
        for step in extract.steps:
            for subtree in step.forest:
                self.frontier.append(subtree)
            edges[step.txid.seqno] = self.frontier.edge()
            yield from self._take(step)
            if step.is_signature:
                self._sign(step, extract, edges)
        for subtree in extract.forest:
            self.frontier.append(subtree)
        yield ChunkChecked(
            file=extract.file,
            first=extract.first,
            last=extract.last,
            signatures=self.signatures - before,
        )

    def _take(self, step: AuditStep) -> Iterator[ServiceSeen]:
        mark = ServiceMark.of(self.trust)
        self.trust.apply(step.write_set, last_root=self.last_root)
        if SERVICE_INFO in step.write_set:
            seen = mark.seen(step.txid, self.trust)
            if seen is not None:
                yield seen

    def _sign(
        self, step: AuditStep, extract: Extract, edges: dict[Seqno, bytes]
    ) -> None:
        root = self.frontier.root()
        for check in self.trust.checks(step.write_set, root):
            if check.digest not in extract.verified:
                check.verify()
            if check.signature.txid != step.txid:
                raise VerificationFailed("a signature that names another transaction")
        if step.stored is not None:
            _check_tree(step.stored, root, edges)
        self.signatures += 1
        self.last_signed, self.last_root = step.txid, root
        if step.txid.seqno == extract.last:
            self.state = AuditState(
                trust=self.trust.copy(),
                tree=self.frontier.tree(extract.last_leaf),
                view=self.view,
                signatures=self.signatures,
                last_signed=step.txid,
                last_root=root,
                signature_at=(extract.file, step.position),
                signed_end=(extract.file, step.end),
            )


def _check_tree(stored: StoredTree, root: bytes, edges: dict[Seqno, bytes]) -> None:
    if stored.edge is not None:
        is_ours = edges.get(stored.first) == stored.edge
    else:
        is_ours = stored.root == root
    if not is_ours:
        raise VerificationFailed("the stored Merkle tree is not the ledger's")
