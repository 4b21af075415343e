"""Members' decisions on nodes: trust, policy, retirement, renewal."""

from datetime import UTC, datetime, timedelta

import pytest

from ccfpy.attestation.virtual import MEASUREMENT
from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto.certs import Certificate
from ccfpy.node.running import RunningNode
from ccfpy.service.tables import nodes
from ccfpy.service.tables.nodes import NodeInfo
from ccfpy.service.tables.recovery import ENCRYPTED_LEDGER_SECRETS
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack

FROM = "2025-06-15 12:00:00.000000+00:00"
FROM_TIME = datetime(2025, 6, 15, 12, tzinfo=UTC)
OTHER_PROGRAM = "ab" * 32


def replica_of(node: InProcessNode) -> RunningNode:
    running = node.trusted.running
    assert running is not None
    return running


def decide(node: InProcessNode, name: str, **args: Json) -> Json:
    """Make members vote for an action; return the proposal's state unless it failed."""
    decided = node.propose({"name": name, "args": args})
    return json.loads_object(decided.body).get("proposalState")


def trust(node: InProcessNode, joiner: InProcessNode, **args: Json) -> Json:
    return decide(
        node,
        "transition_node_to_trusted",
        node_id=joiner.node_id,
        valid_from=FROM,
        **args,
    )


def record_of(node: InProcessNode, other: InProcessNode) -> NodeInfo | None:
    tx = replica_of(node).begin(read_only=True)
    return nodes.INFO.of(tx).get(other.node_id)


def is_gone(node: InProcessNode, other: InProcessNode) -> bool:
    record = record_of(node, other)
    return record is not None and record.retired_committed


def endorsed(node: InProcessNode, other: InProcessNode) -> Certificate:
    tx = replica_of(node).begin(read_only=True)
    pem = nodes.ENDORSED_CERTIFICATES.of(tx).get(other.node_id)
    assert pem is not None
    return Certificate.from_pem(pem)


def presented(node: InProcessNode) -> Certificate:
    """Return the certificate that a client is shown now."""
    der = node.connect()._tls.peer_certificate_der
    assert der is not None
    return Certificate.from_der(der)


@pytest.fixture
def pair(network: Network) -> Network:
    """An open service of two nodes."""
    second = network.join()
    network.deliver()
    assert trust(network.nodes[0], second) == "Accepted"
    network.wait_until_settled(second)
    return network


# Trust


def test_a_node_is_endorsed_from_when_and_for_how_long_members_say(
    network: Network,
) -> None:
    first = network.nodes[0]
    joiner = network.join()
    network.deliver()
    assert trust(first, joiner, validity_period_days=7) == "Accepted"
    certificate = endorsed(first, joiner)
    assert certificate.not_before == FROM_TIME
    assert certificate.not_after == FROM_TIME + timedelta(days=7, seconds=-1)
    certificate.verify_signed_by(Certificate.from_pem(first.service_certificate))
    network.wait_until_settled(joiner)
    assert presented(joiner) == certificate
    own = replica_of(joiner).identity.self_signed
    assert own.validity_s == certificate.validity_s


def test_a_node_is_trusted_with_the_secrets_of_that_time(network: Network) -> None:
    first = network.nodes[0]
    assert decide(first, "trigger_ledger_rekey") == "Accepted"
    joiner = network.join()
    network.deliver()
    assert trust(first, joiner) == "Accepted"
    record = record_of(first, joiner)
    assert record is not None
    version, _ = replica_of(first).tail.secrets.latest
    assert record.ledger_secret_seqno == version > 1
    network.wait_until_settled(joiner)
    assert list(replica_of(joiner).tail.secrets) == list(replica_of(first).tail.secrets)


def test_a_node_is_not_vouched_for_longer_than_the_service_allows(
    network: Network,
) -> None:
    first = network.nodes[0]
    joiner = network.join()
    network.deliver()
    assert trust(first, joiner, validity_period_days=366) is None
    record = record_of(first, joiner)
    assert record is not None
    assert record.status == "Pending"


def test_nobody_can_be_trusted_who_did_not_ask(network: Network) -> None:
    first = network.nodes[0]
    refused = first.propose(
        {
            "name": "transition_node_to_trusted",
            "args": {"node_id": "ab" * 32, "valid_from": FROM},
        }
    )
    assert refused.status == 500
    assert b"No such node" in refused.body


@attack("join: a new secret while the node is pending")
def test_a_rekey_tells_a_pending_node_nothing(network: Network) -> None:
    first = network.nodes[0]
    joiner = network.join()
    network.deliver()
    assert decide(first, "trigger_ledger_rekey") == "Accepted"
    tx = replica_of(first).begin(read_only=True)
    sent = ENCRYPTED_LEDGER_SECRETS.of(tx).get()
    assert sent is not None
    assert first.node_id in sent
    assert joiner.node_id not in sent


# The policy


def test_members_let_another_program_join_and_take_it_back(network: Network) -> None:
    first = network.nodes[0]
    assert decide(first, "add_virtual_host_data", host_data=OTHER_PROGRAM) == "Accepted"
    welcome = network.join(executable_digest=OTHER_PROGRAM)
    network.deliver()
    assert welcome.host.stop is None
    assert decide(first, "remove_node", node_id=welcome.node_id) == "Accepted"
    assert (
        decide(first, "remove_virtual_host_data", host_data=OTHER_PROGRAM) == "Accepted"
    )
    late = network.join(executable_digest=OTHER_PROGRAM)
    network.deliver()
    assert late.host.stop is not None
    assert "Quote host data is not authorised" in late.host.stop.reason


def test_members_can_let_no_code_join_at_all(network: Network) -> None:
    first = network.nodes[0]
    removed = decide(first, "remove_virtual_measurement", measurement=MEASUREMENT)
    assert removed == "Accepted"
    late = network.join()
    network.deliver()
    assert late.host.stop is not None
    assert "Quote does not contain known enclave measurement" in late.host.stop.reason
    added = decide(first, "add_virtual_measurement", measurement=MEASUREMENT)
    assert added == "Accepted"
    welcome = network.join()
    network.deliver()
    assert welcome.host.stop is None


# Removal


def test_a_pending_node_is_forgotten_and_may_ask_again(network: Network) -> None:
    first = network.nodes[0]
    joiner = network.join()
    network.deliver()
    assert decide(first, "remove_node", node_id=joiner.node_id) == "Accepted"
    assert record_of(first, joiner) is None
    network.advance(2000)
    assert record_of(first, joiner) is not None


def test_a_retired_node_can_be_removed_once_that_is_final(pair: Network) -> None:
    first, second = pair.nodes
    assert decide(first, "remove_node", node_id=second.node_id) == "Accepted"
    path = f"/node/network/nodes/{second.node_id}"
    assert first.request("DELETE", path).status == 400

    def removable() -> JsonObject:
        answer = first.request("GET", "/node/network/removable_nodes")
        return json.loads_object(answer.body)

    pair.wait_until(lambda: bool(removable()["nodes"]))
    assert is_gone(first, second)
    assert first.request("DELETE", path).status == 200
    pair.wait_until(lambda: removable()["nodes"] == [])
    assert record_of(first, second) is None
    assert first.request("GET", path).status == 404


@pytest.mark.newest
def test_a_retired_node_is_sent_no_new_secret(pair: Network) -> None:
    first, second = pair.nodes
    decide(first, "remove_node", node_id=second.node_id)
    pair.advance(1000)
    assert decide(first, "trigger_ledger_rekey") == "Accepted"
    tx = replica_of(first).begin(read_only=True)
    sent = ENCRYPTED_LEDGER_SECRETS.of(tx).get()
    assert sent is not None
    assert set(sent) == {first.node_id}


def test_another_node_may_take_the_address_of_a_retired_one(pair: Network) -> None:
    first, second = pair.nodes
    decide(first, "remove_node", node_id=second.node_id)
    pair.wait_until(lambda: is_gone(first, second))
    pair.kill(second)
    replacement = pair.join(in_place_of=second)
    pair.deliver()
    address = replacement.boot.configuration.node_to_node.published_address
    assert address == second.boot.configuration.node_to_node.published_address
    assert trust(first, replacement) == "Accepted"
    pair.wait_until_settled(replacement)


# Data and certificates


def test_members_describe_a_node(pair: Network) -> None:
    first, second = pair.nodes
    data: Json = {"rack": 7}
    set_to = decide(first, "set_node_data", node_id=second.node_id, node_data=data)
    assert set_to == "Accepted"
    pair.wait_until_settled(second)
    described = second.request("GET", "/node/network/nodes/self")
    assert json.loads_object(described.body)["node_data"] == data


def test_every_node_presents_its_renewed_certificate(
    pair: Network, alice: Person
) -> None:
    first, second = pair.nodes
    session = second.connect(alice)
    renewed = decide(
        first,
        "set_all_nodes_certificate_validity",
        valid_from=FROM,
        validity_period_days=99,
    )
    assert renewed == "Accepted"
    pair.advance(3000)
    for node in pair.nodes:
        certificate = presented(node)
        assert certificate == endorsed(first, node)
        assert certificate.not_after == FROM_TIME + timedelta(days=99, seconds=-1)
        assert replica_of(node).identity.self_signed.validity_s == (
            certificate.validity_s
        )
    # Who came before goes on under the certificate of then.
    assert session.request("GET", "/node/state").status == 200


def test_one_node_is_renewed_and_the_other_is_not(pair: Network) -> None:
    first, second = pair.nodes
    before = presented(first)
    renewed = decide(
        first,
        "set_node_certificate_validity",
        node_id=second.node_id,
        valid_from=FROM,
        validity_period_days=5,
    )
    assert renewed == "Accepted"
    pair.advance(3000)
    assert presented(first) == before
    assert presented(second).not_after == FROM_TIME + timedelta(days=5, seconds=-1)


def test_a_node_can_join_by_the_service_certificate_of_before_its_renewal(
    pair: Network,
) -> None:
    first, second = pair.nodes
    renewed = decide(
        first,
        "set_service_certificate_validity",
        valid_from=FROM,
        validity_period_days=30,
    )
    assert renewed == "Accepted"
    pair.advance(3000)
    for node in (first, second):
        service = replica_of(node).service_identity
        assert service.certificate.not_before == FROM_TIME
        assert service.certificate.pem != first.service_certificate
    joiner = pair.join()
    pair.deliver()
    assert trust(first, joiner) == "Accepted"
    pair.wait_until_settled(joiner)
    assert replica_of(joiner).service_identity.certificate.not_before == FROM_TIME
