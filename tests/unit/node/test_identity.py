"""A node's keys, certificates and evidence."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ccfpy.app import App, Context, Json
from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.report_data import app_report_data, node_report_data
from ccfpy.attestation.simulated import VerifiedQuote
from ccfpy.attestation.simulated_machine import SimulatedMachine
from ccfpy.attestation.virtual import MEASUREMENT, VirtualEvidence
from ccfpy.base import json
from ccfpy.base.ports import Attestation
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.enclave.platforms.simulated import SimulatedPlatform
from ccfpy.endpoints.context import CoseClaims
from ccfpy.http.tls import HTTP_1_1, HTTP_2, TlsSession
from ccfpy.http.tls_calls import ClientContext
from ccfpy.local.simulated_vendor import SimulatedVendor
from ccfpy.node.identity import (
    NodeEvidence,
    NodeIdentity,
    PresentedCertificates,
    ServiceCredentials,
    ServiceIdentity,
)
from ccfpy.service.tables import join_policy, nodes
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.network import Network
from ccfpy.testing.node import START_UNIX_US, InProcessNode, Person
from ccfpy.testing.surroundings import Remains
from tests.unit.attestation.simulation import ENCLAVE, LATER
from tests.unit.http.tls_ends import pump
from tests.unit.node.conftest import CONSTITUTION

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SANS = ("iPAddress:127.0.0.1", "dNSName:example.com")


def node_identity() -> NodeIdentity:
    return NodeIdentity.generate(
        SeededEntropy(1),
        curve=Curve.SECP384R1,
        subject="CN=CCF Node",
        sans=SANS,
        not_before=NOW,
        validity_days=1,
    )


def service_identity() -> ServiceIdentity:
    return ServiceIdentity.generate(
        SeededEntropy(2),
        curve=Curve.SECP384R1,
        subject="CN=CCF Service",
        not_before=NOW,
        validity_days=7,
    )


def test_a_node_is_named_by_its_public_key() -> None:
    identity = node_identity()
    assert identity.node_id == sha256_hex(identity.self_signed.public_key.der)
    assert identity.self_signed.sans == SANS
    assert identity.self_signed.not_after == NOW + timedelta(days=1, seconds=-1)
    assert not identity.self_signed.is_authority


def test_a_service_certificate_is_an_authority() -> None:
    service = service_identity()
    assert service.certificate.is_authority
    assert service.certificate.subject == "CN=CCF Service"
    service.certificate.verify_signed_by(service.certificate)


def test_a_renewed_self_signed_certificate_lasts_as_long_as_the_endorsement() -> None:
    identity, service = node_identity(), service_identity()
    later = NOW + timedelta(days=30)
    endorsed = certs.endorse_request(
        identity.request,
        issuer_key=service.key,
        issuer_cert=service.certificate,
        not_before=later,
        validity_days=90,
        entropy=SeededEntropy(3),
    )
    before = identity.self_signed
    identity.renew_self_signed(endorsed, SeededEntropy(4))
    renewed = identity.self_signed
    assert (renewed.not_before, renewed.not_after) == (
        endorsed.not_before,
        endorsed.not_after,
    )
    assert renewed.public_key == before.public_key
    assert renewed.sans == SANS


def test_a_new_certificate_of_the_service_changes_no_other_credential() -> None:
    service, identity = service_identity(), node_identity()
    credentials = ServiceCredentials(
        service=service,
        endorsed=identity.self_signed,
        cose_claims=CoseClaims("issuer", "subject"),
    )
    renewed = certs.service_certificate(
        service.key,
        subject=service.certificate.subject,
        not_before=NOW,
        validity_days=9,
        entropy=SeededEntropy(5),
    )
    assert renewed != service.certificate
    changed = credentials.with_service_certificate(renewed)
    assert changed.service.certificate == renewed
    assert changed.with_service_certificate(service.certificate) == credentials
    assert service.key.pem not in repr(credentials)


def test_an_interface_presents_what_its_authority_vouches_for() -> None:
    identity, service = node_identity(), service_identity()
    presented = PresentedCertificates(identity)
    assert presented.context_for(InterfaceAuthority.NODE, HTTP_2) is not None
    assert presented.context_for(InterfaceAuthority.SERVICE, HTTP_2) is None
    assert presented.context_for(InterfaceAuthority.UNSECURED, HTTP_2) is None
    endorsed = certs.endorse_request(
        identity.request,
        issuer_key=service.key,
        issuer_cert=service.certificate,
        not_before=NOW,
        validity_days=1,
        entropy=SeededEntropy(3),
    )
    presented.endorsed(endorsed)
    context = presented.context_for(InterfaceAuthority.SERVICE, HTTP_2)
    assert context is not None
    presented.endorsed(endorsed)
    assert presented.context_for(InterfaceAuthority.SERVICE, HTTP_2) is context
    assert presented.context_for(InterfaceAuthority.SERVICE, HTTP_1_1) is not context


def test_a_renewed_certificate_of_its_own_is_presented_by_the_same_context() -> None:
    identity = node_identity()
    presented = PresentedCertificates(identity)
    context = presented.context_for(InterfaceAuthority.NODE, HTTP_1_1)
    assert context is not None
    identity.renew_self_signed(service_identity().certificate, SeededEntropy(4))
    presented.self_signed()
    assert presented.context_for(InterfaceAuthority.NODE, HTTP_1_1) is context
    client = TlsSession(
        ClientContext(
            trusted_pem=identity.self_signed.pem,
            host="node",
            now=NOW,
            checks_name=False,
        )
    )
    pump(client, TlsSession(context))
    assert client.peer_certificate_der == identity.self_signed.der


HOST_DATA = b"\x11" * 32


class Machine:
    """A platform that repeats what it was told."""

    tcb_version = bytes(8)

    def derived_key(self, tcb_version: bytes, *, host_data: bytes) -> bytes:
        raise AssertionError((tcb_version, host_data))

    def attest(self, report_data: bytes, *, host_data: bytes) -> Attestation:
        return Attestation("machine", report_data, host_data)


def test_a_node_without_a_platform_is_virtual_and_says_so() -> None:
    attesting = NodeEvidence(None, HOST_DATA)
    for attestation, report_data in (
        (attesting.of_node(b"key"), node_report_data(b"key")),
        (attesting.of_app(b"data"), app_report_data(b"data")),
    ):
        assert attestation.format == "Insecure_Virtual"
        assert attestation.endorsements == b""
        evidence = VirtualEvidence.parse(attestation.quote)
        assert evidence.report_data == report_data
        assert evidence.host_data == HOST_DATA.hex()
        assert evidence.measurement == MEASUREMENT


def test_a_platform_is_told_whose_data_it_is() -> None:
    attesting = NodeEvidence(Machine(), HOST_DATA)
    own, apps = attesting.of_node(b"key"), attesting.of_app(b"key")
    assert own == Attestation("machine", node_report_data(b"key"), HOST_DATA)
    assert apps == Attestation("machine", app_report_data(b"key"), HOST_DATA)


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
