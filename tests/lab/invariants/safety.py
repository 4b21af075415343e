"""What every replicated log promises, seen from outside.

After each step of a node, `Safety.check` compares the node with what is known of it, of
the others and of what is final. The cost is that of what changed.

A log is identified by its last entry: a transaction id has one entry and one entry
before it, anywhere, ever. That is checked wherever an entry is appended, so that two
logs agree up to a point if they have the same entry there.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ccfpy.base.ids import NodeId, Seqno, TxId, View
from ccfpy.consensus.quorum import is_quorum
from tests.lab.invariants.violated import Violated


class LoggedEntry(Protocol):
    """One entry; equal to another only if one node wrote it once."""

    @property
    def tx_id(self) -> TxId:
        """Its place in the history."""

    @property
    def is_committable(self) -> bool:
        """Whether it is a signature."""

    @property
    def configuration(self) -> frozenset[NodeId] | None:
        """Who counts from here on, if this entry says so."""


class Observed(Protocol):
    """What is seen of a node."""

    @property
    def id(self) -> NodeId:
        """Who it is."""

    @property
    def view(self) -> View:
        """The newest view it knows."""

    @property
    def is_leader(self) -> bool:
        """Whether it leads that view."""

    @property
    def commit_seqno(self) -> Seqno:
        """Up to where it takes its ledger for final."""

    @property
    def origin(self) -> frozenset[NodeId]:
        """Who counts before the first entry that says so; nobody, as a rule."""

    @property
    def ledger(self) -> Sequence[LoggedEntry]:
        """Its entries, from seqno 1 on."""


@dataclass(slots=True)
class _Past:
    """A node as it was when it was last looked at."""

    entries: list[LoggedEntry] = field(default_factory=list)
    view: View = 0
    commit: Seqno = 0
    is_leader: bool = False


_Configuration = tuple[Seqno, frozenset[NodeId]]


class Safety:
    """The memory of a cluster, against which each step is checked.

    Attributes:
        final: what any node ever took for final.
        leaders: who led each view.
    """

    def __init__(self) -> None:
        self.final: list[LoggedEntry] = []
        self.leaders: dict[View, NodeId] = {}
        self._nodes: dict[NodeId, Observed] = {}
        self._past: dict[NodeId, _Past] = {}
        self._written: dict[TxId, tuple[LoggedEntry, LoggedEntry | None]] = {}
        self._commits: list[TxId] = []
        self._configuration: _Configuration | None = None

    def check(self, node: Observed) -> bool:
        """Check a node against the past; return whether its log or its commit changed.

        Raises:
            Violated: an invariant does not hold.
        """
        past = self._past.get(node.id)
        if past is None:
            past = self._past[node.id] = _Past()
            self._nodes[node.id] = node
        if node.view < past.view:
            raise Violated("MonotonicTermProp", f"node {node.id} went to {node.view}")
        known, ledger = past.entries, node.ledger
        size = len(known)
        has_changed = len(ledger) != size or (size > 0 and ledger[-1] != known[-1])
        if has_changed:
            self._check_log(node, past)
        if node.is_leader and (not past.is_leader or past.view != node.view):
            self._check_leader(node)
        past.view, past.is_leader = node.view, node.is_leader
        if node.commit_seqno != past.commit:
            has_changed = True
            self._check_commit(node, past.commit)
            past.commit = node.commit_seqno
        return has_changed

    def holders(self, seqno: Seqno) -> list[NodeId]:
        """Return the nodes that have the final entry at ``seqno``."""
        entry = self.final[seqno - 1]
        return sorted(n.id for n in self._nodes.values() if _has(n.ledger, entry))

    def _check_log(self, node: Observed, past: _Past) -> None:
        known, ledger = past.entries, node.ledger
        kept = len(known)
        if len(ledger) < kept or ledger[kept - 1 : kept] != known[-1:]:
            kept = min(kept, len(ledger))
            while kept and ledger[kept - 1] != known[kept - 1]:
                kept -= 1
            self._check_rollback(node, past, kept)
            del known[kept:]
        for entry in ledger[kept:]:
            self._check_entry(node, known[-1] if known else None, entry)
            known.append(entry)

    def _check_rollback(self, node: Observed, past: _Past, kept: Seqno) -> None:
        if kept < past.commit:
            raise Violated(
                "CommittedLogAppendOnlyProp",
                f"node {node.id} committed {past.commit} and went back to {kept}",
            )
        if past.is_leader and node.is_leader and past.view == node.view:
            raise Violated(
                "PermittedLogChangesProp",
                f"node {node.id} leads view {node.view} and dropped {kept + 1}",
            )
        for gone, final in zip(past.entries[kept:], self.final[kept:], strict=False):
            # Entries that no signature covers here are not final, and may be removed.
            if (
                gone == final
                and gone.is_committable
                and self._made_final_in(gone.tx_id.seqno) <= node.view
            ):
                raise Violated(
                    "QuorumLogInv", f"node {node.id} dropped {gone.tx_id}, a final one"
                )

    def _made_final_in(self, seqno: Seqno) -> View:
        """Return the view whose signature made ``seqno`` final.

        A node that vouched for that signature has reached its view. The copy of a node
        that has not never counted, and a leader between may remove it.
        """
        first = bisect_left(self._commits, seqno, key=lambda commit: commit.seqno)
        return self._commits[first].view

    def _check_entry(
        self, node: Observed, before: LoggedEntry | None, entry: LoggedEntry
    ) -> None:
        tx_id = entry.tx_id
        known = self._written.setdefault(tx_id, (entry, before))
        if known[0] != entry:
            raise Violated("OneWriter", f"{tx_id} was written twice")
        if known[1] != before:
            raise Violated("LogMatchingInv", f"{tx_id} follows two entries")
        previous = TxId(0, 0) if before is None else before.tx_id
        if tx_id.view > node.view or tx_id.view < previous.view:
            raise Violated(
                "MonoLogInv",
                f"on node {node.id} in view {node.view}, {tx_id} follows {previous}",
            )
        if before and tx_id.view != previous.view and not before.is_committable:
            raise Violated(
                "MonoLogInv",
                f"on node {node.id}, {tx_id} follows {previous}, unsigned",
            )

    def _check_leader(self, node: Observed) -> None:
        known = self.leaders.setdefault(node.view, node.id)
        if known != node.id:
            raise Violated(
                "MoreThanOneLeaderInv",
                f"nodes {known} and {node.id} both led view {node.view}",
            )
        self._check_complete(node)

    def _check_complete(self, leader: Observed) -> None:
        """Check that a leader has what its own view, or one before, made final.

        An older entry that a later view made final may be unknown to a leader whom the
        votes of its view reached late.
        """
        last = len(self._commits)
        while last and self._commits[last - 1].view > leader.view:
            last -= 1
        if not last:
            return
        final = self.final[self._commits[last - 1].seqno - 1]
        if not _has(leader.ledger, final):
            raise Violated(
                "LeaderCompletenessInv",
                f"node {leader.id} leads view {leader.view} without {final.tx_id}, "
                "which is final",
            )

    def _check_commit(self, node: Observed, before: Seqno) -> None:
        commit, ledger = node.commit_seqno, node.ledger
        if commit < before:
            raise Violated(
                "MonotonicCommitIndexProp", f"node {node.id} went {before} to {commit}"
            )
        if commit > len(ledger) or not ledger[commit - 1].is_committable:
            raise Violated(
                "SignatureInv", f"node {node.id} committed {commit}, no signature"
            )
        known = min(commit, len(self.final))
        if known and ledger[known - 1] != self.final[known - 1]:
            raise Violated(
                "LogInv",
                f"node {node.id} committed {ledger[known - 1].tx_id}, not "
                f"{self.final[known - 1].tx_id}",
            )
        if commit > known:
            self._check_new_commit(node, known)

    def _check_new_commit(self, node: Observed, known: Seqno) -> None:
        """Check what was not final before: a majority of each configuration has it.

        Of those that ``node`` counts in: the one before, and all that follow it.
        """
        commit = node.commit_seqno
        last = node.ledger[commit - 1]
        if node.is_leader and last.tx_id.view != node.view:
            raise Violated(
                "NeverCommitEntryPrevTermsProp",
                f"node {node.id} committed {last.tx_id} in view {node.view}",
            )
        self.final += node.ledger[known:commit]
        self._commits.append(last.tx_id)
        holders = self.holders(commit)
        for seqno, nodes in self._counted(node, known):
            if not is_quorum(holders, nodes):
                raise Violated(
                    "ReplicationInv",
                    f"node {node.id} committed {last.tx_id}, which only {holders} "
                    f"have, of {sorted(nodes)}",
                )
            if seqno <= commit:
                self._configuration = seqno, nodes
        for leader in self._nodes.values():
            if leader.is_leader and leader.view >= last.tx_id.view:
                self._check_complete(leader)

    def _counted(self, node: Observed, known: Seqno) -> Iterator[_Configuration]:
        if self._configuration is not None:
            yield self._configuration
        elif node.origin:
            yield 0, node.origin
        for entry in node.ledger[known:]:
            if entry.configuration is not None:
                yield entry.tx_id.seqno, entry.configuration


def _has(ledger: Sequence[LoggedEntry], entry: LoggedEntry) -> bool:
    seqno = entry.tx_id.seqno
    return len(ledger) >= seqno and ledger[seqno - 1] == entry
