"""Sealing and opening: each message once, in order, in one direction."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.node.channels.keys import GCM_HEADER_BYTES, Keys
from tests.attacks import attack

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
