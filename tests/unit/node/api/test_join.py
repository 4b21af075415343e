"""``POST /node/join``: what a stranger can send, and what it learns by it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.attestation.virtual import MEASUREMENT, VirtualEvidence
from ccfpy.base import json, limits
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto import certs
from ccfpy.http.messages import Response
from ccfpy.node.lifecycle import NodeState
from ccfpy.node.running import RunningNode
from ccfpy.service.join_messages import JOIN_REQUEST, JoinRequest, NodeNetwork
from ccfpy.service.tables.nodes import NetInterface, QuoteFormat, QuoteInfo
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.attestation.evidence import virtual_evidence

HOST_DATA = "00" * 32
"""What the in-process host says of its program."""
APPLICANT = Person.make("applicant", can_recover=True)
OTHER = Person.make("another node")


def asking(person: Person = APPLICANT) -> JoinRequest:
    """Say what a node with this person's key would ask to be entered as."""
    assert APPLICANT.encryption_key is not None
    evidence = virtual_evidence(
        public_key_der=person.key.public_key.der, executable_digest=HOST_DATA
    )
    return JoinRequest(
        node_info_network=NodeNetwork(
            node_to_node_interface=NetInterface(
                bind_address="0:0", published_address="0:0"
            ),
            rpc_interfaces={"name": NetInterface(bind_address="0:0")},
        ),
        quote_info=QuoteInfo(
            format=QuoteFormat.INSECURE_VIRTUAL,
            quote=evidence.quote(),
            endorsements=b"",
        ),
        public_encryption_key=APPLICANT.encryption_key.public_key.pem,
        startup_seqno=0,
        certificate_signing_request=certs.certificate_request(
            person.key, subject="CN=Node", sans=()
        ),
    )


def post(
    node: InProcessNode, body: JoinRequest | Json | bytes, person: Person | None
) -> Response:
    content = JOIN_REQUEST.write(body) if isinstance(body, JoinRequest) else body
    return node.request("POST", "/node/join", body=content, person=person)


def replica_of(node: InProcessNode) -> RunningNode:
    running = node.trusted.running
    assert running is not None
    return running


def error(response: Response) -> tuple[int, str, str]:
    found = json.loads_object(response.body)["error"]
    assert isinstance(found, dict)
    return response.status, str(found["code"]), str(found["message"])


def secrets_of(node: InProcessNode) -> list[bytes]:
    """Return lines that are in every form of what must not be told."""
    running = replica_of(node)
    key_line = running.service_identity.key.pem.splitlines()[1]
    _, secret = running.tail.secrets.latest
    return [key_line.encode(), secret.raw, secret.raw.hex().encode()]


@attack("join: secrets before members trust the node")
def test_a_stranger_is_entered_as_pending_and_told_no_secret(
    node: InProcessNode,
) -> None:
    first, second = (post(node, asking(), APPLICANT) for _ in range(2))
    assert first.status == 200
    assert first.body == second.body
    answer = json.loads_object(first.body)
    assert set(answer) == {"node_status", "node_id"}
    assert answer["node_status"] == "Pending"
    assert not any(secret in first.body for secret in secrets_of(node))
    listed = node.request("GET", f"/node/network/nodes/{answer['node_id']}")
    assert json.loads_object(listed.body)["status"] == "Pending"
    quotes = json.loads_object(node.request("GET", "/node/quotes").body)["quotes"]
    assert isinstance(quotes, list)
    assert len(quotes) == 1


def test_a_service_that_opens_hands_over_to_a_node_that_may_join(
    new_network: Network,
) -> None:
    answer = json.loads_object(post(new_network.nodes[0], asking(), APPLICANT).body)
    assert answer["node_status"] == "Trusted"
    info = answer["network_info"]
    assert isinstance(info, dict)
    assert set(info) == {
        "public_only",
        "last_recovered_signed_idx",
        "ledger_secrets",
        "identity",
        "service_status",
        "endorsed_certificate",
        "cose_signatures_config",
    }


@pytest.mark.parametrize(
    ("state", "is_sealed"),
    [
        (NodeState.PART_OF_NETWORK, False),
        (NodeState.PART_OF_PUBLIC_NETWORK, True),
        (NodeState.READING_PRIVATE_LEDGER, False),
    ],
)
def test_a_node_is_told_whether_the_private_state_is_sealed(
    new_network: Network, state: NodeState, *, is_sealed: bool
) -> None:
    first = new_network.nodes[0]
    replica_of(first).state = state
    answer = json.loads_object(post(first, asking(), APPLICANT).body)
    info = answer["network_info"]
    assert isinstance(info, dict)
    assert info["public_only"] is is_sealed


def wrong_measurement(asked: JoinRequest) -> JoinRequest:
    return with_evidence(asked, measurement="another measurement")


def wrong_host_data(asked: JoinRequest) -> JoinRequest:
    return with_evidence(asked, host_data="ab" * 32)


def no_host_data(asked: JoinRequest) -> JoinRequest:
    return with_evidence(asked, host_data=None)


def with_evidence(asked: JoinRequest, **changes: object) -> JoinRequest:
    evidence = VirtualEvidence.parse(asked.quote_info.quote)
    changed = replace(evidence, **changes)  # type: ignore[arg-type]  # named fields
    quote = replace(asked.quote_info, quote=changed.quote())
    return replace(asked, quote_info=quote)


def no_evidence(asked: JoinRequest) -> JoinRequest:
    return replace(asked, quote_info=replace(asked.quote_info, quote=b"junk"))


def of_another_platform(asked: JoinRequest) -> JoinRequest:
    sgx = replace(asked.quote_info, format=QuoteFormat.OE_SGX_V1)
    return replace(asked, quote_info=sgx)


@attack("join: bytes that are no evidence")
@attack("join: evidence of another platform")
@attack("join: host data that nobody allowed")
@attack("join: a measurement that nobody allowed")
@pytest.mark.parametrize("service", ["node", "new_node"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (wrong_measurement, "Quote does not contain known enclave measurement"),
        (wrong_host_data, "Quote host data is not authorised"),
        (no_host_data, "Quote does not contain trusted host data"),
        (no_evidence, "Quote could not be verified"),
        (of_another_platform, "Quote could not be verified"),
        (
            lambda asked: replace(asked, quote_info=asking(OTHER).quote_info),
            "Quote report data does not contain node's public key hash",
        ),
    ],
)
def test_evidence_that_the_policy_does_not_take_is_refused_and_logged(
    service: str,
    change: Callable[[JoinRequest], JoinRequest],
    message: str,
    request: pytest.FixtureRequest,
) -> None:
    node = request.getfixturevalue(service)
    before = len(node.host.entries)
    asked = change(asking())
    assert error(post(node, asked, APPLICANT)) == (401, "InvalidQuote", message)
    assert len(node.host.entries) == before
    logged = node.host.logs[-1].message
    assert message in logged or "Failed to verify attestation report" in logged


@attack("join: evidence of another node's key")
def test_evidence_copied_from_a_trusted_node_is_no_use(node: InProcessNode) -> None:
    own = json.loads_object(node.request("GET", "/node/quotes/self").body)
    body = JOIN_REQUEST.write(asking())
    assert isinstance(body, dict)
    body["quote_info"] = {
        "format": own["format"],
        "quote": own["raw"],
        "endorsements": own["endorsements"],
    }
    assert error(post(node, body, APPLICANT)) == (
        401,
        "InvalidQuote",
        "Quote report data does not contain node's public key hash",
    )


@attack("join: another node's whole request, sent again")
def test_a_whole_request_of_another_node_is_no_use(new_node: InProcessNode) -> None:
    refused = post(new_node, asking(OTHER), APPLICANT)
    assert error(refused)[:2] == (401, "InvalidQuote")
    assert not any(secret in refused.body for secret in secrets_of(new_node))


@attack("join: a certificate request for another key")
def test_a_certificate_request_for_another_key_is_refused(
    new_node: InProcessNode,
) -> None:
    asked = replace(
        asking(),
        certificate_signing_request=asking(OTHER).certificate_signing_request,
    )
    assert error(post(new_node, asked, APPLICANT)) == (
        400,
        "CSRPublicKeyInvalid",
        "Public key in CSR does not match TLS client identity.",
    )


@attack("join: the address of another node")
def test_an_address_is_taken_once(node: InProcessNode) -> None:
    address = node.boot.configuration.node_to_node.published_address
    message = (
        f"A node with the same published node address {address} already exists "
        f"(node id: {node.node_id})."
    )
    asked = asking()
    to_nodes = NetInterface(bind_address="0:0", published_address=address)
    network = replace(asked.node_info_network, node_to_node_interface=to_nodes)
    refused = error(post(node, replace(asked, node_info_network=network), APPLICANT))
    assert refused == (400, "NodeAlreadyExists", message)


@pytest.mark.slow
@attack("join: the address of another node")
@attack("join: the address of a node that waits to be trusted")
def test_an_address_is_free_until_a_node_is_trusted_with_it(network: Network) -> None:
    first = network.nodes[0]
    claimed = NetInterface(bind_address="0:0", published_address="127.0.0.1:8011")
    asked = asking()
    claims = replace(asked.node_info_network, node_to_node_interface=claimed)
    stranger = post(first, replace(asked, node_info_network=claims), APPLICANT)
    joiner = network.join()
    network.deliver()
    first.trust(joiner)
    decided = first.propose(
        {
            "name": "transition_node_to_trusted",
            "args": {
                "node_id": json.loads_object(stranger.body)["node_id"],
                "valid_from": "2025-06-15 12:00:00.000000+00:00",
            },
        }
    )
    assert (
        "A node with the same published node address 127.0.0.1:8011 already exists "
        f"(node id: {joiner.node_id})."
    ) in decided.body.decode()
    network.wait_until_settled(joiner)


@attack("join: a record as large as a request may be")
def test_a_stranger_s_record_is_bounded(node: InProcessNode) -> None:
    most = limits.NODE_DATA_BYTES_MAX
    large = replace(asking(), node_data="x" * most)
    before = len(node.host.entries)
    assert error(post(node, large, APPLICANT)) == (
        400,
        "InvalidInput",
        f"node_data has {most + 2} of at most {most}",
    )
    assert len(node.host.entries) == before
    largest = replace(asking(), node_data="x" * (most - 2))
    assert post(node, largest, APPLICANT).status == 200


@attack("join: an address that is none")
@pytest.mark.parametrize("address", ["h]x:[1", "[/x]y:1", "a\x1b]0;title\x07:1"])
def test_an_address_that_is_none_is_refused(node: InProcessNode, address: str) -> None:
    network = asking().node_info_network
    rpc = {"main": NetInterface(bind_address="a:1", published_address=address)}
    hostile = replace(asking(), node_info_network=replace(network, rpc_interfaces=rpc))
    before = len(node.host.entries)
    status, code, message = error(post(node, hostile, APPLICANT))
    assert (status, code) == (400, "InvalidInput")
    assert message.startswith("not an address: ")
    assert message.isprintable()
    assert len(node.host.entries) == before


def test_a_joiner_cannot_begin_before_this_node_did(node: InProcessNode) -> None:
    replica_of(node).startup_seqno = 5
    assert error(post(node, asking(), APPLICANT))[:2] == (400, "StartupSeqnoIsOld")
    late = replace(asking(), startup_seqno=5)
    assert post(node, late, APPLICANT).status == 200


def test_a_caller_without_a_certificate_is_refused(new_node: InProcessNode) -> None:
    status, code, message = error(post(new_node, asking(), None))
    assert (status, code) == (400, "InvalidInput")
    assert "certificate" in message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"node_info_network":{}}',
        b"[" * 5000,
    ],
    ids=range(8),
)
def test_a_body_that_is_no_request_is_refused(node: InProcessNode, body: bytes) -> None:
    before = len(node.host.entries)
    assert error(post(node, body, APPLICANT))[:2] == (400, "InvalidInput")
    assert len(node.host.entries) == before


@pytest.mark.parametrize(
    "field", ["node_info_network", "quote_info", "public_encryption_key"]
)
@pytest.mark.parametrize("value", [None, 1, "x", [], {}])
def test_every_field_must_have_its_form(
    node: InProcessNode, field: str, value: Json
) -> None:
    body = JOIN_REQUEST.write(asking())
    assert isinstance(body, dict)
    refused = post(node, body | {field: value}, APPLICANT)
    assert error(refused)[:2] == (400, "InvalidInput")
    del body[field]
    assert error(post(node, body, APPLICANT))[:2] == (400, "InvalidInput")


def test_a_body_beyond_the_limit_is_not_read(node: InProcessNode) -> None:
    large = replace(asking(), node_data="x" * limits.HTTP_BODY_BYTES_MAX)
    refused = post(node, large, APPLICANT)
    assert refused.status == 413
    assert refused.close


def test_a_node_that_is_not_part_of_a_network_lets_nobody_in(
    node: InProcessNode,
) -> None:
    replica_of(node).state = NodeState.PENDING
    assert error(post(node, asking(), APPLICANT)) == (
        500,
        "InternalError",
        "Target node should be part of network to accept new nodes.",
    )


def test_the_endpoint_is_not_in_the_document_for_people(node: InProcessNode) -> None:
    document: JsonObject = json.loads_object(node.request("GET", "/node/api").body)
    paths = document["paths"]
    assert isinstance(paths, dict)
    assert "/node/join" not in paths


# On a backup


@pytest.fixture
def backup(new_network: Network) -> InProcessNode:
    """A backup of a service that opens, caught up."""
    second = new_network.join()
    new_network.wait_until_settled(second)
    return second


@attack("join: asking a node that is not the primary")
def test_a_backup_names_the_primary_by_the_interface_that_was_used(
    backup: InProcessNode,
) -> None:
    answer = post(backup, asking(), APPLICANT)
    assert error(answer) == (
        308,
        "NodeCannotHandleRequest",
        "Node is not primary; cannot handle write",
    )
    assert answer.headers["location"] == "https://127.0.0.1:8000/node/join"
    assert not any(secret in answer.body for secret in secrets_of(backup))


def test_a_backup_that_knows_no_primary_says_so(
    backup: InProcessNode, new_network: Network
) -> None:
    new_network.kill(new_network.nodes[0])
    new_network.wait_until(lambda: replica_of(backup).primary_id is None)
    assert error(post(backup, asking(), APPLICANT)) == (
        500,
        "InternalError",
        "Primary unknown",
    )


def test_the_measurement_of_the_first_node_is_trusted(node: InProcessNode) -> None:
    # What the policy of every test above rests on.
    policy = node.request("GET", "/gov/service/join-policy?api-version=2024-07-01")
    assert MEASUREMENT.encode() in policy.body
    assert HOST_DATA.encode() in policy.body
