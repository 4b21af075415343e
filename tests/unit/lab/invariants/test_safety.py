"""Each promise of a replicated log is broken once, and is missed."""

from dataclasses import dataclass, field

import pytest

from ccfpy.base.ids import NodeId, Seqno, TxId, View
from tests.lab.invariants import Violated
from tests.lab.invariants.safety import LoggedEntry, Safety


@dataclass(frozen=True, eq=False)
class Entry:
    tx_id: TxId
    is_committable: bool = False
    configuration: frozenset[NodeId] | None = None


@dataclass
class Node:
    id: NodeId
    view: View = 2
    is_leader: bool = False
    commit_seqno: Seqno = 0
    origin: frozenset[NodeId] = frozenset()
    ledger: list[LoggedEntry] = field(default_factory=list)


ALL = frozenset(map(NodeId, "012"))


def _entry(view: int, seqno: int, *, signed: bool = False) -> Entry:
    return Entry(TxId(view, seqno), is_committable=signed)


def _service() -> tuple[Safety, Node, Node, Node]:
    """Three nodes with a final configuration; node 0 leads view 2."""
    leader, *backups = (Node(id=NodeId(name)) for name in "012")
    leader.is_leader = True
    leader.ledger += [
        Entry(TxId(2, 1), configuration=ALL),
        _entry(2, 2, signed=True),
    ]
    safety = Safety()
    for node in (*backups, leader):
        node.ledger[:] = leader.ledger
        node.commit_seqno = 2 if node is leader else 0
        assert safety.check(node)
    return safety, leader, backups[0], backups[1]


def test_what_does_not_change_is_not_checked_again() -> None:
    safety, leader, *_ = _service()
    assert not safety.check(leader)
    assert safety.leaders == {2: NodeId("0")}
    assert [entry.tx_id for entry in safety.final] == [(2, 1), (2, 2)]
    assert safety.holders(2) == ["0", "1", "2"]


def _fails(invariant: str, safety: Safety, node: Node) -> None:
    with pytest.raises(Violated) as failure:
        safety.check(node)
    assert failure.value.invariant == invariant


def test_a_view_does_not_go_back() -> None:
    safety, _, backup, _ = _service()
    backup.view = 1
    _fails("MonotonicTermProp", safety, backup)


def test_what_a_node_committed_stays() -> None:
    safety, leader, *_ = _service()
    leader.is_leader = False
    leader.ledger.pop()
    _fails("CommittedLogAppendOnlyProp", safety, leader)


def test_a_leader_drops_nothing_in_its_view() -> None:
    safety, leader, *_ = _service()
    leader.ledger += [_entry(2, 3)]
    safety.check(leader)
    leader.ledger.pop()
    _fails("PermittedLogChangesProp", safety, leader)


def test_a_backup_drops_nothing_that_is_final_elsewhere() -> None:
    safety, _, backup, _ = _service()
    backup.ledger.pop()
    _fails("QuorumLogInv", safety, backup)


def _final_in_a_later_view() -> tuple[Safety, Node]:
    """An entry of view 2 that nodes 1 and 2 made final in view 4; node 0 has it too.

    It is final since an entry of view 4 follows it (Raft, 5.4.2).
    """
    safety, late, leader, voter = _service()
    late.is_leader = False
    late.ledger += [_entry(2, 3, signed=True)]
    safety.check(late)
    leader.ledger[:] = voter.ledger[:] = [*late.ledger, _entry(4, 4, signed=True)]
    leader.view = voter.view = 4
    safety.check(voter)
    leader.is_leader, leader.commit_seqno = True, 4
    safety.check(leader)
    return safety, late


def test_who_is_behind_may_drop_what_a_later_view_made_final() -> None:
    safety, late = _final_in_a_later_view()
    late.view = 3
    late.ledger[2:] = [_entry(3, 3, signed=True)]
    assert safety.check(late)


def test_who_reached_the_view_that_made_an_entry_final_keeps_it() -> None:
    safety, late = _final_in_a_later_view()
    late.view = 4
    late.ledger.pop()
    _fails("QuorumLogInv", safety, late)


def test_a_backup_may_drop_what_is_not_final() -> None:
    safety, leader, backup, _ = _service()
    leader.ledger += [_entry(2, 3)]
    backup.ledger[:] = leader.ledger
    assert safety.check(leader)
    assert safety.check(backup)
    backup.ledger.pop()
    assert safety.check(backup)


def test_one_node_writes_an_entry() -> None:
    safety, leader, backup, _ = _service()
    leader.ledger += [_entry(2, 3)]
    safety.check(leader)
    backup.ledger += [_entry(2, 3)]
    _fails("OneWriter", safety, backup)


def test_an_entry_follows_one_other() -> None:
    safety, leader, backup, _ = _service()
    entries = [_entry(2, 3, signed=True), _entry(3, 4)]
    leader.ledger += entries
    leader.view = backup.view = 3
    leader.is_leader = False
    safety.check(leader)
    backup.ledger += [_entry(2, 3, signed=True), entries[1]]
    with pytest.raises(Violated):
        safety.check(backup)
    safety, leader, backup, _ = _service()
    leader.ledger += [entries[0], entries[1]]
    leader.view = backup.view = 3
    leader.is_leader = False
    safety.check(leader)
    backup.ledger += [entries[1]]
    _fails("LogMatchingInv", safety, backup)


@pytest.mark.parametrize("view", [1, 4])
def test_views_of_a_log_go_up_to_the_nodes_own(view: int) -> None:
    safety, _, backup, _ = _service()
    backup.view = 3
    backup.ledger += [_entry(view, 3)]
    _fails("MonoLogInv", safety, backup)


def test_a_view_follows_a_signature() -> None:
    safety, leader, backup, _ = _service()
    leader.ledger += [_entry(2, 3)]
    safety.check(leader)
    backup.view = 3
    backup.ledger[:] = [*leader.ledger, _entry(3, 4)]
    _fails("MonoLogInv", safety, backup)


def test_a_view_has_one_leader() -> None:
    safety, _, backup, _ = _service()
    backup.is_leader = True
    _fails("MoreThanOneLeaderInv", safety, backup)


def test_a_leader_has_what_is_final() -> None:
    safety, *_ = _service()
    stranger = Node(id=NodeId("3"), view=3, is_leader=True)
    _fails("LeaderCompletenessInv", safety, stranger)


def test_a_leader_of_an_older_view_need_not_have_what_came_after() -> None:
    safety, leader, backup, other = _service()
    backup.view, backup.is_leader = 3, True
    backup.ledger += [_entry(3, 3, signed=True)]
    other.view = 3
    other.ledger[:] = backup.ledger
    safety.check(other)
    backup.commit_seqno = 3
    safety.check(backup)
    safety.check(leader)
    leader.view = 4
    _fails("LeaderCompletenessInv", safety, leader)


def test_a_late_leader_need_not_have_what_a_later_view_made_final() -> None:
    safety, leader, backup, other = _service()
    leader.is_leader = False
    leader.ledger += [_entry(2, 3, signed=True), _entry(4, 4, signed=True)]
    leader.view = 4
    safety.check(leader)
    backup.ledger[:] = leader.ledger
    backup.view = 4
    safety.check(backup)
    leader.is_leader, leader.commit_seqno = True, 4
    safety.check(leader)
    other.view, other.is_leader = 3, True
    safety.check(other)
    other.view = 5
    _fails("LeaderCompletenessInv", safety, other)


def test_a_commit_does_not_go_back() -> None:
    safety, leader, *_ = _service()
    leader.commit_seqno = 1
    _fails("MonotonicCommitIndexProp", safety, leader)


@pytest.mark.parametrize("commit", [1, 3])
def test_a_commit_is_a_signature_that_is_there(commit: int) -> None:
    safety, _, backup, _ = _service()
    backup.commit_seqno = commit
    _fails("SignatureInv", safety, backup)


def test_two_nodes_commit_one_history() -> None:
    safety, *_ = _service()
    stranger = Node(id=NodeId("3"), view=3, commit_seqno=1)
    stranger.ledger += [_entry(3, 1, signed=True)]
    _fails("LogInv", safety, stranger)


def test_a_leader_commits_by_an_entry_of_its_view() -> None:
    safety, leader, backup, other = _service()
    leader.ledger += [_entry(2, 3, signed=True)]
    for node in (leader, backup, other):
        node.ledger[:] = leader.ledger
        safety.check(node)
    backup.view, backup.is_leader, backup.commit_seqno = 3, True, 3
    _fails("NeverCommitEntryPrevTermsProp", safety, backup)


def test_a_majority_of_every_configuration_has_what_is_committed() -> None:
    safety, leader, backup, _ = _service()
    pair = frozenset(map(NodeId, "03"))
    leader.ledger += [
        Entry(TxId(2, 3), configuration=pair),
        _entry(2, 4, signed=True),
    ]
    backup.ledger[:] = leader.ledger
    safety.check(backup)
    leader.commit_seqno = 4
    with pytest.raises(Violated, match=r"only \['0', '1'\] have, of \['0', '3'\]"):
        safety.check(leader)


def test_who_counts_from_the_beginning_counts() -> None:
    safety = Safety()
    leader = Node(id=NodeId("0"), is_leader=True, commit_seqno=1, origin=ALL)
    leader.ledger += [_entry(2, 1, signed=True)]
    _fails("ReplicationInv", safety, leader)
