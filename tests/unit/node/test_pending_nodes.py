"""Strangers that ask to join, and the one node that somebody wants."""

import pytest

from ccfpy.base import json, limits
from ccfpy.base.ids import NodeId
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.http.messages import Response
from ccfpy.service.nodes import pending_nodes
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.node.api.test_join import asking, error, post, replica_of

MOST = 5
CAME = [Person.make(f"stranger {n}") for n in range(MOST + 3)]
WANTED = Person.make("wanted")


@pytest.fixture(autouse=True)
def few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PENDING_NODES_MAX", MOST)


def ask(node: InProcessNode, who: Person) -> Response:
    return post(node, asking(who), who)


def id_of(who: Person) -> NodeId:
    return NodeId(sha256_hex(who.key.public_key.der))


def waiting(node: InProcessNode) -> list[NodeId]:
    return pending_nodes(replica_of(node).begin(read_only=True))


@pytest.fixture
def full(node: InProcessNode) -> InProcessNode:
    """An open service at which as many wait as may."""
    for who in CAME[:MOST]:
        assert ask(node, who).status == 200
        node.advance(10)
    assert waiting(node) == sorted(map(id_of, CAME[:MOST]))
    return node


@attack("join: more nodes than anybody could want")
def test_a_newcomer_takes_the_place_of_who_was_silent_for_longest(
    full: InProcessNode,
) -> None:
    ask(full, CAME[0])
    assert ask(full, WANTED).status == 200
    assert id_of(CAME[0]) in waiting(full), "it was heard again"
    assert id_of(CAME[1]) not in waiting(full)
    assert id_of(WANTED) in waiting(full)
    assert len(waiting(full)) == MOST


@attack("join: more nodes than anybody could want")
def test_one_in_a_while_is_replaced_and_others_are_told_to_come_back(
    full: InProcessNode,
) -> None:
    assert ask(full, CAME[MOST]).status == 200
    before = len(full.host.entries)
    full.advance(limits.PENDING_REPLACED_MS - 1)
    refused = ask(full, CAME[MOST + 1])
    assert error(refused)[:2] == (503, "TooManyPendingNodes")
    assert refused.headers["retry-after"]
    full.advance(1)
    entries = len(full.host.entries)
    assert entries - before <= 2, "nothing but a signature"
    assert ask(full, CAME[MOST + 1]).status == 200


@attack("join: more nodes than anybody could want")
def test_who_asks_again_writes_nothing(full: InProcessNode) -> None:
    full.advance(1000)
    before = len(full.host.entries)
    for _ in range(3):
        assert ask(full, CAME[0]).status == 200
        full.advance(1000)
    assert len(full.host.entries) == before


def propose(node: InProcessNode, who: Person) -> None:
    """Make one member propose to trust a node, which the others have yet to vote on."""
    created = node.govern(
        node.members[0],
        "members/proposals:create",
        "proposal",
        {
            "actions": [
                {
                    "name": "transition_node_to_trusted",
                    "args": {
                        "node_id": id_of(who),
                        "valid_from": "2025-06-15 12:00:00.000000+00:00",
                    },
                }
            ]
        },
    )
    assert json.loads_object(created.body)["proposalState"] == "Open"


@pytest.mark.slow
@attack("join: all places taken, and asked for again and again")
def test_a_node_that_a_proposal_names_gets_a_place_at_once_and_keeps_it(
    full: InProcessNode,
) -> None:
    assert ask(full, CAME[MOST]).status == 200
    assert ask(full, WANTED).status == 503
    propose(full, WANTED)
    assert ask(full, WANTED).status == 200
    for turn in range(3 * MOST):
        full.advance(limits.PENDING_REPLACED_MS)
        for who in CAME:
            ask(full, who)
            if turn % 2:
                full.advance(10)
        assert id_of(WANTED) in waiting(full)
        assert len(waiting(full)) == MOST


@attack("join: more nodes than anybody could want")
def test_who_is_silent_for_long_loses_its_record(
    full: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PENDING_SILENT_S", 100)
    propose(full, CAME[1])
    full.advance(limits.PENDING_LOOK_MS)
    ask(full, CAME[0])
    full.advance(limits.PENDING_LOOK_MS)
    assert waiting(full) == sorted(map(id_of, CAME[:2])), "one asked, one is named"
    full.advance(2 * limits.PENDING_LOOK_MS)
    assert waiting(full) == [id_of(CAME[1])]
    assert ask(full, CAME[0]).status == 200, "it may ask again"


def test_a_backup_sends_who_waits_to_the_primary_now_and_then(network: Network) -> None:
    first = network.nodes[0]
    second = network.join()
    network.deliver()
    first.trust(second)
    network.wait_until_settled(second)
    ask(first, WANTED)
    network.wait_until_settled()
    sent_on = ask(second, WANTED)
    assert error(sent_on)[:2] == (308, "NodeCannotHandleRequest")
    again = ask(second, WANTED)
    assert json.loads_object(again.body)["node_status"] == "Pending"
    network.advance(limits.PENDING_HEARD_MS)
    assert ask(second, WANTED).status == 308
    network.kill(first)
    network.advance(limits.PENDING_HEARD_MS)
    network.wait_until(lambda: replica_of(second).primary_id is None)
    assert ask(second, WANTED).status == 200, "any node tells how it stands"


@pytest.mark.slow
def test_a_new_primary_counts_from_when_it_looks_first(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PENDING_SILENT_S", 100)
    first = network.nodes[0]
    for _ in range(2):
        joiner = network.join()
        network.deliver()
        first.trust(joiner)
        network.wait_until_settled()
    ask(first, WANTED)
    network.wait_until_settled()
    network.kill(first)
    network.wait_until(
        lambda: any(replica_of(n).is_primary for n in network.nodes[1:]),
        most_ms=60_000,
    )
    leads = [n for n in network.nodes[1:] if replica_of(n).is_primary]
    assert id_of(WANTED) in waiting(leads[0])
    network.wait_until(
        lambda: all(id_of(WANTED) not in waiting(n) for n in network.nodes[1:]),
        most_ms=300_000,
    )
