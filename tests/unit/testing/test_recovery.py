"""A service in memory is lost and recovered as operators and members would."""

from dataclasses import replace

import pytest

from ccfpy.app import App
from ccfpy.base import json
from ccfpy.boundary.configuration import LedgerSignaturesConfiguration
from ccfpy.testing.configuration import Person
from ccfpy.testing.node import InProcessNode
from ccfpy.testing.recovery import (
    PAUSE_MS,
    ask_for_shares,
    recover_alone,
    share_of,
    submit_share,
)
from tests.unit.node.conftest import CONSTITUTION

MEMBER = Person.make("amy", can_recover=True)


@pytest.fixture(scope="module")
def lost() -> InProcessNode:
    node = InProcessNode(App("idle"), constitution=CONSTITUTION, members=[MEMBER])
    node.open_service()
    node.advance(1000)
    return node


def test_a_recovery_comes_later_and_has_another_identity(lost: InProcessNode) -> None:
    node = recover_alone(lost.remains(), App("idle"), members=[MEMBER])
    assert node.now_ms == lost.now_ms + PAUSE_MS
    assert node.node_id != lost.node_id
    assert node.service_certificate != lost.service_certificate
    assert node.host.entries[: len(lost.host.entries)] == lost.host.entries


def test_its_configuration_can_be_another(lost: InProcessNode) -> None:
    node = recover_alone(
        lost.remains(),
        App("idle"),
        members=[MEMBER],
        configure=lambda same: replace(
            same, ledger_signatures=LedgerSignaturesConfiguration(delay_ms=7)
        ),
    )
    assert node.boot.configuration.ledger_signatures.delay_ms == 7


def test_members_bring_the_service_back(lost: InProcessNode) -> None:
    node = recover_alone(lost.remains(), App("idle"), members=[MEMBER])
    asked = json.loads_object(ask_for_shares(node).body)
    assert asked["proposalState"] == "Accepted"
    share = share_of(node, MEMBER)
    submitted = submit_share(node, MEMBER, share)
    assert submitted.status == 200, submitted.body
    for _ in range(3):
        node.advance(100)
    network = json.loads_object(node.request("GET", "/node/network").body)
    assert network["service_status"] == "Open"


def test_whom_they_want_back_is_theirs_to_say(lost: InProcessNode) -> None:
    node = recover_alone(lost.remains(), App("idle"), members=[MEMBER])
    other = ask_for_shares(node, previous_identity=MEMBER.certificate.pem)
    assert other.status == 500
    assert b"Previous service identity does not match" in other.body
