"""Consensus and the ledger stay in step on every node, and each step can be traced."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.base import json
from ccfpy.base.ids import TxId
from ccfpy.base.json import loads_object
from ccfpy.boundary.configuration import ConsensusConfiguration
from ccfpy.boundary.effects import LogTag, SendEntries, TruncateLedger, WriteLog
from ccfpy.consensus.messages import AppendEntries
from ccfpy.consensus.status import TxStatus
from ccfpy.consensus.trace import untraced
from ccfpy.node.outbox import Outbox
from ccfpy.node.replication.replication import NotPrimary, Replication, tracer_of
from ccfpy.node.running import RunningNode
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.damage import with_a_bit_changed
from tests.lab.raft_trace.checking import FUNCTIONS, STATE
from tests.unit.consensus.nodes import new_leader
from tests.unit.node.conftest import CONSTITUTION, NOTES, NotesApp
from tests.unit.node.replication.conftest import all_agree


def replica_of(node: InProcessNode) -> RunningNode:
    running = node.trusted.running
    assert running is not None
    return running


def replication_of(node: InProcessNode) -> Replication:
    return replica_of(node).replication


def put(node: InProcessNode, person: Person, **notes: str) -> TxId:
    answer = node.request("PUT", "/app/notes", body=dict(notes), person=person)
    assert answer.status == 200, answer.body
    return TxId.parse(answer.headers["x-ms-ccf-transaction-id"])


def primary(network: Network) -> InProcessNode:
    """Wait until one living node leads, and give it."""

    def leaders() -> list[InProcessNode]:
        return [
            node
            for node in network.nodes
            if network.is_alive(node) and replication_of(node).is_primary
        ]

    network.wait_until(lambda: len(leaders()) == 1, most_ms=60_000)
    return leaders()[0]


@pytest.mark.newest
def test_a_signature_takes_what_it_covers_along_at_once(
    three: Network, alice: Person
) -> None:
    first, second, third = three.nodes
    length = len(first.host.entries)
    before = sum(isinstance(e, SendEntries) for e in first.host.effects)
    put(first, alice, a="1")
    put(first, alice, a="2")
    assert len(second.host.entries) == length, "nothing to be committed yet"
    replica_of(first).sign()
    first.step()
    three.deliver()
    assert len(second.host.entries) == len(third.host.entries) == length + 3
    assert first.host.commit == second.host.commit == length + 3, "no time has passed"
    sent = sum(isinstance(e, SendEntries) for e in first.host.effects) - before
    assert sent <= 4, "to each of two nodes, in messages as full as they may be"


def test_what_is_not_signed_travels_with_the_heartbeat(
    three: Network, alice: Person
) -> None:
    first, second, _ = three.nodes
    length = len(first.host.entries)
    replica_of(first).timer.tick(three.now_ms, 0)
    put(first, alice, a="1")
    three.wait_until(lambda: len(second.host.entries) > length, most_ms=110)


def test_nothing_is_committed_without_a_majority(three: Network, alice: Person) -> None:
    first, second, third = three.nodes
    three.cut(first, second)
    three.cut(first, third)
    tx_id = put(first, alice, a="1")
    three.advance(1000)
    assert replication_of(first).tx_status(tx_id) is TxStatus.PENDING
    three.heal()
    three.wait_until(
        lambda: replication_of(first).tx_status(tx_id) is TxStatus.COMMITTED
    )


@pytest.mark.newest
def test_a_primary_that_is_cut_off_loses_what_it_alone_wrote(
    three: Network, alice: Person
) -> None:
    first, second, third = three.nodes
    put(first, alice, kept="by all")
    three.wait_until(lambda: all_agree(three))
    three.cut(first, second)
    three.cut(first, third)
    lost = put(first, alice, kept="by one")
    three.wait_until(
        lambda: replication_of(second).is_primary or replication_of(third).is_primary,
        most_ms=60_000,
    )
    three.advance(6000)
    assert not replication_of(first).is_primary, "it hears no majority"
    three.heal()
    leader = primary(three)
    won = put(leader, alice, kept="again")
    three.wait_until(lambda: all_agree(three))
    assert any(isinstance(e, TruncateLedger) for e in first.host.effects)
    for node in three.nodes:
        assert replication_of(node).tx_status(lost) is TxStatus.INVALID
        assert replication_of(node).tx_status(won) is TxStatus.COMMITTED
        tx = replica_of(node).begin(read_only=True)
        assert NOTES.of(tx).get("kept") == "again"


def test_a_new_primary_signs_first_and_so_commits_what_was_left(
    three: Network, alice: Person
) -> None:
    first = three.nodes[0]
    tx_id = put(first, alice, a="1")
    first.advance(200)
    three.kill(first)
    leader = primary(three)
    three.wait_until(
        lambda: replication_of(leader).tx_status(tx_id) is TxStatus.COMMITTED,
        most_ms=20_000,
    )
    assert replication_of(leader).view > 2


def test_a_backup_orders_nothing_itself(three: Network) -> None:
    second = three.nodes[1]
    tx = replica_of(second).begin(read_only=False)
    NOTES.of(tx).put("a", "1")
    before = len(second.host.entries)
    with pytest.raises(NotPrimary):
        replication_of(second).commit(tx)
    assert len(second.host.entries) == before


@pytest.mark.newest
@attack("ledger: entries tampered with on their way to a backup")
def test_entries_that_were_tampered_with_are_refused_and_sent_again(
    three: Network, alice: Person
) -> None:
    first, second, third = three.nodes
    three.cut(first, third)
    genuine = list(second.host.entries)
    put(first, alice, a="1")
    three.wait_until(lambda: len(second.host.entries) > len(genuine))
    log = replication_of(third).raft.log
    message = AppendEntries(
        view=replication_of(first).view,
        previous=log.tx_id(log.last_seqno),
        last=TxId(replication_of(first).view, log.last_seqno + 1),
        leader_commit=log.commit_seqno,
    )
    forged = bytearray(first.host.entries[log.last_seqno])
    forged[-1] ^= 1
    for entries in (bytes(forged), bytes(forged[:-1]), b""):
        before = len(third.host.entries)
        replication_of(third).receive(first.node_id, message.encode(), entries)
        third.step()
        assert len(third.host.entries) == before
    assert any("failed to apply" in log.message for log in third.host.logs)
    three.heal()
    three.wait_until(lambda: all_agree(three))


@pytest.mark.newest
@pytest.mark.parametrize("right", [31, 32, 33])
def test_of_many_entries_those_before_a_wrong_one_are_taken(
    three: Network, alice: Person, right: int
) -> None:
    first, second, third = three.nodes
    three.cut(first, third)
    log = replication_of(third).raft.log
    since = log.last_seqno
    for number in range(right + 1):
        put(first, alice, a=str(number))
    three.wait_until(lambda: len(second.host.entries) > since + right)
    entries = first.host.entries[since : since + right + 1]
    message = AppendEntries(
        view=replication_of(first).view,
        previous=log.tx_id(since),
        last=TxId(replication_of(first).view, since + right + 1),
        leader_commit=log.commit_seqno,
    )
    wrong = with_a_bit_changed(entries[-1])
    replication_of(third).receive(
        first.node_id, message.encode(), b"".join([*entries[:-1], wrong])
    )
    third.step()
    assert third.host.entries[since:] == entries[:-1]
    three.heal()
    three.wait_until(lambda: all_agree(three))


@pytest.mark.parametrize("header", [b"", b"\xff" * 8, b"\x00" * 56])
def test_what_is_no_message_is_ignored(three: Network, header: bytes) -> None:
    second = three.nodes[1]
    replication_of(second).receive(three.nodes[0].node_id, header, b"")
    second.step()
    assert "Ignored a message" in second.host.logs[-1].message


@pytest.mark.slow
def test_a_removed_node_is_retired_in_all_phases_and_forgotten(
    three: Network, alice: Person
) -> None:
    first, second, third = three.nodes
    decided = first.propose({"name": "remove_node", "args": {"node_id": third.node_id}})
    assert json.loads_object(decided.body)["proposalState"] == "Accepted"

    def removable() -> list[object]:
        answer = first.request("GET", "/node/network/removable_nodes")
        return [n["node_id"] for n in json.loads_object(answer.body)["nodes"]]  # type: ignore[index,union-attr,call-overload]  # JSON as documented

    three.wait_until(lambda: removable() == [third.node_id])
    details = replication_of(third).raft.details()
    assert details["membership_state"] == "Retired"
    assert replication_of(first).raft.nodes == sorted([first.node_id, second.node_id])
    before = len(third.host.entries)
    put(first, alice, a="without it")
    three.advance(1000)
    assert len(third.host.entries) <= before + 1, "it is sent nothing any more"
    answer = first.request("DELETE", f"/node/network/nodes/{third.node_id}")
    assert answer.status == 200, answer.body
    three.advance(1000)
    assert removable() == []


def test_a_primary_that_is_removed_hands_over(three: Network, alice: Person) -> None:
    first = three.nodes[0]
    first.propose({"name": "remove_node", "args": {"node_id": first.node_id}})
    three.wait_until(
        lambda: any(replication_of(n).is_primary for n in three.nodes[1:]),
        most_ms=3000,
    )
    leader = primary(three)
    assert leader is not first
    put(leader, alice, a="after it")
    three.wait_until(lambda: three.nodes[1].host.commit == three.nodes[2].host.commit)


def test_a_ledger_rekey_reaches_every_node(three: Network, alice: Person) -> None:
    first = three.nodes[0]
    first.propose({"name": "trigger_ledger_rekey"})
    put(first, alice, a="under the new secret")
    three.wait_until(lambda: all_agree(three))
    secrets = [dict(replica_of(n).tail.secrets) for n in three.nodes]
    assert secrets[0] == secrets[1] == secrets[2]
    assert len(secrets[0]) == 2


def test_a_full_pipeline_turns_callers_away_until_it_drains(
    members: tuple[Person, ...], alice: Person
) -> None:
    network = Network(
        NotesApp(),
        constitution=CONSTITUTION,
        members=members,
        consensus=replace(ConsensusConfiguration(), uncommitted_tx_max=20),
    )
    first = network.start()
    first.open_service(alice)
    client = first.connect(alice)
    statuses = [
        client.request("PUT", "/app/notes", body={"a": "1"}).status for _ in range(22)
    ]
    assert statuses == [200] * 20 + [503] * 2
    network.advance(1000)
    assert client.request("PUT", "/app/notes", body={"a": "1"}).status == 200


def test_a_tracer_that_nobody_asked_for_is_none() -> None:
    raft = new_leader()
    assert tracer_of(Outbox(), lambda: raft.state, is_on=False) is untraced
    assert not raft.state.is_traced


@pytest.mark.parametrize("is_on", [False, True])
def test_a_node_logs_each_step_where_its_configuration_says_so(
    make_node: Callable[[], InProcessNode], *, is_on: bool
) -> None:
    node = make_node()
    configuration = node.boot.configuration
    consensus = replace(configuration.consensus, trace=is_on)
    effects = node.twin().step(
        [replace(node.boot, configuration=replace(configuration, consensus=consensus))]
    )
    steps = [
        loads_object(effect.message)
        for effect in effects
        if isinstance(effect, WriteLog) and effect.tag is LogTag.RAFT_TRACE
    ]
    assert bool(steps) is is_on
    for step in steps:
        assert step["function"] in FUNCTIONS
        state = step["state"]
        assert isinstance(state, dict)
        assert state.keys() >= STATE
    if is_on:
        assert [step["function"] for step in steps][:4] == [
            "become_leader",
            "replicate",
            "add_configuration",
            "replicate",
        ]
