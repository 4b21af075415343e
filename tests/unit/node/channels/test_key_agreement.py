"""The messages of a key exchange, the keys agreed on, and the layout of messages."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import NodeId
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.consensus.messages import (
    AppendEntries,
    AppendEntriesResponse,
    ProposeRequestVote,
    RequestVote,
    RequestVoteResponse,
)
from ccfpy.crypto import certs
from ccfpy.crypto.ec import Curve
from ccfpy.node.channels.key_agreement import (
    SALT_BYTES,
    SHARE_BYTES,
    Credentials,
    Handshake,
    KeyExchangeFinal,
    KeyExchangeInit,
    KeyExchangeResponse,
    Offer,
    decode,
    finish,
    init,
    peer_key,
    respond,
)
from ccfpy.node.channels.keys import (
    FORWARDED_HEADER_BYTES,
    GCM_HEADER_BYTES,
    Keys,
    Protected,
    split,
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


SHARES = st.binary(min_size=SHARE_BYTES - 1, max_size=SHARE_BYTES - 1).map(
    lambda point: bytes([97]) + point
)
SIGNATURES = st.binary(min_size=1, max_size=limits.CHANNEL_SIGNATURE_BYTES_MAX)
CERTIFICATES = st.binary(min_size=1, max_size=300)
SALTS = st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES)
MESSAGES: st.SearchStrategy[Handshake] = st.one_of(
    st.builds(
        KeyExchangeInit,
        share=SHARES,
        signature=SIGNATURES,
        certificate=CERTIFICATES,
        salt=SALTS,
    ),
    st.builds(
        KeyExchangeResponse,
        share=SHARES,
        signature=SIGNATURES,
        certificate=CERTIFICATES,
    ),
    st.builds(KeyExchangeFinal, signature=SIGNATURES),
)
SHARE = bytes([97]) + b"p" * 97
SALT = b"s" * SALT_BYTES


def _u64(value: int) -> bytes:
    return value.to_bytes(8, "little")


def _init(
    *,
    version: int = 1,
    share: bytes = SHARE,
    signature: bytes = b"sig",
    certificate: bytes = b"cert",
    salt: bytes = SALT,
) -> bytes:
    fields = (share, signature, certificate, salt)
    return _u64(0) + _u64(version) + b"".join(_u64(len(f)) + f for f in fields)


def test_an_init_has_its_fields_in_their_places() -> None:
    message = KeyExchangeInit(
        share=SHARE, signature=b"sig", certificate=b"cert", salt=SALT
    )
    assert message.encode() == _init()
    assert decode(_init()) == message


def test_a_response_has_its_fields_in_their_places() -> None:
    message = KeyExchangeResponse(share=SHARE, signature=b"sig", certificate=b"cert")
    data = b"".join(
        (_u64(1), _u64(1), _u64(98), SHARE, _u64(3), b"sig", _u64(4), b"cert")
    )
    assert message.encode() == data
    assert decode(data) == message


def test_a_final_has_no_version() -> None:
    message = KeyExchangeFinal(signature=b"sig")
    assert message.encode() == _u64(2) + _u64(3) + b"sig"
    assert decode(message.encode()) == message


@given(MESSAGES)
def test_what_is_encoded_is_read_back(message: Handshake) -> None:
    assert decode(message.encode()) == message


@given(MESSAGES, st.data())
def test_a_message_cut_short_or_going_on_is_refused(
    message: Handshake, data: st.DataObject
) -> None:
    whole = message.encode()
    with pytest.raises(Malformed):
        decode(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(Malformed, match="unexpected bytes"):
        decode(whole + data.draw(st.binary(min_size=1, max_size=99)))


@given(st.binary(max_size=500))
def test_arbitrary_bytes_are_a_message_or_malformed(data: bytes) -> None:
    try:
        message = decode(data)
    except Malformed:
        return
    assert message.encode() == data


@pytest.mark.parametrize("kind", [3, 4, 2**63, 2**64 - 1])
def test_another_kind_is_refused(kind: int) -> None:
    with pytest.raises(Malformed, match=f"kind {kind}"):
        decode(_u64(kind) + _init()[8:])


@pytest.mark.parametrize("version", [0, 2, 2**64 - 1])
def test_another_version_is_refused_in_ccfs_words(version: int) -> None:
    with pytest.raises(Malformed, match=rf"mismatch \(node=1, peer={version}\)"):
        decode(_init(version=version))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("share", b""),
        ("share", SHARE[:-1]),
        ("share", SHARE + b"p"),
        ("share", b"\x00" + SHARE[1:]),
        ("signature", b""),
        ("signature", bytes(limits.CHANNEL_SIGNATURE_BYTES_MAX + 1)),
        ("certificate", b""),
        ("certificate", bytes(limits.CHANNEL_CERTIFICATE_BYTES_MAX + 1)),
        ("salt", b""),
        ("salt", SALT[:-1]),
        ("salt", SALT + b"s"),
    ],
)
def test_a_field_of_another_size_is_refused(field: str, value: bytes) -> None:
    with pytest.raises(Malformed):
        decode(_init(**{field: value}))  # type: ignore[arg-type]  # every field is bytes


def test_the_largest_fields_are_taken() -> None:
    message = decode(
        _init(
            signature=bytes(limits.CHANNEL_SIGNATURE_BYTES_MAX),
            certificate=bytes(limits.CHANNEL_CERTIFICATE_BYTES_MAX),
        )
    )
    assert isinstance(message, KeyExchangeInit)
    assert len(message.certificate) == limits.CHANNEL_CERTIFICATE_BYTES_MAX


def test_a_length_beyond_the_message_is_refused_before_it_is_reached() -> None:
    with pytest.raises(Malformed, match="a signature of 18446744073709551615 bytes"):
        decode(_u64(2) + _u64(2**64 - 1) + b"sig")


ONE, OTHER = b"1" * 32, b"2" * 32


def pair() -> tuple[Keys, Keys]:
    return Keys(send=ONE, receive=OTHER), Keys(send=OTHER, receive=ONE)


def test_a_message_is_tag_nonce_and_ciphertext() -> None:
    """The nonce is a zero byte and a count of seven bytes, from 1, little-endian."""
    keys, _ = pair()
    for count in (1, 2, 3):
        nonce = b"\x00" + count.to_bytes(7, "little")
        sealed = AESGCM(ONE).encrypt(nonce, b"plain", b"header")
        assert keys.seal(b"header", b"plain") == sealed[-16:] + nonce + sealed[:-16]


def test_a_header_alone_is_sealed_by_24_bytes() -> None:
    a, b = pair()
    sealed = a.seal(b"header")
    assert len(sealed) == GCM_HEADER_BYTES
    assert b.open(b"header", sealed) == b""


@given(st.binary(max_size=99), st.binary(max_size=99))
def test_what_is_sealed_opens(header: bytes, plaintext: bytes) -> None:
    a, b = pair()
    assert b.open(header, a.seal(header, plaintext)) == plaintext


@attack("channel: a message again")
def test_a_message_opens_once() -> None:
    a, b = pair()
    sealed = a.seal(b"header", b"plain")
    b.open(b"header", sealed)
    with pytest.raises(VerificationFailed, match="message 1 is not newer than 1"):
        b.open(b"header", sealed)


@attack("channel: a gap that stops a channel")
def test_gaps_are_allowed_and_what_was_passed_over_is_refused() -> None:
    a, b = pair()
    first, second, third = (a.seal(b"header", b"%d" % n) for n in range(3))
    assert b.open(b"header", second) == b"1"
    with pytest.raises(VerificationFailed):
        b.open(b"header", first)
    assert b.open(b"header", third) == b"2"
    assert b.used == b.received == 3


def test_a_count_of_zero_is_refused_though_its_tag_holds() -> None:
    _, b = pair()
    sealed = AESGCM(ONE).encrypt(bytes(8), b"plain", b"header")
    with pytest.raises(VerificationFailed, match="message 0 is not newer"):
        b.open(b"header", sealed[-16:] + bytes(8) + sealed[:-16])


@attack("channel: a message sent back")
def test_a_message_sent_back_is_refused() -> None:
    a, _ = pair()
    sealed = a.seal(b"header", b"plain")
    with pytest.raises(VerificationFailed):
        a.open(b"header", sealed)


@given(st.integers(0, 34), st.integers(1, 255))
def test_a_changed_byte_is_noticed_and_changes_nothing(at: int, flip: int) -> None:
    a, b = pair()
    header, sealed = b"header", a.seal(b"header", b"plain")
    changed = bytearray(header + sealed)
    changed[at] ^= flip
    with pytest.raises(VerificationFailed):
        b.open(bytes(changed[:6]), bytes(changed[6:]))
    assert b.received == 0
    assert b.open(header, sealed) == b"plain"


@pytest.mark.parametrize("size", [0, 1, 16, 23])
def test_what_lacks_its_header_is_malformed(size: int) -> None:
    with pytest.raises(Malformed, match=f"of {size} bytes lacks its header"):
        pair()[0].open(b"header", bytes(size))


def test_both_directions_are_counted_lost_messages_included() -> None:
    a, b = pair()
    for _ in range(3):
        a.seal(b"lost")
    b.open(b"header", a.seal(b"header"))
    b.seal(b"header")
    assert a.used == 4
    assert b.used == 4 + 1


GCM_HEADER = b"g" * 24
CONSENSUS = {0: 57, 1: 25, 3: 36, 4: 21, 5: 16}


def _header(kind: int, size: int) -> bytes:
    return kind.to_bytes(8, "little") + b"h" * (size - 8)


@pytest.mark.parametrize(("kind", "size"), CONSENSUS.items())
def test_a_message_of_consensus_is_its_header_and_its_gcm_header(
    kind: int, size: int
) -> None:
    header = _header(kind, size)
    assert split(PeerTraffic.CONSENSUS, header + GCM_HEADER) == Protected(
        header=header, sealed=GCM_HEADER, entries=b""
    )
    with pytest.raises(Malformed, match=f"of {size + 23} bytes, expected {size + 24}"):
        split(PeerTraffic.CONSENSUS, (header + GCM_HEADER)[:-1])


def test_the_lengths_are_consensus_own() -> None:
    types = (
        AppendEntries,
        AppendEntriesResponse,
        RequestVote,
        RequestVoteResponse,
        ProposeRequestVote,
    )
    assert [t.LAYOUT.size for t in types] == list(CONSENSUS.values())


def test_entries_may_follow_append_entries_and_nothing_else() -> None:
    header = _header(0, 57)
    message = split(PeerTraffic.CONSENSUS, header + GCM_HEADER + b"entries")
    assert (message.sealed, message.entries) == (GCM_HEADER, b"entries")
    for kind, size in list(CONSENSUS.items())[1:]:
        payload = _header(kind, size) + GCM_HEADER + b"!"
        with pytest.raises(Malformed, match="1 unexpected bytes"):
            split(PeerTraffic.CONSENSUS, payload)


@pytest.mark.parametrize(("kind", "size"), FORWARDED_HEADER_BYTES.items())
def test_a_forwarded_message_is_its_header_and_what_is_sealed(
    kind: int, size: int
) -> None:
    header = _header(kind, size)
    payload = header + GCM_HEADER + b"ciphertext"
    assert split(PeerTraffic.FORWARDED, payload) == Protected(
        header=header, sealed=GCM_HEADER + b"ciphertext", entries=b""
    )
    with pytest.raises(Malformed):
        split(PeerTraffic.FORWARDED, payload[: size + 23])


def test_no_kind_has_one_length_in_both_vocabularies() -> None:
    shared = CONSENSUS.keys() & FORWARDED_HEADER_BYTES.keys()
    assert shared
    assert all(CONSENSUS[kind] != FORWARDED_HEADER_BYTES[kind] for kind in shared)


@pytest.mark.parametrize("kind", [PeerTraffic.CONSENSUS, PeerTraffic.FORWARDED])
@pytest.mark.parametrize("payload", [b"", bytes(7), b"\x06" + bytes(99), b"\xff" * 99])
def test_an_unknown_kind_is_refused(kind: PeerTraffic, payload: bytes) -> None:
    with pytest.raises(Malformed, match="not a"):
        split(kind, payload)


@given(
    st.sampled_from([PeerTraffic.CONSENSUS, PeerTraffic.FORWARDED]),
    st.integers(0, 6),
    st.binary(max_size=120),
)
def test_the_parts_make_the_whole_again(
    kind: PeerTraffic, first: int, rest: bytes
) -> None:
    payload = first.to_bytes(8, "little") + rest
    try:
        message = split(kind, payload)
    except Malformed:
        return
    assert message.header + message.sealed + message.entries == payload
