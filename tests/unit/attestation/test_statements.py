"""Signed JSON: one form, one way to write it, and no kind that passes for another."""

import pytest

from ccfpy.attestation.statements import Statement, sign
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.limits import STATEMENT_BYTES_MAX
from ccfpy.crypto import cose
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.testing.entropy import SeededEntropy

KEY = KeyPair.generate(SeededEntropy(1), Curve.SECP384R1)
OTHER = KeyPair.generate(SeededEntropy(2), Curve.SECP384R1)
KIND = "application/test+json"
SIGNED = sign(KEY, KIND, {"b": 1, "a": "x"})


def test_what_was_signed_is_read_and_verified() -> None:
    statement = Statement.read(SIGNED, KIND)
    assert statement.content == {"a": "x", "b": 1}
    statement.verify(KEY.public_key)


def test_anothers_signature_is_refused_by_its_kind() -> None:
    with pytest.raises(VerificationFailed, match=r"test\+json: ECDSA"):
        Statement.read(SIGNED, KIND).verify(OTHER.public_key)


def test_no_byte_of_the_payload_can_change() -> None:
    at = SIGNED.index(b'"x"') + 1
    changed = SIGNED[:at] + b"y" + SIGNED[at + 1 :]
    statement = Statement.read(changed, KIND)
    with pytest.raises(VerificationFailed):
        statement.verify(KEY.public_key)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk",
        sign(KEY, "application/other+json", {}),
        cose.sign(KEY, protected={}, payload=b"{}"),
        cose.sign(KEY, protected={cose.CONTENT_TYPE: KIND, 4: b"k"}, payload=b"{}"),
        cose.sign(
            KEY, protected={cose.CONTENT_TYPE: KIND}, payload=b"{}", detached=True
        ),
        cose.sign(KEY, protected={cose.CONTENT_TYPE: KIND}, payload=b"[]"),
        cose.sign(KEY, protected={cose.CONTENT_TYPE: KIND}, payload=b'{ "a":1}'),
        cose.sign(KEY, protected={cose.CONTENT_TYPE: KIND}, payload=b'{"b":1,"a":1}'),
        cose.sign(KEY, protected={cose.CONTENT_TYPE: KIND}, payload=b'{"a":1,"a":1}'),
        cose.set_unprotected(SIGNED, {9: b"x"}),
    ],
)
def test_anything_else_is_no_statement_of_the_kind(data: bytes) -> None:
    with pytest.raises(Malformed):
        Statement.read(data, KIND)


def test_a_statement_is_bounded() -> None:
    spare = STATEMENT_BYTES_MAX - len(sign(KEY, KIND, {"a": "x" * 70_000})) + 70_000
    longest = sign(KEY, KIND, {"a": "x" * spare})
    assert len(longest) == STATEMENT_BYTES_MAX
    Statement.read(longest, KIND).verify(KEY.public_key)
    with pytest.raises(Malformed, match="bytes are no"):
        Statement.read(sign(KEY, KIND, {"a": "x" * (spare + 1)}), KIND)
