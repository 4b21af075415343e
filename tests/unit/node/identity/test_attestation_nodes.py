"""Whole nodes on simulated machines: what they show, who joins, what apps are given."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ccfpy.app import App, Context, Json
from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.report_data import app_report_data, node_report_data
from ccfpy.attestation.simulated import VerifiedQuote
from ccfpy.attestation.simulated_machine import SimulatedMachine
from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.base import json
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.enclave.platforms.simulated import SimulatedPlatform
from ccfpy.local.simulated_vendor import SimulatedVendor
from ccfpy.service.tables import join_policy, nodes
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.network import Network
from ccfpy.testing.node import START_UNIX_US, InProcessNode, Person
from ccfpy.testing.surroundings import Remains
from tests.unit.attestation.simulation import ENCLAVE, LATER
from tests.unit.node.conftest import CONSTITUTION

START_S = START_UNIX_US // 1_000_000
ENTROPY = SeededEntropy(b"machines of nodes")
VENDOR = SimulatedVendor.make(ENTROPY, unix_time_s=START_S)
ONE, TWO = (VENDOR.make_machine(ENTROPY, unix_time_s=START_S) for _ in range(2))
FOREIGN = SimulatedVendor.make(ENTROPY, unix_time_s=START_S).make_machine(
    ENTROPY, unix_time_s=START_S
)

app = App("evidence")


@app.get("/evidence")
def get_evidence(ctx: Context) -> Json:
    made = ctx.evidence(ctx.query.text("for").encode())
    return {
        "format": made.format,
        "quote": made.quote.hex(),
        "endorsements": made.endorsements.hex(),
    }


@pytest.fixture
def network(members: Sequence[Person]) -> Network:
    return Network(app, constitution=CONSTITUTION, members=members)


def on(
    network: Network,
    machine: SimulatedMachine = ONE,
    identity: EnclaveIdentity = ENCLAVE,
) -> Network:
    """Make nodes that boot from now on run there."""
    network.platform = SimulatedPlatform(machine, identity)
    return network


def started(network: Network) -> InProcessNode:
    first = network.start()
    network.advance(200)
    return first


def joined(network: Network) -> InProcessNode:
    joiner = network.join()
    network.advance(500)
    return joiner


def why(node: InProcessNode) -> str:
    assert node.host.stop is not None
    return node.host.stop.reason


def test_the_first_node_is_what_may_join_from_then_on(network: Network) -> None:
    first = started(on(network))
    running = first.trusted.running
    assert running is not None
    tx = running.begin(read_only=True)
    allowed = join_policy.SIMULATED_UNIQUE_IDS.of(tx)
    assert list(allowed.keys()) == [ENCLAVE.unique_id.hex()]
    vendors = join_policy.SIMULATED_VENDORS.of(tx)
    assert list(vendors.keys()) == [VENDOR.vendor_id.hex()]
    assert not list(join_policy.VIRTUAL_MEASUREMENTS.of(tx).keys())
    info = nodes.INFO.of(tx).get(first.node_id)
    assert info is not None
    assert info.code_digest == ENCLAVE.unique_id.hex()
    verified = VerifiedQuote.verify(
        info.quote_info.quote, info.quote_info.endorsements, unix_time_s=START_S
    )
    made = first.host.identity
    assert made is not None
    key = Certificate.from_pem(made.node_certificate).public_key
    assert verified.report.report_data == node_report_data(key.der)
    assert (made.attestation, made.measurement) == (None, None), (
        "files of virtual nodes"
    )


def test_another_machine_of_the_vendor_joins_and_the_quote_is_shown(
    network: Network,
) -> None:
    first = started(on(network))
    second = joined(on(network, TWO))
    assert second.host.stop is None
    shown = json.loads_object(first.request("GET", "/node/quotes").body)["quotes"]
    assert isinstance(shown, list)
    assert [quote["format"] for quote in shown if isinstance(quote, dict)] == [
        "Insecure_Simulated",
        "Insecure_Simulated",
    ]
    policy = first.request("GET", "/gov/service/join-policy?api-version=2024-07-01")
    assert "simulated" in json.loads_object(policy.body)
    path = f"/gov/service/nodes/{second.node_id}?api-version=2024-07-01"
    details = json.loads_object(first.request("GET", path).body)["quoteInfo"]
    assert isinstance(details, dict)
    assert isinstance(details["details"], dict)
    assert details["details"]["machineId"] == TWO.machine_id.hex()


@pytest.mark.parametrize(
    ("machine", "identity", "reason"),
    [
        (ONE, LATER, "does not contain known enclave measurement"),
        (ONE, replace(ENCLAVE, debug=True), "an enclave that can be debugged"),
        (FOREIGN, ENCLAVE, "not endorsed by a trusted vendor"),
        (ONE.updated(bytes(8)), ENCLAVE, "whose TCB status is not accepted"),
    ],
)
def test_what_is_not_like_it_is_refused_and_stops(
    network: Network, machine: SimulatedMachine, identity: EnclaveIdentity, reason: str
) -> None:
    first = started(on(network))
    joiner = joined(on(network, machine, identity))
    assert reason in why(joiner)
    assert "InvalidQuote" in why(joiner)
    running = first.trusted.running
    assert running is not None
    known = nodes.INFO.of(running.begin(read_only=True)).items()
    assert [info.status for _, info in known] == [NodeStatus.TRUSTED]


def test_platforms_are_not_mixed(network: Network) -> None:
    started(on(network))
    network.platform = None
    assert "host data is not authorised" in why(joined(network))


def test_a_virtual_service_takes_no_simulated_node(network: Network) -> None:
    started(network)
    assert "not endorsed by a trusted vendor" in why(joined(on(network)))


@pytest.mark.parametrize("is_simulated", [True, False])
def test_an_app_is_given_evidence_for_its_own_data(
    network: Network, *, is_simulated: bool
) -> None:
    first = started(on(network) if is_simulated else network)
    first.open_service(Person.make("user"))
    asked = "/app/evidence?for=a+key+and+a+nonce"
    made = json.loads_object(first.request("GET", asked).body)
    quote, endorsements = (
        bytes.fromhex(str(made[name])) for name in ("quote", "endorsements")
    )
    if is_simulated:
        assert made["format"] == "Insecure_Simulated"
        verified = VerifiedQuote.verify(quote, endorsements, unix_time_s=START_S)
        report_data = verified.report.report_data
    else:
        assert made["format"] == "Insecure_Virtual"
        report_data = VirtualEvidence.parse(quote).report_data
    assert report_data == app_report_data(b"a key and a nonce")


def lost(network: Network) -> Remains:
    """End a service of one simulated node; return its remains."""
    first = started(on(network))
    network.advance(1000)
    return first.remains()


def brought_back(
    members: Sequence[Person], remains: Remains, machine: SimulatedMachine
) -> InProcessNode:
    network = on(
        Network(app, constitution=CONSTITUTION, members=members), machine, LATER
    )
    return network.recover(remains)


def test_who_recovers_a_service_may_join_it_beside_those_of_before(
    network: Network, members: Sequence[Person]
) -> None:
    node = brought_back(members, lost(network), TWO)
    assert node.host.stop is None
    running = node.trusted.running
    assert running is not None
    allowed = join_policy.SIMULATED_UNIQUE_IDS.of(running.begin(read_only=True))
    assert set(allowed.keys()) == {ENCLAVE.unique_id.hex(), LATER.unique_id.hex()}


def test_a_revoked_machine_recovers_nothing_and_says_why(
    network: Network, members: Sequence[Person]
) -> None:
    revoking = VENDOR.revoke([TWO.machine_id], unix_time_s=START_S)
    node = brought_back(members, lost(network), TWO.told(revoking.collateral))
    assert why(node) == f"the machine {TWO.machine_id.hex()} is revoked"
