"""A node's and a service's keys and certificates."""

from datetime import UTC, datetime, timedelta

from ccfpy.crypto import certs
from ccfpy.crypto.ec import Curve
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.endpoints.context import CoseClaims
from ccfpy.node.identity import NodeIdentity, ServiceCredentials, ServiceIdentity
from ccfpy.testing.entropy import SeededEntropy

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
