"""How a signed statement is read, and what is refused in it."""

from typing import Any

import pytest

from apps.scitt.limits import CHAIN_CERTIFICATES_MAX, CRIT_MAX, DID_CHARS_MAX
from apps.scitt.statement import (
    AttestedService,
    Claims,
    ProtectedHeader,
    SignedStatement,
)
from ccfpy.app import CborTag, Malformed, decode_cbor, encode_cbor

PARTS = [encode_cbor({1: -7}), {}, b"payload", b"signature"]


def message(*parts: object, tag: int = 18) -> bytes:
    return encode_cbor(CborTag(tag, list(parts)))


def test_a_statement_is_taken_apart() -> None:
    statement = SignedStatement.parse(message(*PARTS))

    assert statement.header == ProtectedHeader(alg=-7)
    assert (statement.payload, statement.signature) == (b"payload", b"signature")
    assert decode_cbor(statement.to_be_signed) == [
        "Signature1",
        PARTS[0],
        b"",
        b"payload",
    ]


def test_what_nobody_signed_is_not_registered() -> None:
    loose = {33: b"certificate", "anything": 1}
    statement = SignedStatement.parse(message(PARTS[0], loose, *PARTS[2:]))

    assert statement.unprotected_chain == (b"certificate",)
    assert statement.registered == message(*PARTS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        encode_cbor(PARTS),
        message(*PARTS, tag=98),
        message(*PARTS[:3]),
        message(*PARTS, b"more"),
        encode_cbor(CborTag(18, {})),
        message(None, *PARTS[1:]),
        message(PARTS[0], [], *PARTS[2:]),
        message(PARTS[0], {True: 1}, *PARTS[2:]),
        message(*PARTS[:2], None, PARTS[3]),
        message(*PARTS[:2], b"", PARTS[3]),
        message(*PARTS[:3], "text"),
        message(b"\xff", *PARTS[1:]),
        message(encode_cbor([]), *PARTS[1:]),
        message(*PARTS) + b"\0",
    ],
)
def test_anything_else_is_no_statement(data: bytes) -> None:
    with pytest.raises(Malformed):
        SignedStatement.parse(data)


@pytest.mark.parametrize(
    ("label", "value", "expected"),
    [
        (1, -7, {"alg": -7}),
        (2, [33, "x"], {"crit": (33, "x")}),
        (3, "text/plain", {"content_type": "text/plain"}),
        (3, 50, {"content_type": 50}),
        (4, b"kid", {"kid": b"kid"}),
        (391, "issuer", {"issuer": "issuer"}),
        (392, "feed", {"feed": "feed"}),
        ("svn", 3, {"svn": 3}),
        (33, b"one", {"x5chain": (b"one",)}),
        (33, [b"one", b"two"], {"x5chain": (b"one", b"two")}),
        (15, {}, {"claims": Claims()}),
        (15, {1: "i", 2: "s"}, {"claims": Claims(iss="i", sub="s")}),
        (15, {6: 5, "svn": 2}, {"claims": Claims(iat=5, svn=2)}),
        (15, {6: CborTag(1, 5)}, {"claims": Claims(iat=5)}),
        (15, {6: 5.0}, {"claims": Claims(iat=5)}),
        ("attestedsvc", {"ver": 1}, {"attested": AttestedService(ver=1)}),
        ("unknown", {"any": 1}, {}),
    ],
)
def test_each_part_of_the_header_is_read(
    label: object, value: object, expected: dict[str, Any]
) -> None:
    assert ProtectedHeader.parse(encode_cbor({label: value})) == ProtectedHeader(
        **expected
    )


@pytest.mark.parametrize(
    ("label", "value"),
    [
        (1, "ES256"),
        (1, True),
        (1, 1 << 63),
        (2, []),
        (2, [1.5]),
        (2, 33),
        (2, [1] * (CRIT_MAX + 1)),
        (3, 1.5),
        (4, "kid"),
        (391, b"issuer"),
        ("svn", "1"),
        (33, []),
        (33, "certificate"),
        (33, [b"one", "two"]),
        (33, [b"one"] * (CHAIN_CERTIFICATES_MAX + 1)),
        (15, []),
        (15, {1: 5}),
        (15, {1: "d" * (DID_CHARS_MAX + 1)}),
        (15, {6: "yesterday"}),
        (15, {6: 5.5}),
        (15, {6: CborTag(0, "2020-01-01")}),
        (15, {False: 1}),
        ("attestedsvc", []),
        ("attestedsvc", {"svc_id": 1}),
        ("attestedsvc", {"attestation": "text"}),
        ("attestedsvc", {"cose_key": []}),
        ("attestedsvc", {"cose_key": {}}),
    ],
)
def test_a_part_of_another_type_is_refused(label: object, value: object) -> None:
    with pytest.raises(Malformed):
        ProtectedHeader.parse(encode_cbor({label: value}))


@pytest.mark.parametrize("count", [1, CHAIN_CERTIFICATES_MAX])
def test_a_chain_may_be_as_long_as_the_bound(count: int) -> None:
    header = ProtectedHeader.parse(encode_cbor({33: [b"one"] * count}))
    assert len(header.x5chain or ()) == count
