"""X.509: what we issue is what CCF issues, and strangers' bytes are read safely."""

import base64
import warnings
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import verification
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.testing.entropy import SeededEntropy

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
NODE_KEY = KeyPair.generate(SeededEntropy(51), Curve.SECP384R1)
NAMES = ("iPAddress:127.0.0.1", "iPAddress:::1", "dNSName:localhost")
REQUEST = certs.certificate_request(NODE_KEY, subject="CN=CCF Node", sans=NAMES)


@pytest.fixture(scope="session")
def node(service: Certificate, service_key: KeyPair) -> Certificate:
    """A node's certificate, endorsed by its service."""
    return endorsed(REQUEST, service, service_key)


def endorsed(request: str, service: Certificate, key: KeyPair) -> Certificate:
    return certs.endorse_request(
        request,
        issuer_key=key,
        issuer_cert=service,
        not_before=NEW_YEAR,
        validity_days=90,
        entropy=SeededEntropy(52),
    )


def self_signed(key: KeyPair, *sans: str) -> Certificate:
    return certs.node_self_signed(
        key,
        subject="CN=CCF Node",
        sans=sans,
        not_before=NEW_YEAR,
        validity_days=1,
        entropy=SeededEntropy(53),
    )


def extensions(certificate: Certificate) -> list[tuple[str, bool]]:
    found = certificate.library_certificate.extensions
    return [(type(each.value).__name__, each.critical) for each in found]


def der_of(pem: str) -> bytes:
    return base64.b64decode("".join(pem.splitlines()[1:-1]))


def pem_of(der: bytes, label: str) -> str:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"


def test_a_service_certificate_is_an_authority_for_one_level(
    service: Certificate, service_key: KeyPair
) -> None:
    assert extensions(service) == [
        ("BasicConstraints", True),
        ("KeyUsage", True),
        ("SubjectKeyIdentifier", False),
        ("AuthorityKeyIdentifier", False),
    ]
    found = service.library_certificate.extensions
    constraints = found.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 1)
    usage = found.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.key_cert_sign
    assert not usage.crl_sign
    assert service.is_authority
    assert service.public_key == service_key.public_key
    service.verify_signed_by(service)


def test_a_node_certificate_has_what_the_node_asked_for(
    node: Certificate, service: Certificate
) -> None:
    assert extensions(node) == [
        ("BasicConstraints", True),
        ("SubjectKeyIdentifier", False),
        ("AuthorityKeyIdentifier", False),
        ("SubjectAlternativeName", False),
    ]
    assert node.subject == "CN=CCF Node"
    assert node.sans == NAMES
    assert node.public_key == NODE_KEY.public_key
    assert node.public_key_der == NODE_KEY.public_key.der
    assert not node.is_authority
    node.verify_signed_by(service)
    with pytest.raises(VerificationFailed, match="CN=CCF Service was not issued by"):
        service.verify_signed_by(node)


def test_a_self_signed_node_certificate_differs_in_its_issuer_alone(
    node: Certificate,
) -> None:
    own = self_signed(NODE_KEY, *NAMES)
    assert extensions(own) == extensions(node)
    assert own.sans == node.sans
    own.verify_signed_by(own)
    assert self_signed(NODE_KEY).sans == ()


def test_recorded_nodes_have_the_extensions_that_we_issue(
    recorded_certificates: list[Certificate], node: Certificate
) -> None:
    """Services of CCF 1 marked the first as not critical."""
    nodes = [c for c in recorded_certificates if c.subject == "CN=CCF Node"]
    kinds = {tuple(name for name, _ in extensions(each)) for each in nodes}
    assert kinds == {tuple(name for name, _ in extensions(node))}
    assert sum(extensions(each) == extensions(node) for each in nodes) >= 20


def test_recorded_chains_hold(recorded_certificates: list[Certificate]) -> None:
    def is_issued(certificate: Certificate) -> bool:
        for issuer in recorded_certificates:
            with suppress(VerificationFailed):
                certificate.verify_signed_by(issuer)
                return True
        return False

    assert len(recorded_certificates) >= 50
    assert all(is_issued(each) for each in recorded_certificates)


def test_recorded_periods_leave_out_their_last_second(
    recorded_certificates: list[Certificate], node: Certificate
) -> None:
    issued = [c for c in recorded_certificates if c.subject.startswith("CN=CCF")]
    for each in (*issued, node):
        period = each.not_after - each.not_before + timedelta(seconds=1)
        assert period % timedelta(days=1) == timedelta(0)


def test_another_verifier_accepts_the_chain(
    node: Certificate, service: Certificate
) -> None:
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store([service.library_certificate]))
        .time(NEW_YEAR.replace(month=2, tzinfo=None))
        .build_server_verifier(x509.DNSName("localhost"))
    )
    verifier.verify(node.library_certificate, [])


def test_a_signature_whose_last_bits_do_not_count_is_refused(
    service: Certificate, service_key: KeyPair
) -> None:
    """Found by changing every bit of a recorded receipt."""
    candidates = (
        certs.endorse_request(
            REQUEST,
            issuer_key=service_key,
            issuer_cert=service,
            not_before=NEW_YEAR,
            validity_days=90,
            entropy=SeededEntropy(seed),
        )
        for seed in range(300)
    )
    made = next(each for each in candidates if each.der[-1] & 1 == 0)
    made.verify_signed_by(service)
    at = len(made.der) - len(made.library_certificate.signature) - 1
    changed = Certificate.from_der(made.der[:at] + b"\1" + made.der[at + 1 :])
    with pytest.raises(VerificationFailed, match="odd length"):
        changed.verify_signed_by(service)


def test_a_later_service_vouches_for_an_earlier_ones_nodes(
    node: Certificate, service: Certificate, service_key: KeyPair
) -> None:
    key = KeyPair.generate(SeededEntropy(58), Curve.SECP384R1)
    later = certs.service_certificate(
        key,
        subject="CN=CCF Service",
        not_before=NEW_YEAR,
        validity_days=100,
        entropy=SeededEntropy(59),
    )
    between = certs.endorse_authority(
        service_key.public_key,
        subject=service.subject,
        issuer_key=key,
        issuer_cert=later,
        entropy=SeededEntropy(60),
    )
    assert extensions(between) == extensions(service)
    assert (between.subject, between.public_key) == (
        service.subject,
        service.public_key,
    )
    assert (between.not_before, between.not_after) == (
        later.not_before,
        later.not_after,
    )
    node.verify_signed_by(between)
    between.verify_signed_by(later)
    with pytest.raises(VerificationFailed):
        between.verify_signed_by(service)
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store([later.library_certificate]))
        .time(NEW_YEAR.replace(month=2, tzinfo=None))
        .build_server_verifier(x509.DNSName("localhost"))
    )
    verifier.verify(node.library_certificate, [between.library_certificate])


def test_the_curve_of_the_issuer_chooses_the_hash(service: Certificate) -> None:
    algorithm = service.library_certificate.signature_hash_algorithm
    assert isinstance(algorithm, hashes.SHA384)
    small = self_signed(KeyPair.generate(SeededEntropy(54), Curve.SECP256R1))
    algorithm = small.library_certificate.signature_hash_algorithm
    assert isinstance(algorithm, hashes.SHA256)


def test_certificates_follow_from_their_entropy() -> None:
    assert self_signed(NODE_KEY).der == self_signed(NODE_KEY).der
    serial = self_signed(NODE_KEY).library_certificate.serial_number
    assert 0 < serial < 1 << 127


def test_another_service_of_the_same_name_did_not_issue_it(node: Certificate) -> None:
    impostor = certs.service_certificate(
        KeyPair.generate(SeededEntropy(55), Curve.SECP384R1),
        subject="CN=CCF Service",
        not_before=NEW_YEAR,
        validity_days=365,
        entropy=SeededEntropy(56),
    )
    with pytest.raises(VerificationFailed, match="was not issued by"):
        node.verify_signed_by(impostor)


def test_a_service_keeps_its_nodes_when_its_certificate_is_renewed(
    node: Certificate, service_key: KeyPair
) -> None:
    renewed = certs.service_certificate(
        service_key,
        subject="CN=CCF Service",
        not_before=NEW_YEAR + timedelta(days=200),
        validity_days=365,
        entropy=SeededEntropy(57),
    )
    node.verify_signed_by(renewed)


def test_certificates_survive_pem_and_der(node: Certificate) -> None:
    assert Certificate.from_pem(node.pem) == node
    assert Certificate.from_pem(node.pem.encode()).digest_hex == node.digest_hex
    assert Certificate.from_der(node.der) == node
    assert hash(Certificate.from_der(node.der)) == hash(node)
    assert node.not_before == NEW_YEAR
    assert node.not_after == NEW_YEAR + timedelta(days=90, seconds=-1)


def test_validity_in_seconds_says_the_same_each_time(node: Certificate) -> None:
    for _ in range(2):
        first, last = node.validity_s
        assert datetime.fromtimestamp(first, tz=UTC) == node.not_before
        assert datetime.fromtimestamp(last, tz=UTC) == node.not_after


def test_a_bundle_gives_its_certificates_in_order(
    node: Certificate, service: Certificate
) -> None:
    bundle = f"comment\n{node.pem}\n{service.pem}"
    assert certs.parse_bundle(bundle) == [node, service]
    assert certs.parse_bundle(bundle.encode()) == [node, service]
    for bad in ("", "comment", bundle.replace("M", "-", 1)):
        with pytest.raises(Malformed, match="not a bundle of PEM certificates"):
            certs.parse_bundle(bad)


def test_a_key_of_another_kind_is_given_as_der_only(
    recorded_certificates: list[Certificate],
) -> None:
    rsa = next(c for c in recorded_certificates if c.subject == "CN=localhost")
    with pytest.raises(Malformed, match="expected an elliptic-curve key"):
        _ = rsa.public_key
    assert rsa.public_key_der
    assert not rsa.is_authority
    assert rsa.sans == ()


def test_a_request_proves_that_its_maker_holds_the_key(
    service: Certificate, service_key: KeyPair
) -> None:
    assert certs.request_public_key(REQUEST) == NODE_KEY.public_key
    der = bytearray(der_of(REQUEST))
    der[der.index(b"CCF Node")] ^= 1
    forged = pem_of(bytes(der), "CERTIFICATE REQUEST")
    with pytest.raises(VerificationFailed, match="signature does not match"):
        certs.request_public_key(forged)
    with pytest.raises(VerificationFailed):
        endorsed(forged, service, service_key)


def test_only_subject_key_and_names_of_a_request_are_endorsed(
    service: Certificate, service_key: KeyPair
) -> None:
    greedy = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name.from_rfc4514_string("CN=Greedy"))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(NODE_KEY.library_key, hashes.SHA384())
    )
    pem = pem_of(greedy.public_bytes(serialization.Encoding.DER), "CERTIFICATE REQUEST")
    issued = endorsed(pem, service, service_key)
    assert issued.subject == "CN=Greedy"
    assert not issued.is_authority
    assert issued.sans == ()


def test_a_request_need_not_ask_for_names(
    service: Certificate, service_key: KeyPair
) -> None:
    request = certs.certificate_request(NODE_KEY, subject="CN=CCF Node", sans=())
    assert endorsed(request, service, service_key).sans == ()


def test_a_request_for_another_kind_of_key_is_malformed(rsa_key: RsaKeyPair) -> None:
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name.from_rfc4514_string("CN=CCF Node"))
        .sign(rsa_key.library_key, hashes.SHA256())
    )
    pem = request.public_bytes(serialization.Encoding.PEM).decode()
    with pytest.raises(Malformed, match="expected an elliptic-curve key"):
        certs.request_public_key(pem)


@given(st.text(max_size=40))
def test_what_is_no_request_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="not a certificate request"):
        certs.request_public_key(text)


@pytest.mark.parametrize(
    "subject", ["CCF", "CN=", "CN=a,", "C=Germany", "CN=" + "a" * 70]
)
def test_what_is_no_subject_is_malformed(subject: str) -> None:
    with pytest.raises(Malformed, match="not a subject name"):
        certs.certificate_request(NODE_KEY, subject=subject, sans=())


@pytest.mark.parametrize(
    "san", ["localhost", "", "iPAddress:localhost", "dNSName:\xe9", "URI:a"]
)
def test_what_is_no_alternative_name_is_malformed(san: str) -> None:
    with pytest.raises(Malformed, match="not a subject alternative name"):
        self_signed(NODE_KEY, san)


@pytest.mark.parametrize(
    ("not_before", "days"),
    [
        (NEW_YEAR, 0),
        (NEW_YEAR, -1),
        (NEW_YEAR, 10**7),
        (NEW_YEAR, 10**12),
        (datetime(1949, 12, 31, tzinfo=UTC), 1),
    ],
)
def test_an_impossible_period_is_malformed(not_before: datetime, days: int) -> None:
    with pytest.raises(Malformed, match="no certificate holds"):
        certs.node_self_signed(
            NODE_KEY,
            subject="CN=CCF Node",
            sans=(),
            not_before=not_before,
            validity_days=days,
            entropy=SeededEntropy(58),
        )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("260102030405Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("20260102030405Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02 03:04:05.000007", datetime(2026, 1, 2, 3, 4, 5, 7, tzinfo=UTC)),
        ("2026-01-02 03:04:05+01:00", datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_every_form_of_ccf(text: str, moment: datetime) -> None:
    assert certs.parse_time(text) == moment
    assert certs.parse_time(text).tzinfo is UTC


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))])))
def test_pythons_own_text_of_a_time_is_read(moment: datetime) -> None:
    with suppress(Malformed):  # the first and last hours of the calendar
        assert certs.parse_time(str(moment)) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "261301000000Z", "2601010000Z", "2611111111Z", "260101000000"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1767225600"),
    ],
)
def test_what_is_no_time_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="not a time"):
        certs.parse_time(text)


@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_changed_byte_of_a_certificate_raises_and_warns_of_nothing_unforeseen(
    node: Certificate, service: Certificate, position: int, byte: int
) -> None:
    der = bytearray(node.der)
    der[position % len(der)] = byte
    with warnings.catch_warnings(action="error"), suppress(CcfpyError):
        changed = Certificate.from_der(bytes(der))
        assert str(changed).startswith("certificate ")
        assert changed.not_before < changed.not_after or changed != node
        assert isinstance(changed.sans, tuple)
        assert not changed.is_authority
        with suppress(Malformed):
            assert changed.public_key_der
        changed.verify_signed_by(service)
        assert changed == node, "a certificate that was not issued verifies"


@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_changed_byte_of_a_request_is_refused(
    service: Certificate, service_key: KeyPair, position: int, byte: int
) -> None:
    der = bytearray(der_of(REQUEST))
    der[position % len(der)] = byte
    pem = pem_of(bytes(der), "CERTIFICATE REQUEST")
    with warnings.catch_warnings(action="error"), suppress(CcfpyError):
        endorsed(pem, service, service_key)
        assert pem == pem_of(der_of(REQUEST), "CERTIFICATE REQUEST")


@given(st.text(max_size=40), st.binary(max_size=40))
def test_what_is_no_certificate_is_malformed(text: str, data: bytes) -> None:
    with pytest.raises(Malformed, match="not a PEM certificate"):
        Certificate.from_pem(text)
    with pytest.raises(Malformed, match="not a DER certificate"):
        Certificate.from_der(data)


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        (b"CCF Node", b"CCF \xff\xff\xff\xff"),
        (b"\x0c\x08CCF Node", b"\x03\x08CCF Node"),
    ],
    ids=["not UTF-8", "a bit string"],
)
def test_a_certificate_of_an_unreadable_name_is_called_by_its_digest(
    node: Certificate, service: Certificate, part: bytes, changed: bytes
) -> None:
    der = node.der.replace(part, changed)
    assert der != node.der
    broken = Certificate.from_der(der)
    with pytest.raises(Malformed, match="unreadable name"):
        _ = broken.subject
    with pytest.raises(VerificationFailed, match=broken.digest_hex):
        broken.verify_signed_by(service)
