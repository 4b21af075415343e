"""How a node that joins behaves, from its boot until it is part of the service."""

import base64
from dataclasses import fields, is_dataclass, replace

import pytest

from ccfpy.base import json
from ccfpy.base.ids import CallId, SessionId
from ccfpy.boundary.configuration import (
    InterfaceAuthority,
)
from ccfpy.boundary.effects import (
    CloseSession,
    IdentityMade,
    OpenCall,
    Stop,
)
from ccfpy.boundary.events import (
    SessionOpened,
)
from ccfpy.crypto import certs
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person, listener
from tests.attacks import attack
from tests.unit.node.joiners import (
    RETRY_MS,
    joining,
    said,
    state,
    without_snapshot,
)

# Before anybody answers


def test_a_missing_section_is_named(node: InProcessNode) -> None:
    configuration = replace(joining(node), join=None)
    effects = node.twin().step([replace(node.boot, configuration=configuration)])
    assert isinstance(effects[-1], Stop)
    assert effects[-1].reason == "command.join is missing"


@pytest.mark.parametrize("pinned", [b"", b"\xff", b"no certificate"])
def test_the_pinned_certificate_must_be_one(node: InProcessNode, pinned: bytes) -> None:
    configuration = joining(node)
    assert configuration.join is not None
    section = replace(configuration.join, service_certificate=pinned)
    effects = node.twin().step(
        [replace(node.boot, configuration=replace(configuration, join=section))]
    )
    assert isinstance(effects[-1], Stop)
    assert "the certificate of the service to join" in effects[-1].reason


def test_a_joiner_leaves_its_own_certificate_and_no_service_of_its_own(
    node: InProcessNode,
) -> None:
    effects = without_snapshot(
        node.twin(), replace(node.boot, configuration=joining(node))
    )
    made = next(effect for effect in effects if isinstance(effect, IdentityMade))
    assert made.service_certificate is None
    assert made.node_certificate
    assert OpenCall(call=CallId(1), address="127.0.0.1:8000") in effects


def test_an_interface_of_the_service_has_no_certificate_before_the_join(
    node: InProcessNode,
) -> None:
    configuration = replace(
        joining(node),
        rpc_interfaces=(
            listener("by_service"),
            listener("by_node", port=8001, authority=InterfaceAuthority.NODE),
        ),
    )
    joiner = node.twin()
    joiner.step([replace(node.boot, configuration=configuration)])
    by_service, by_node = SessionId(1), SessionId(2)
    effects = joiner.step(
        [
            SessionOpened(session=by_service, interface="by_service", peer="a:1"),
            SessionOpened(session=by_node, interface="by_node", peer="a:2"),
        ]
    )
    assert effects == [CloseSession(session=by_service)]


# A service that opens


def test_a_node_joins_a_service_that_opens(new_network: Network) -> None:
    first = new_network.nodes[0]
    joiner = new_network.join()
    assert state(joiner) == "Pending"
    new_network.deliver()
    assert state(joiner) == "PartOfNetwork"
    assert said(first, f"Node {joiner.node_id} added as Trusted") == 1
    assert said(
        joiner,
        f"Node has now joined the network as node {joiner.node_id}: all domains",
    )
    new_network.wait_until_settled(joiner)
    assert joiner.host.entries == first.host.entries


def test_a_joiner_is_asked_for_nothing_after_it_joined(new_network: Network) -> None:
    joiner = new_network.join()
    new_network.deliver()
    asked = sum(isinstance(e, OpenCall) for e in joiner.host.effects)
    new_network.advance(5 * RETRY_MS)
    assert sum(isinstance(e, OpenCall) for e in joiner.host.effects) == asked == 1


# An open service


def test_a_node_waits_until_members_trust_it(network: Network) -> None:
    joiner = network.join()
    network.advance(3 * RETRY_MS)
    assert state(joiner) == "Pending"
    assert said(joiner, "is waiting for votes of members to be trusted") == 4
    network.nodes[0].trust(joiner)
    network.wait_until(lambda: state(joiner) == "PartOfNetwork")
    network.wait_until_settled(joiner)
    answer = joiner.request("GET", f"/node/network/nodes/{joiner.node_id}")
    assert json.loads_object(answer.body)["status"] == "Trusted"


@pytest.mark.newest
def test_a_trusted_node_reads_what_was_private_before(
    network: Network, alice: Person
) -> None:
    first = network.nodes[0]
    first.request("PUT", "/app/notes", body={"a": "before it came"}, person=alice)
    joiner = network.join()
    network.deliver()
    network.nodes[0].trust(joiner)
    network.wait_until_settled(joiner)
    answer = joiner.request("GET", "/app/notes?name=a", person=alice)
    assert json.loads(answer.body) == "before it came"


def test_a_joiner_is_told_of_secrets_made_after_it_was_trusted(
    network: Network, alice: Person
) -> None:
    first = network.nodes[0]
    joiner = network.join()
    network.deliver()
    network.nodes[0].trust(joiner)
    first.propose({"name": "trigger_ledger_rekey"})
    first.request("PUT", "/app/notes", body={"a": "after a rekey"}, person=alice)
    network.wait_until_settled(joiner)
    answer = joiner.request("GET", "/app/notes?name=a", person=alice)
    assert json.loads(answer.body) == "after a rekey"


# Refusals


@attack("join: host data that nobody allowed")
def test_a_node_of_another_program_is_refused_and_stops(network: Network) -> None:
    joiner = network.join(executable_digest="ab" * 32)
    network.deliver()
    stop = joiner.host.stop
    assert stop is not None
    assert stop.exit_code != 0
    assert stop.reason.startswith(
        "Join request to 127.0.0.1:8000 returned 401 Bad Request: "
    )
    assert "Quote host data is not authorised" in stop.reason
    assert stop.reason.endswith(". Shutting down node gracefully.")
    assert said(joiner, "Quote host data is not authorised")
    assert said(network.nodes[0], "Quote host data is not authorised")


@attack("join: another service in place of the one that was meant")
def test_a_node_that_expects_another_service_tells_it_nothing_and_stops(
    network: Network,
) -> None:
    entropy = SeededEntropy(b"elsewhere")
    key = KeyPair.generate(entropy, Curve.SECP384R1)
    other = certs.service_certificate(
        key,
        subject="CN=Other",
        not_before=certs.parse_time("2025-06-01"),
        validity_days=365,
        entropy=entropy,
    )
    before = len(network.nodes[0].host.entries)
    joiner = network.join(service_certificate=other.pem)
    network.deliver()
    stop = joiner.host.stop
    assert stop is not None
    assert stop.exit_code != 0
    assert stop.reason.startswith(
        "Early error when joining existing network at 127.0.0.1:8000: "
    )
    assert "invalid cert on handshake" in stop.reason
    assert stop.reason.endswith(". Shutting down node gracefully...")
    network.advance(RETRY_MS)
    assert len(network.nodes[0].host.entries) == before


def test_nobody_there_is_tried_again(network: Network) -> None:
    first = network.nodes[0]
    joiner = network.join()
    network.kill(first)
    network.advance(3 * RETRY_MS)
    assert joiner.host.stop is None
    assert state(joiner) == "Pending"
    assert sum(isinstance(e, OpenCall) for e in joiner.host.effects) == 4


# Redirects


@pytest.fixture
def pair(network: Network) -> Network:
    """An open service of two nodes."""
    second = network.join()
    network.deliver()
    network.nodes[0].trust(second)
    network.wait_until_settled(second)
    return network


@attack("join: asking a node that is not the primary")
def test_a_backup_sends_a_joiner_to_the_primary(pair: Network) -> None:
    first, second = pair.nodes
    joiner = pair.join(second)
    pair.deliver()
    assert said(joiner, "Target node redirected to https://127.0.0.1:8000/node/join")
    pair.advance(RETRY_MS)
    assert said(first, f"Node {joiner.node_id} added as Pending") == 1
    assert said(joiner, "is waiting for votes of members to be trusted")


def test_a_joiner_need_not_follow(pair: Network) -> None:
    joiner = pair.join(pair.nodes[1], follow_redirect=False)
    pair.advance(2 * RETRY_MS)
    assert said(joiner, "An error occurred while joining the network: 308") == 3
    assert state(joiner) == "Pending"


def test_a_backup_answers_a_node_that_is_known(pair: Network) -> None:
    second = pair.nodes[1]
    joiner = pair.join(second)
    pair.advance(2 * RETRY_MS)
    assert said(joiner, "is waiting for votes of members to be trusted")
    pair.nodes[0].trust(joiner)
    pair.wait_until(lambda: state(joiner) == "PartOfNetwork")


# What leaves


@attack("join: a host that reads what a joiner is given")
def test_no_host_ever_holds_what_a_joiner_is_given(new_network: Network) -> None:
    joiner = new_network.join()
    new_network.wait_until_settled(joiner)
    running = joiner.trusted.running
    assert running is not None
    _, secret = running.tail.secrets.latest
    canaries = [
        *(line.encode() for line in running.service_identity.key.pem.splitlines()[1:3]),
        *(line.encode() for line in running.identity.key.pem.splitlines()[1:3]),
        secret.raw,
        secret.raw.hex().encode(),
        base64.b64encode(secret.raw),
    ]
    assert all(len(canary) > 20 for canary in canaries)
    for node in new_network.nodes:
        assert node.host.effects
        for effect in node.host.effects:
            written = repr(effect).encode() + _bytes_of(effect)
            assert not any(canary in written for canary in canaries), type(effect)


def _bytes_of(effect: object) -> bytes:
    """Join every byte string in an effect, as the host would hold it."""
    if isinstance(effect, bytes):
        return effect
    if isinstance(effect, tuple):
        return b"".join(map(_bytes_of, effect))
    if is_dataclass(effect):
        values = (getattr(effect, field.name) for field in fields(effect))
        return b"".join(map(_bytes_of, values))
    return b""
