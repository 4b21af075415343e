"""The messages of a key exchange are CCF's bytes, and nothing else is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.base.errors import Malformed
from ccfpy.node.channels.key_agreement import (
    SALT_BYTES,
    SHARE_BYTES,
    Handshake,
    KeyExchangeFinal,
    KeyExchangeInit,
    KeyExchangeResponse,
    decode,
)

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
