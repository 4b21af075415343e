"""A signature in any form is used only if the certificate's key verifies it."""

import base64
import functools
import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.client.keyfiles import OsEntropy
from ccfpy.client.signers.signature import (
    ALGORITHMS,
    digest_of,
    read_base64,
    read_signature,
)
from ccfpy.client.vocabulary import SignatureForm
from ccfpy.crypto.certs import Certificate, node_self_signed
from ccfpy.crypto.ec import Curve, KeyPair

MESSAGE = b"to be signed"
FORMS = list(SignatureForm)


@functools.cache
def _member(curve: Curve) -> tuple[KeyPair, Certificate]:
    key = KeyPair.generate(OsEntropy(), curve)
    certificate = node_self_signed(
        key,
        subject="CN=member0",
        sans=[],
        not_before=datetime.now(tz=UTC),
        validity_days=1,
        entropy=OsEntropy(),
    )
    return key, certificate


def _written(key: KeyPair, form: SignatureForm) -> bytes:
    signature = key.sign_raw(MESSAGE) if form.is_raw else key.sign(MESSAGE)
    return base64.b64encode(signature) + b"\n" if form.is_text else signature


@pytest.mark.parametrize("curve", list(Curve))
@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read_on_each_curve(form: SignatureForm, curve: Curve) -> None:
    key, certificate = _member(curve)
    raw = read_signature(
        _written(key, form), form, certificate=certificate, to_be_signed=MESSAGE
    )
    assert raw == key.sign_raw(MESSAGE)


@pytest.mark.parametrize("said", FORMS)
@pytest.mark.parametrize("meant", FORMS)
def test_a_form_that_was_not_said_is_named(
    said: SignatureForm, meant: SignatureForm
) -> None:
    if said is meant:
        return
    key, certificate = _member(Curve.SECP384R1)
    with pytest.raises(VerificationFailed, match=f"is not {said}: it is {meant}, so"):
        read_signature(
            _written(key, meant), said, certificate=certificate, to_be_signed=MESSAGE
        )


@pytest.mark.parametrize("form", FORMS)
def test_another_keys_signature_is_refused(form: SignatureForm) -> None:
    stranger = KeyPair.generate(OsEntropy(), Curve.SECP384R1)
    _, certificate = _member(Curve.SECP384R1)
    with pytest.raises(VerificationFailed, match="certificate CN=member0: another key"):
        read_signature(
            _written(stranger, form),
            form,
            certificate=certificate,
            to_be_signed=MESSAGE,
        )


@given(st.binary(max_size=200), st.sampled_from(FORMS))
def test_any_bytes_are_refused_and_nothing_else_is_raised(
    data: bytes, form: SignatureForm
) -> None:
    _, certificate = _member(Curve.SECP256R1)
    with pytest.raises(VerificationFailed):
        read_signature(data, form, certificate=certificate, to_be_signed=MESSAGE)


@pytest.mark.parametrize("curve", list(Curve))
def test_the_digest_and_the_algorithm_are_the_keys(curve: Curve) -> None:
    key, _ = _member(curve)
    names = {
        Curve.SECP256R1: ("sha256", "ES256"),
        Curve.SECP384R1: ("sha384", "ES384"),
        Curve.SECP521R1: ("sha512", "ES512"),
    }
    name, algorithm = names[curve]
    expected = hashlib.new(name, MESSAGE).digest()
    assert digest_of(key.public_key, MESSAGE) == expected
    assert ALGORITHMS[curve] == algorithm


@given(st.binary(max_size=64), st.booleans(), st.booleans())
def test_base64_is_read_in_either_alphabet_padded_or_not_and_in_lines(
    data: bytes, is_urlsafe: bool, is_padded: bool
) -> None:
    encode = base64.urlsafe_b64encode if is_urlsafe else base64.b64encode
    text = encode(data) if is_padded else encode(data).rstrip(b"=")
    lines = [text[at : at + 20] for at in range(0, len(text), 20)]
    assert read_base64(b" " + b"\r\n".join(lines) + b"\n") == data


@pytest.mark.parametrize("text", [b"%", b"a", b'"YWJj"', b"\xff"])
def test_what_is_no_base64_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed, match="not base64"):
        read_base64(text)
