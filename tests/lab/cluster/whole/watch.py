"""What must hold of whole nodes after every step of every one of them.

The names are those of `tests.lab.invariants` where the property is the same. The
cost is that of what the step changed.
"""

import base64
import struct
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ccfpy.base.ids import NodeId, Seqno, TxId, View
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.boundary.effects import (
    AppendLedger,
    CommitLedger,
    CommitSnapshot,
    Effect,
    IdentityMade,
    SendCall,
    SendEntries,
    SendToPeer,
    WriteLog,
    WriteSnapshot,
)
from ccfpy.consensus.roles import LeadershipState
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.signature import NodeSignature, is_signature
from ccfpy.ledger.tables import SIGNATURES, TREE, single_value
from ccfpy.service.tables import nodes
from tests.lab.cluster.whole.app import CANARY
from tests.lab.cluster.whole.host import SimulatedNode
from tests.lab.invariants.violated import Violated

_IV_AT = 24
"""Where an entry has its IV: after its frame and tag."""
_IV = struct.Struct("<QI")

_GIVEN: Mapping[type, Callable[..., bytes]] = {
    SendToPeer: lambda effect: effect.payload,
    SendEntries: lambda effect: effect.header,
    WriteSnapshot: lambda effect: effect.data,
    CommitSnapshot: lambda effect: effect.receipt,
    SendCall: lambda effect: effect.data,
    WriteLog: lambda effect: effect.message.encode(),
    IdentityMade: lambda effect: effect.node_certificate,
    CommitLedger: lambda effect: str(effect.seqno).encode(),
}
"""The bytes that leave a node with an effect, except those for clients."""
_UNREPEATED = frozenset({SendCall, WriteLog})
"""Not part of what a seed repeats: TLS draws randomness of its own."""
_REFUSED = "Follower failed to apply log entry"
"""What a node logs that cannot verify an entry; here no primary sends such an entry.

Unless the node's trust was taken back after it was handed what trusted nodes know: no
new secret is for it any more.
"""


@dataclass(slots=True)
class Watch:
    """The memory of a run, against which each step is checked.

    Attributes:
        final: what any node ever took for final, from seqno 1 on.
        leaders: who led each view.
        written: every entry that was ever in a ledger.
        roots: of the trees up to where nodes took their ledgers for final.
        commits: how many signatures became final.
        reconfigurations: how many configurations were active.
        signed: the signatures of the final ledger.
        trusted: the trusted nodes, since each final entry that changed them.
        trace: a digest over every step.
    """

    final: list[bytes] = field(default_factory=list)
    leaders: dict[View, NodeId] = field(default_factory=dict)
    written: dict[TxId, bytes] = field(default_factory=dict)
    roots: dict[Seqno, bytes] = field(default_factory=dict)
    commits: int = 0
    configurations: dict[Seqno, frozenset[NodeId]] = field(default_factory=dict)
    signed: list[Seqno] = field(default_factory=list)
    trusted: list[tuple[Seqno, frozenset[NodeId]]] = field(default_factory=list)
    trace: bytes = b""
    _signed_roots: dict[Seqno, bytes] = field(default_factory=dict)
    _trusted: set[NodeId] = field(default_factory=set)
    _views: dict[str, View] = field(default_factory=dict)
    _commits: dict[str, Seqno] = field(default_factory=dict)
    _secrets: dict[str, tuple[int, bool]] = field(default_factory=dict)
    _private: list[bytes] = field(default_factory=lambda: [CANARY.encode()])

    def step(self, node: SimulatedNode, effects: Sequence[Effect]) -> None:
        """Check a node's step against the past.

        Raises:
            Violated: an invariant does not hold.
        """
        for effect in effects:
            self._see(node, effect)
        if node.identity is None or node.stop is not None:
            return
        self._learn_secrets(node)
        self._check_role(node)
        self._check_commit(node)

    # What is asked of the host

    def _see(self, node: SimulatedNode, effect: Effect) -> None:
        if isinstance(effect, AppendLedger):
            for at, entry in enumerate(effect.entries):
                self._check_entry(node, effect.first_seqno + at, entry)
                self._check_public(node, effect, entry)
                self._trace(node, "AppendLedger", entry)
            return
        given = _GIVEN.get(type(effect))
        if given is not None:
            data = given(effect)
            self._check_public(node, effect, data)
            if type(effect) not in _UNREPEATED:
                self._trace(node, type(effect).__name__, data)
        if isinstance(effect, WriteLog) and effect.message.startswith(_REFUSED):
            _check_refusal(node, effect.message)

    def _trace(self, node: SimulatedNode, kind: str, data: bytes) -> None:
        self.trace = sha256(self.trace + f"{kind} {node.name} ".encode() + data)

    def _check_entry(self, node: SimulatedNode, seqno: Seqno, data: bytes) -> None:
        place, view = _IV.unpack_from(data, _IV_AT)
        if place != seqno:
            raise Violated("LedgerOrder", f"node {node.name} wrote {place} at {seqno}")
        if self.written.setdefault(TxId(view, seqno), data) != data:
            raise Violated(
                "UniqueTxs", f"node {node.name} has another entry {view}.{seqno}"
            )

    def _check_public(self, node: SimulatedNode, effect: Effect, data: bytes) -> None:
        for private in self._private:
            if private in data:
                raise Violated(
                    "NothingPrivate",
                    f"node {node.name} gave away {private[:20]!r} in a "
                    f"{type(effect).__name__}",
                )

    def _learn_secrets(self, node: SimulatedNode) -> None:
        """Collect what must not leave a node: secrets and keys, in all their forms."""
        running = node.running
        known = len(running.tail.secrets), node.has_joined
        if self._secrets.get(node.name) == known:
            return
        self._secrets[node.name] = known
        secrets = [secret.raw for _, secret in running.tail.secrets]
        pems = [running.identity.key.pem, running.identity.encryption_key.pem]
        if running.is_trusted:
            pems.append(running.service_identity.key.pem)
        needles = [pem.split("\n")[2].encode() for pem in pems]
        for raw in secrets:
            needles += [raw, raw.hex().encode(), base64.b64encode(raw)[:-4]]
        for needle in needles:
            if needle not in self._private:
                self._private.append(needle)

    # What became of the node

    def _check_role(self, node: SimulatedNode) -> None:
        raft = node.running.replication.raft
        view = raft.view
        if view < self._views.get(node.name, 0):
            raise Violated("MonotonicTermProp", f"node {node.name} went to {view}")
        self._views[node.name] = view
        if raft.is_leader:
            leader = self.leaders.setdefault(view, node.id)
            if leader != node.id:
                raise Violated(
                    "MoreThanOneLeaderInv",
                    f"node {node.name} leads view {view}, as another does",
                )
        if raft.state.leadership is not LeadershipState.NONE:
            for configuration in raft.state.configurations:
                self.configurations[configuration.seqno] = configuration.nodes

    def _check_commit(self, node: SimulatedNode) -> None:
        tail = node.running.tail
        commit = node.running.replication.raft.log.commit_seqno
        past = self._commits.get(node.name, 0)
        if commit < past:
            raise Violated("MonotonicCommitIndexProp", f"{node.name}: {commit}")
        if commit == past or not node.is_alive:
            return
        self._commits[node.name] = commit
        if commit > tail.last_seqno or commit > node.last_seqno:
            raise Violated(
                "CommitIsVerified",
                f"node {node.name} committed {commit}, but has {tail.last_seqno}",
            )
        past = max(past, node.after)
        self._check_final(node, past, commit)
        root = tail.root_at(commit)
        if self.roots.setdefault(commit, root) != root:
            raise Violated("RootsEqual", f"node {node.name} at {commit}")
        if node.has_joined:
            self._check_configuration(node, commit)
            self._check_receipts(node, past, commit)

    def _check_final(self, node: SimulatedNode, past: Seqno, commit: Seqno) -> None:
        final = self.final
        for seqno in range(past + 1, commit + 1):
            data = node.entry(seqno)
            if seqno <= len(final):
                if final[seqno - 1] != data:
                    raise Violated(
                        "LogInv", f"node {node.name} committed another entry {seqno}"
                    )
            elif seqno == len(final) + 1:
                final.append(data)
                self._learn(seqno, data)
            else:
                raise Violated("LogInv", f"{node.name} committed {seqno} out of turn")
        if commit > past:
            self.commits += 1

    # What the final ledger says

    def _learn(self, seqno: Seqno, data: bytes) -> None:
        """Follow the final ledger: its signatures, and who is trusted.

        Raises:
            Violated: a signature does not store the tree since the one before.
        """
        transaction = Transaction.parse(data)
        writes = transaction.domain.write_set
        if is_signature(writes):
            self._check_stored_tree(seqno, single_value(writes, TREE) or b"")
            self.signed.append(seqno)
            self._signed_roots[seqno] = NodeSignature.parse(
                single_value(writes, SIGNATURES) or b""
            ).root
        if nodes.INFO.name in writes:
            for node, info in nodes.INFO.decode_writes(writes[nodes.INFO.name]).items():
                is_trusted = info is not None and info.status is NodeStatus.TRUSTED
                (self._trusted.add if is_trusted else self._trusted.discard)(node)
            self.trusted.append((seqno, frozenset(self._trusted)))

    def _check_stored_tree(self, seqno: Seqno, stored: bytes) -> None:
        """Check that what follows the signature before can be proved by this one."""
        tree = MerkleTree.deserialise(stored)
        since = self.signed[-1] + 1 if self.signed else 1
        for at in range(since, seqno):
            leaf = Transaction.parse(self.final[at - 1]).leaf
            if at < tree.first or tree.leaf(at) != leaf:
                raise Violated("PastIsProved", f"{seqno} stores no leaf of {at}")

    def _check_configuration(self, node: SimulatedNode, commit: Seqno) -> None:
        """Check that trusted nodes count, and no others."""
        counted = [
            configuration.nodes
            for configuration in node.running.replication.raft.state.configurations
            if configuration.seqno <= commit
        ]
        expected = next(who for at, who in reversed(self.trusted) if at <= commit)
        if counted and counted[-1] != expected:
            raise Violated(
                "ConfigurationIsLedger",
                f"node {node.name} at {commit}: {len(counted[-1])} nodes count, and "
                f"{len(expected)} are trusted",
            )

    def _check_receipts(self, node: SimulatedNode, past: Seqno, commit: Seqno) -> None:
        """Check that what just became final is proved by the next signature."""
        for seqno in range(past + 1, commit + 1):
            receipt = node.running.replication.receipt(seqno)
            if receipt is None:
                continue
            signed = self.signed[bisect_left(self.signed, seqno)]
            if receipt.root() != self._signed_roots[signed]:
                raise Violated(
                    "ReceiptsVerify", f"node {node.name} proves {seqno} by another root"
                )


def _check_refusal(node: SimulatedNode, message: str) -> None:
    if not node.is_lied_to and node.id in node.running.replication.raft.nodes:
        raise Violated("EntriesVerify", f"node {node.name}: {message}")
