"""Anybody may know whose shares have arrived, and nobody learns a share."""

import json
from dataclasses import replace

import pytest

from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, submit_share
from tests.unit.gov.conftest import Governed, body
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.recovered import status, wait

PATH = "/gov/ccfpy/recovery"


def standing(node: InProcessNode) -> tuple[int, list[str], list[str]]:
    reply = node.request("GET", PATH)
    assert reply.status == 200, reply.body
    told = json.loads(reply.body)
    assert list(told) == ["recoveryThreshold", "shareholders", "submittedMembers"]
    return told["recoveryThreshold"], told["shareholders"], told["submittedMembers"]


def test_who_has_a_share_is_told_while_nothing_is_recovered(opened: Governed) -> None:
    told = body(opened.get("/ccfpy/recovery"))
    assert (told["recoveryThreshold"], told["submittedMembers"]) == (2, [])
    for member in opened.members:
        share = opened.get(f"/recovery/encrypted-shares/{member.member_id}")
        has_share = share.status == 200
        assert (member.member_id in str(told["shareholders"])) is has_share


def test_before_opening_nobody_has_a_share(governed: Governed) -> None:
    assert body(governed.get("/ccfpy/recovery"))["shareholders"] == []


@pytest.fixture
def network() -> Network:
    """Three nodes that wait for the shares of two of three members."""
    members = tuple(Person.make(f"member{n}", can_recover=True) for n in range(3))
    lost = InProcessNode(NotesApp(), constitution=CONSTITUTION, members=members)
    lost.open_service()
    lost.propose({"name": "set_recovery_threshold", "args": {"recovery_threshold": 2}})
    wait(lost)
    made = Network(NotesApp(), constitution=CONSTITUTION, members=members)
    made.recover(replace(lost.remains(), snapshots={}))
    for _ in range(2):
        made.wait_until_settled(made.join())
    assert ask_for_shares(made.nodes[0]).status == 200
    made.wait_until_settled()
    return made


@pytest.mark.slow
def test_every_node_tells_whose_shares_have_arrived(network: Network) -> None:
    """Those that follow, those that join later, and the one that takes over."""
    first, second, third = network.nodes
    one, other, _ = first.members
    everybody = sorted(member.id for member in first.members)
    assert standing(first) == (2, everybody, [])
    answer = submit_share(first, one)
    assert sorted(json.loads(answer.body)) == [
        "fullKeySubmitted",
        "message",
        "recoveryThreshold",
        "submittedCount",
    ], "as CCF answers"
    submit_share(first, one)
    network.wait_until_settled()
    late = network.join()
    first.trust(late)
    network.wait_until_settled()
    for node in network.nodes:
        assert standing(node) == (2, everybody, [one.id]), "once, however often"
    network.kill(first)
    network.wait_until(lambda: _leader(second, third, late) is not None)
    leader = _leader(second, third, late)
    assert leader is not None
    assert standing(leader) == (2, everybody, [one.id])
    assert submit_share(leader, other).status == 200
    network.wait_until(lambda: status(leader) == "Open")
    assert standing(leader) == (2, everybody, [])


def _leader(*nodes: InProcessNode) -> InProcessNode | None:
    for node in nodes:
        told = json.loads(node.request("GET", "/node/consensus").body)
        if told["details"]["leadership_state"] == "Leader":
            return node
    return None
