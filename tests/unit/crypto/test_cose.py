"""COSE_Sign1: published and recorded messages, and everything that is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto import cbor, cose
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair, PublicKey
from ccfpy.testing.entropy import SeededEntropy
from tests.attacks import attack

KEY = KeyPair.generate(SeededEntropy(21), Curve.SECP384R1)
OTHER = KeyPair.generate(SeededEntropy(22), Curve.SECP384R1)
HEADERS = st.dictionaries(
    st.integers(5, 1000) | st.text(max_size=8),
    st.integers(-9, 9) | st.text(max_size=8) | st.binary(max_size=8),
    max_size=4,
)


def message(**changes: object) -> bytes:
    """Encode a message with some of its parts replaced."""
    parts = {
        "protected": cbor.encode({1: -35}),
        "unprotected": {},
        "payload": b"",
        "signature": bytes(96),
    } | changes
    return cbor.encode(cbor.Tag(cose.SIGN1_TAG, list(parts.values())))


@pytest.mark.slow
@given(HEADERS, st.binary(max_size=64), st.booleans())
def test_what_is_signed_verifies(
    protected: cose.Header, payload: bytes, detached: bool
) -> None:
    data = cose.sign(KEY, protected=protected, payload=payload, detached=detached)
    parsed = cose.parse(data)
    assert list(parsed.protected.items()) == [(1, -35), *protected.items()]
    assert parsed.unprotected == {}
    assert parsed.payload == (None if detached else payload)
    parsed.verify(KEY.public_key, detached_payload=payload if detached else None)
    with pytest.raises(VerificationFailed):
        parsed.verify(OTHER.public_key, detached_payload=payload if detached else None)


def test_signatures_are_deterministic() -> None:
    first, second = (cose.sign(KEY, protected={}, payload=b"x") for _ in range(2))
    assert first == second


def test_the_algorithm_is_the_keys(key: KeyPair) -> None:
    parsed = cose.parse(cose.sign(key, protected={}, payload=b"x"))
    assert parsed.protected == {1: cose.ALGORITHMS[key.public_key.curve]}
    parsed.verify(key.public_key)


def test_the_example_of_rfc_8152_verifies() -> None:
    """Appendix C.2.1, under the key that its appendix C.7.1 calls ``11``."""
    key = PublicKey.from_coordinates(
        Curve.SECP256R1,
        0xBAC5B11CAD8F99F9C72B05CF4B9E26D244DC189F745228255A219A86D6A09EFF,
        0x20138BF82DC1B6D562BE0FA54AB7804A3A64B6D72CCFED6B6FB6ED28BBFC117E,
    )
    parsed = cose.parse(
        bytes.fromhex(
            "d28443a10126a10442313154546869732069732074686520636f6e74656e742e"
            "58408eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0"
            "117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345ca"
            "cb36"
        )
    )
    assert parsed.payload == b"This is the content."
    assert parsed.unprotected == {cose.KID: b"11"}
    assert parsed.key_id is None, "only a protected kid counts"
    parsed.verify(key)


def test_every_request_that_members_sent_to_recorded_services_verifies(
    recorded_messages: list[bytes], recorded_certificates: list[Certificate]
) -> None:
    members = {c.digest_hex.encode(): c for c in recorded_certificates}
    verified = 0
    for data in recorded_messages:
        parsed = cose.parse(data)
        member = members.get(parsed.key_id or b"")
        if member is not None:
            parsed.verify(member.public_key)
            verified += 1
    assert verified == 88


def test_recorded_messages_are_encoded_as_we_encode(
    recorded_messages: list[bytes],
) -> None:
    assert len(recorded_messages) == 94
    for data in recorded_messages:
        parsed = cose.parse(data)
        assert cbor.encode(dict(parsed.protected)) == parsed.protected_bytes
        assert cose.set_unprotected(data, {}) == data


@attack("gov: an algorithm that is not the key's")
@pytest.mark.parametrize("algorithm", [-7, -36, -37, -35.0, "ES384", None, True])
def test_another_algorithm_than_the_keys_is_refused(algorithm: object) -> None:
    header = cbor.encode({1: algorithm})
    to_be_signed = cbor.encode(["Signature1", header, b"", b"x"])
    data = message(protected=header, payload=b"x", signature=KEY.sign_raw(to_be_signed))
    with pytest.raises(VerificationFailed, match="is not that of the key, -35"):
        cose.parse(data).verify(KEY.public_key)


@pytest.mark.parametrize("detached", [False, True])
def test_exactly_one_payload_is_needed(detached: bool) -> None:
    parsed = cose.parse(cose.sign(KEY, protected={}, payload=b"x", detached=detached))
    with pytest.raises(VerificationFailed, match="exactly one payload"):
        parsed.verify(KEY.public_key, detached_payload=None if detached else b"x")


def test_a_detached_payload_must_be_the_signed_one() -> None:
    parsed = cose.parse(cose.sign(KEY, protected={}, payload=b"x", detached=True))
    with pytest.raises(VerificationFailed, match="does not match"):
        parsed.verify(KEY.public_key, detached_payload=b"y")


@attack("gov: a signature of zeros, in DER, or none")
def test_a_signature_in_der_is_refused() -> None:
    header = cbor.encode({1: -35})
    der = KEY.sign(cbor.encode(["Signature1", header, b"", b"x"]))
    with pytest.raises(VerificationFailed, match="a signature of"):
        cose.parse(message(payload=b"x", signature=der)).verify(KEY.public_key)


def test_a_signature_of_zeros_is_refused() -> None:
    with pytest.raises(VerificationFailed):
        cose.parse(message()).verify(KEY.public_key)


FORMLESS = {
    "no tag": cbor.encode([b"\xa0", {}, b"", b""]),
    "the tag of another message": cbor.encode(cbor.Tag(98, [b"", {}, b"", b""])),
    "a tagged number": cbor.encode(cbor.Tag(18, 4)),
    "three parts": cbor.encode(cbor.Tag(18, [b"\xa1\x01\x26", {}, b""])),
    "a protected header that is not wrapped": message(protected={1: -35}),
    "a payload of text": message(payload="text"),
    "a signature of text": message(signature="text"),
    "bytes after it": message() + b"\0",
}
NOT_UNDERSTOOD = {
    "no protected header": message(protected=b""),
    "a protected header that is no map": message(protected=b"\x80"),
    "a protected header with more after it": message(protected=b"\xa1\1\x26\0"),
    "a header twice": message(protected=bytes.fromhex("a201260126")),
    "no algorithm": message(protected=cbor.encode({4: b"kid"})),
    "an unprotected algorithm": message(protected=b"\xa0", unprotected={1: -35}),
    "a label in both headers": message(unprotected={1: -35}),
    "true as a label": message(protected=bytes.fromhex("a1f526")),
    "1.0 as a label": message(protected=bytes.fromhex("a1f93c0026")),
    "bytes as a label": message(unprotected={b"x": 1}),
    "an unprotected header that is no map": message(unprotected=[]),
    "critical headers": message(protected=cbor.encode({1: -35, 2: ["x"]})),
    "unprotected critical headers": message(unprotected={2: ["x"]}),
}


@pytest.mark.parametrize("what", FORMLESS)
def test_what_is_no_sign1_is_malformed_and_not_edited(what: str) -> None:
    with pytest.raises(Malformed):
        cose.parse(FORMLESS[what])
    with pytest.raises(Malformed):
        cose.set_unprotected(FORMLESS[what], {})


@pytest.mark.parametrize("what", NOT_UNDERSTOOD)
def test_what_is_not_understood_is_malformed_but_may_be_edited(what: str) -> None:
    data = NOT_UNDERSTOOD[what]
    with pytest.raises(Malformed):
        cose.parse(data)
    once = cose.set_unprotected(data, {5: b"iv"})
    assert cose.set_unprotected(once, {5: b"iv"}) == once
    tagged, changed = cbor.decode(data), cbor.decode(once)
    assert changed.value[1] == {5: b"iv"}
    assert [changed.value[at] for at in (0, 2, 3)] == [
        tagged.value[at] for at in (0, 2, 3)
    ]


@given(st.integers(0, 1000), st.integers(0, 7))
def test_one_changed_bit_is_refused(position: int, bit: int) -> None:
    data = bytearray(cose.sign(KEY, protected={4: b"kid"}, payload=b"payload"))
    data[position % len(data)] ^= 1 << bit
    with pytest.raises((Malformed, VerificationFailed)):
        cose.parse(bytes(data)).verify(KEY.public_key)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_message_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        cose.parse(b"\xd2\x84" + data)


def test_a_new_unprotected_header_leaves_the_signature_alone() -> None:
    data = cose.sign(KEY, protected={395: 2}, payload=b"root", detached=True)
    changed = cose.set_unprotected(data, {396: {-1: [b"proof"]}})
    parsed = cose.parse(changed)
    assert parsed.unprotected == {396: {-1: (b"proof",)}}
    parsed.verify(KEY.public_key, detached_payload=b"root")
    assert cose.set_unprotected(changed, {}) == data


@given(
    HEADERS,
    st.none() | st.binary(max_size=300),
    st.binary(max_size=300),
    st.integers(-(2**63), 2**63 - 1),
    st.none() | st.integers(-(2**63), 2**63 - 1),
)
def test_what_is_attached_is_all_there_is_until_it_is_taken_away(
    before: cose.Header,
    payload: bytes | None,
    value: bytes,
    label: int,
    sublabel: int | None,
) -> None:
    data = message(unprotected=before, payload=payload)
    attached = cose.attach(data, value, label=label, sublabel=sublabel)
    found = cbor.decode(attached).value[1]
    assert found == {label: (value,) if sublabel is None else {sublabel: (value,)}}
    assert cose.set_unprotected(attached, {}) == message(payload=payload)


def test_an_external_signer_makes_the_same_message() -> None:
    signed = cose.to_be_signed(KEY.public_key, protected={4: b"kid"}, payload=b"x")
    assembled = cose.assemble(
        KEY.public_key,
        protected={4: b"kid"},
        payload=b"x",
        signature=KEY.sign_raw(signed),
    )
    assert assembled == cose.sign(KEY, protected={4: b"kid"}, payload=b"x")


@pytest.mark.slow
@given(HEADERS, st.binary(max_size=64))
def test_all_forms_of_a_message_sign_the_same(
    protected: cose.Header, payload: bytes
) -> None:
    data = cose.set_unprotected(
        cose.sign(KEY, protected=protected, payload=payload), {1001: 1}
    )
    signed = cose.parse(data)
    forms = cose.forms(data)
    assert data in forms
    assert len({*forms}) == 4
    for form in map(cose.parse, forms):
        form.verify(KEY.public_key)
        assert form.signed_digest == signed.signed_digest
        assert {*form.signature_forms} == {*signed.signature_forms}


def test_another_header_or_payload_is_another_message() -> None:
    headers: tuple[cose.Header, ...] = ({}, {"x": 1})
    digests = {
        cose.parse(cose.sign(KEY, protected=header, payload=payload)).signed_digest
        for header in headers
        for payload in (b"", b"x")
    }
    assert len(digests) == 4


def test_a_signature_of_no_known_algorithm_has_no_forms() -> None:
    unknown = cose.parse(message(protected=cbor.encode({1: -8})))
    with pytest.raises(VerificationFailed, match="COSE algorithm -8"):
        _ = unknown.signature_forms
