"""Whom a node believes, and what two nodes derive, built here a second time."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import NodeId
from ccfpy.crypto import certs
from ccfpy.crypto.ec import Curve
from ccfpy.node.channels.key_agreement import (
    Credentials,
    Offer,
    finish,
    init,
    peer_key,
    respond,
)
from ccfpy.testing.entropy import SeededEntropy
from tests.attacks import attack
from tests.unit.node.channels.conftest import id_of, node_key, service_of

ALICE, BOB = NodeId("a" * 64), NodeId("b" * 64)
SERVICE = service_of("service")


def _hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 in its own words: extract, and one block of expand."""

    def mac(key: bytes, data: bytes) -> bytes:
        code = hmac.HMAC(key, hashes.SHA256())
        code.update(data)
        return code.finalize()

    return mac(mac(salt, secret), info + b"\x01")


def _point(share: bytes) -> ec.EllipticCurvePublicKey:
    assert share[0] == len(share) - 1
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), share[1:])


def _credentials(name: str, curve: Curve = Curve.SECP384R1) -> Credentials:
    key = node_key(name, curve)
    return Credentials(
        node_id=id_of(key),
        key=key,
        node_certificate=SERVICE.endorse(key),
        service_certificate=SERVICE.certificate,
    )


def test_keys_are_derived_from_secret_salt_and_both_ids_in_order() -> None:
    private = ec.derive_private_key(12345, ec.SECP384R1())
    numbers = private.public_key().public_numbers()
    point = b"\x04" + numbers.x.to_bytes(48, "big") + numbers.y.to_bytes(48, "big")
    offer = Offer(SeededEntropy(b"offer"))
    keys = offer.agree(b"\x61" + point, own=ALICE, peer=BOB)
    secret = private.exchange(ec.ECDH(), _point(offer.share))
    to_bob = _hkdf(secret, offer.salt, b"a" * 64 + b"b" * 64)
    to_alice = _hkdf(secret, offer.salt, b"b" * 64 + b"a" * 64)
    nonce = b"\x00\x01" + bytes(6)
    ours = AESGCM(to_bob).encrypt(nonce, b"plain", b"header")
    assert keys.seal(b"header", b"plain") == ours[-16:] + nonce + ours[:-16]
    theirs = AESGCM(to_alice).encrypt(nonce, b"reply", b"header")
    assert keys.open(b"header", theirs[-16:] + nonce + theirs[:-16]) == b"reply"


def test_both_sides_derive_the_same_keys() -> None:
    offer = Offer(SeededEntropy(1))
    taken_up = Offer(SeededEntropy(2), salt=offer.salt)
    one = offer.agree(taken_up.share, own=ALICE, peer=BOB)
    other = taken_up.agree(offer.share, own=BOB, peer=ALICE)
    assert other.open(b"h", one.seal(b"h", b"there")) == b"there"
    assert one.open(b"h", other.seal(b"h", b"back")) == b"back"


@pytest.mark.parametrize("change", ["salt", "peer", "own"])
def test_another_salt_or_id_gives_other_keys(change: str) -> None:
    offer = Offer(SeededEntropy(1))
    salt = bytes(32) if change == "salt" else offer.salt
    taken_up = Offer(SeededEntropy(2), salt=salt)
    carol = NodeId("c" * 64)
    one = offer.agree(taken_up.share, own=ALICE, peer=BOB)
    other = taken_up.agree(
        offer.share,
        own=carol if change == "own" else BOB,
        peer=carol if change == "peer" else ALICE,
    )
    with pytest.raises(VerificationFailed):
        other.open(b"h", one.seal(b"h", b"there"))


def test_an_offer_takes_its_salt_and_share_from_the_entropy() -> None:
    one, same = Offer(SeededEntropy(1)), Offer(SeededEntropy(1))
    assert (one.salt, one.share) == (same.salt, same.share)
    assert (len(one.salt), len(one.share)) == (32, 98)
    assert Offer(SeededEntropy(2)).share != one.share


@attack("channel: a point that is not on the curve")
def test_a_share_that_is_no_point_is_malformed() -> None:
    with pytest.raises(Malformed):
        Offer(SeededEntropy(1)).agree(b"\x61\x04" + bytes(96), own=ALICE, peer=BOB)


@pytest.mark.parametrize("curve", [Curve.SECP384R1, Curve.SECP256R1])
def test_each_message_is_signed_over_what_it_must_be(curve: Curve) -> None:
    ours = _credentials("alice", curve)
    key = ec.ECDSA(curve.hash)
    public = ours.key.public_key.library_key
    offer, theirs = Offer(SeededEntropy(1)), Offer(SeededEntropy(2))
    begun = init(ours, offer)
    public.verify(begun.signature, offer.share, key)
    response = respond(ours, offer, theirs.share)
    public.verify(response.signature, offer.share + theirs.share, key)
    final = finish(ours, response)
    public.verify(final.signature, response.share, key)
    for message in (begun, response):
        found = x509.load_pem_x509_certificate(message.certificate)
        assert found.public_key() == public
        assert message.certificate.startswith(b"-----BEGIN CERTIFICATE-----\n")


def test_a_peer_with_the_services_certificate_for_its_key_is_believed() -> None:
    key = node_key("bob")
    pem = SERVICE.endorse(key).pem.encode()
    found = peer_key(pem, peer=id_of(key), service=SERVICE.certificate)
    assert found == key.public_key


def test_a_certificate_that_expired_long_ago_is_believed() -> None:
    """The only clock is the host's, as in CCF."""
    key = node_key("bob")
    old = certs.endorse_request(
        certs.certificate_request(key, subject="CN=Node", sans=()),
        issuer_key=SERVICE.key,
        issuer_cert=SERVICE.certificate,
        not_before=datetime(1999, 1, 1, tzinfo=UTC),
        validity_days=1,
        entropy=SeededEntropy(1),
    )
    peer_key(old.pem.encode(), peer=id_of(key), service=SERVICE.certificate)


@attack("channel: the certificate of another service")
def test_a_certificate_of_another_service_is_refused() -> None:
    """Though it says the same names."""
    key = node_key("bob")
    pem = service_of("another").endorse(key).pem.encode()
    with pytest.raises(VerificationFailed, match="was not issued by"):
        peer_key(pem, peer=id_of(key), service=SERVICE.certificate)


def test_a_certificate_the_node_made_itself_is_refused() -> None:
    key = node_key("bob")
    own = certs.node_self_signed(
        key,
        subject="CN=CCF Service",
        sans=(),
        not_before=datetime(2026, 1, 1, tzinfo=UTC),
        validity_days=9,
        entropy=SeededEntropy(1),
    )
    with pytest.raises(VerificationFailed):
        peer_key(own.pem.encode(), peer=id_of(key), service=SERVICE.certificate)


def test_another_nodes_certificate_is_refused() -> None:
    """Both are of the service, and one may not speak for the other."""
    carol, bob = node_key("carol"), node_key("bob")
    pem = SERVICE.endorse(carol).pem.encode()
    with pytest.raises(VerificationFailed, match=f"is of node {id_of(carol)}, not of"):
        peer_key(pem, peer=id_of(bob), service=SERVICE.certificate)


@pytest.mark.parametrize("pem", [b"", b"no certificate", b"\x00\xff" * 99])
def test_what_is_no_certificate_is_malformed(pem: bytes) -> None:
    with pytest.raises(Malformed):
        peer_key(pem, peer=BOB, service=SERVICE.certificate)
