"""The nodes that may join, their records, and when they receive secrets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
)

from ccfpy.attestation.virtual import MEASUREMENT
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.service import join
from ccfpy.service.evidence.kind import QuoteFault, QuoteRefused
from ccfpy.service.evidence.quotes import VirtualQuote
from ccfpy.service.join import Handover, Joiner, JoinFault, JoinRefused
from ccfpy.service.join_messages import (
    CoseSignaturesConfig,
    JoinRequest,
    JoinResponse,
    NodeNetwork,
)
from ccfpy.service.tables import nodes, service
from ccfpy.service.tables.nodes import NetInterface, NodeInfo, QuoteFormat, QuoteInfo
from ccfpy.service.tables.service import ServiceInfo
from ccfpy.testing.entropy import SeededEntropy
from tests.attacks import attack
from tests.unit.attestation.evidence import virtual_evidence

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOST_DATA = "ab" * 32
ENTROPY = SeededEntropy(b"joining")
SERVICE_KEY = KeyPair.generate(ENTROPY, Curve.SECP384R1)
SERVICE = certs.service_certificate(
    SERVICE_KEY,
    subject="CN=Service",
    not_before=NOW,
    validity_days=365,
    entropy=ENTROPY,
)
ENCRYPTION_KEY = RsaKeyPair.generate(ENTROPY).public_key.pem


def secret(fill: bytes) -> LedgerSecret:
    return LedgerSecret(raw=fill * 32)


HANDOVER = Handover(
    key=SERVICE_KEY,
    certificate=SERVICE,
    secrets=LedgerSecrets([(1, secret(b"1")), (10, secret(b"2"))]),
    cose_signatures=CoseSignaturesConfig(issuer="issuer", subject="subject"),
    entropy=ENTROPY,
)


class Applicant:
    """A node with its own key, and what it asks to be entered as."""

    def __init__(self, address: str = "127.0.0.1:9001", days: int = 3) -> None:
        self.key = KeyPair.generate(ENTROPY, Curve.SECP384R1)
        self.certificate = certs.node_self_signed(
            self.key,
            subject="CN=Node",
            sans=("iPAddress:127.0.0.1",),
            not_before=NOW,
            validity_days=days,
            entropy=ENTROPY,
        )
        self.joiner = Joiner.of(self.certificate)
        interface = NetInterface(bind_address=address, published_address=address)
        evidence = virtual_evidence(
            public_key_der=self.key.public_key.der, executable_digest=HOST_DATA
        )
        self.request = JoinRequest(
            node_info_network=NodeNetwork(
                node_to_node_interface=interface, rpc_interfaces={"main": interface}
            ),
            quote_info=QuoteInfo(
                format=QuoteFormat.INSECURE_VIRTUAL,
                quote=evidence.quote(),
                endorsements=b"",
            ),
            public_encryption_key=ENCRYPTION_KEY,
            startup_seqno=0,
            certificate_signing_request=certs.certificate_request(
                self.key, subject="CN=Node", sans=("iPAddress:127.0.0.1",)
            ),
            node_data={"name": "new"},
        )


class Service:
    """The tables of a service, and its primary's part in joins."""

    def __init__(self, status: ServiceStatus) -> None:
        self.store = Store()
        tx = self.store.begin()
        service.INFO.of(tx).put(ServiceInfo(cert=SERVICE.pem, status=status))
        VirtualQuote(
            virtual_evidence(public_key_der=b"", executable_digest=HOST_DATA)
        ).trust(tx)
        self.commit(tx, is_final=True)

    def commit(self, tx: Tx, *, is_final: bool = False) -> None:
        committed = self.store.commit(tx)
        if is_final and committed is not None:
            self.store.compact(committed.version)

    def ask(self, applicant: Applicant) -> JoinResponse:
        """Ask as a node would: known, or else admitted."""
        tx = self.store.begin()
        joiner = applicant.joiner
        response = join.answer_known(tx, joiner, HANDOVER)
        if response is None:
            response = join.admit(
                tx, applicant.request, joiner, HANDOVER, unix_time_s=0
            )
        self.commit(tx)
        return response

    def info(self, applicant: Applicant) -> NodeInfo:
        info = nodes.INFO.of(self.store.begin()).get(applicant.joiner.node_id)
        assert info is not None
        return info

    def write(
        self, applicant: Applicant, status: NodeStatus, *, is_final: bool = True
    ) -> None:
        """Do what a vote would do to the node."""
        info = self.info(applicant)
        tx = self.store.begin()
        nodes.INFO.of(tx).put(
            applicant.joiner.node_id,
            replace(info, status=status, ledger_secret_seqno=1),
        )
        self.commit(tx, is_final=is_final)


@pytest.fixture
def opening() -> Service:
    return Service(ServiceStatus.OPENING)


@pytest.fixture
def opened() -> Service:
    return Service(ServiceStatus.OPEN)


def refusal(service: Service, applicant: Applicant) -> JoinFault:
    with pytest.raises(JoinRefused) as refused:
        service.ask(applicant)
    return refused.value.fault


def test_a_service_that_opens_trusts_a_node_at_once(opening: Service) -> None:
    applicant = Applicant()
    response = opening.ask(applicant)
    assert response.node_status is NodeStatus.TRUSTED
    assert response.node_id == applicant.joiner.node_id
    given = response.network_info
    assert given is not None
    assert given.identity.priv_key == SERVICE_KEY.pem
    assert [version for version, _ in given.ledger_secrets] == [1, 10]
    info = opening.info(applicant)
    assert info.status is NodeStatus.TRUSTED
    assert info.ledger_secret_seqno == 10
    assert info.public_key == applicant.key.public_key.pem
    assert info.code_digest == MEASUREMENT.encode().hex()
    assert info.node_data == {"name": "new"}


def test_a_node_is_vouched_for_as_long_as_it_vouches_for_itself(
    opening: Service,
) -> None:
    applicant = Applicant(days=3)
    given = opening.ask(applicant).network_info
    assert given is not None
    assert given.endorsed_certificate is not None
    endorsed = Certificate.from_pem(given.endorsed_certificate)
    endorsed.verify_signed_by(SERVICE)
    assert endorsed.public_key == applicant.key.public_key
    assert endorsed.not_before == NOW
    assert endorsed.not_after == NOW + timedelta(days=3, seconds=-1)
    assert endorsed.sans == ("iPAddress:127.0.0.1",)


@attack("join: secrets before members trust the node")
def test_an_open_service_tells_a_new_node_nothing(opened: Service) -> None:
    applicant = Applicant()
    for _ in range(3):
        response = opened.ask(applicant)
        assert response == JoinResponse(
            node_status=NodeStatus.PENDING, node_id=applicant.joiner.node_id
        )
    info = opened.info(applicant)
    assert info.status is NodeStatus.PENDING
    assert info.ledger_secret_seqno is None
    tx = opened.store.begin()
    assert nodes.ENDORSED_CERTIFICATES.of(tx).get(applicant.joiner.node_id) is None


def test_a_node_gets_secrets_once_members_trust_it(opened: Service) -> None:
    applicant = Applicant()
    opened.ask(applicant)
    # To commit this may take the node's own voice, so it is not waited for.
    opened.write(applicant, NodeStatus.TRUSTED, is_final=False)
    given = opened.ask(applicant).network_info
    assert given is not None
    assert given.service_status is ServiceStatus.OPEN


def test_a_node_gets_the_secrets_up_to_its_trust_and_no_later_ones(
    opened: Service,
) -> None:
    applicant = Applicant()
    opened.ask(applicant)
    opened.write(applicant, NodeStatus.TRUSTED)
    given = opened.ask(applicant).network_info
    assert given is not None
    assert [version for version, _ in given.ledger_secrets] == [1]


@attack("join: one key twice")
def test_asking_again_changes_nothing(opening: Service) -> None:
    applicant = Applicant()
    first = opening.ask(applicant).network_info
    version = opening.store.version
    again = opening.ask(applicant).network_info
    assert first is not None
    assert again is not None
    assert again.endorsed_certificate == first.endorsed_certificate
    assert opening.store.version == version


@attack("join: the key of a retired node")
@pytest.mark.parametrize("status", [ServiceStatus.OPENING, ServiceStatus.OPEN], ids=str)
def test_a_retired_node_does_not_come_back(status: ServiceStatus) -> None:
    service = Service(status)
    applicant = Applicant()
    service.ask(applicant)
    service.write(applicant, NodeStatus.RETIRED)
    assert refusal(service, applicant) is JoinFault.INVALID_NODE_STATE


@attack("join: the address of another node")
def test_two_nodes_cannot_have_one_address(opened: Service) -> None:
    first, second, third = Applicant(), Applicant(), Applicant()
    opened.ask(first)
    assert opened.ask(second).node_status is NodeStatus.PENDING, "neither has it yet"
    opened.write(first, NodeStatus.TRUSTED)
    with pytest.raises(JoinRefused) as refused:
        opened.ask(third)
    assert refused.value.fault is JoinFault.NODE_ALREADY_EXISTS
    assert str(refused.value) == (
        "A node with the same published node address 127.0.0.1:9001 already exists "
        f"(node id: {first.joiner.node_id})."
    )
    opened.write(first, NodeStatus.RETIRED)
    assert opened.ask(third).node_status is NodeStatus.PENDING


def test_a_node_cannot_ask_with_the_evidence_of_another(opening: Service) -> None:
    applicant, other = Applicant(), Applicant()
    applicant.request = replace(applicant.request, quote_info=other.request.quote_info)
    with pytest.raises(QuoteRefused) as refused:
        opening.ask(applicant)
    assert refused.value.fault is QuoteFault.OTHER_KEY


@pytest.mark.parametrize("request_pem", [None, "no request"])
def test_a_certificate_request_must_be_one(
    opening: Service, request_pem: str | None
) -> None:
    applicant = Applicant()
    applicant.request = replace(
        applicant.request, certificate_signing_request=request_pem
    )
    assert refusal(opening, applicant) is JoinFault.CSR_PUBLIC_KEY_INVALID


@attack("join: a certificate request for another key")
def test_a_certificate_request_for_another_key_is_refused(opening: Service) -> None:
    applicant, other = Applicant(), Applicant()
    applicant.request = replace(
        applicant.request,
        certificate_signing_request=other.request.certificate_signing_request,
    )
    assert refusal(opening, applicant) is JoinFault.CSR_PUBLIC_KEY_INVALID


def test_a_key_that_no_secret_could_be_sent_to_is_refused(opening: Service) -> None:
    applicant = Applicant()
    applicant.request = replace(
        applicant.request, public_encryption_key=applicant.key.public_key.pem
    )
    assert refusal(opening, applicant) is JoinFault.INVALID_INPUT


def certificate_of(key: CertificateIssuerPrivateKeyTypes, hours: int) -> Certificate:
    name = x509.Name.from_rfc4514_string("CN=Node")
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(hours=hours))
        .sign(key, hashes.SHA256())
    )
    return Certificate(made)


def test_a_node_must_have_a_key_of_the_kind_that_nodes_have() -> None:
    certificate = certificate_of(rsa.generate_private_key(65537, 2048), 24)
    with pytest.raises(JoinRefused, match="RSA") as refused:
        Joiner.of(certificate)
    assert refused.value.fault is JoinFault.INVALID_INPUT


def test_a_node_must_vouch_for_itself_for_a_day_at_least(opening: Service) -> None:
    applicant = Applicant()
    applicant.joiner = Joiner.of(certificate_of(applicant.key.library_key, 23))
    assert refusal(opening, applicant) is JoinFault.INVALID_INPUT


def test_there_must_be_a_service() -> None:
    tx = Store().begin()
    applicant = Applicant()
    with pytest.raises(JoinRefused) as asked:
        join.answer_known(tx, applicant.joiner, HANDOVER)
    assert asked.value.fault is JoinFault.NO_SERVICE
    with pytest.raises(JoinRefused) as admitted:
        join.admit(tx, applicant.request, applicant.joiner, HANDOVER, unix_time_s=0)
    assert admitted.value.fault is JoinFault.NO_SERVICE


@pytest.mark.parametrize(
    ("begins", "known_from", "is_old"),
    [(None, 9, False), (0, 0, False), (8, 9, True), (9, 9, False), (10, 9, False)],
)
def test_a_node_cannot_begin_before_what_the_primary_knows(
    begins: int | None, known_from: int, *, is_old: bool
) -> None:
    request = replace(Applicant().request, startup_seqno=begins)
    if not is_old:
        join.check_startup(request, known_from)
        return
    with pytest.raises(JoinRefused) as refused:
        join.check_startup(request, known_from)
    assert refused.value.fault is JoinFault.STARTUP_SEQNO_IS_OLD
    assert str(refused.value) == (
        "Node requested to join from seqno 8 which is older than this node startup "
        "seqno 9. A snapshot at least as recent as 9 must be used instead."
    )


def test_nothing_in_the_words_of_a_handover_or_answer_is_secret(
    opening: Service,
) -> None:
    body = SERVICE_KEY.pem.splitlines()[1]
    words = repr(HANDOVER) + repr(opening.ask(Applicant()))
    assert body not in words
    assert "11111111" not in words
