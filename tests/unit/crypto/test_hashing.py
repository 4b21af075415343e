"""Hashes, by their published vectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.crypto.hashing import (
    HmacKey,
    hkdf_sha256,
    hmac_sha256,
    sha256,
    sha256_hex,
)

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_sha256_is_that_of_fips_180() -> None:
    assert sha256(b"abc").hex() == sha256_hex(b"abc") == ABC


@pytest.mark.parametrize(
    ("key", "data", "mac"),
    [
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            b"\xaa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
)
def test_hmac_is_that_of_rfc_4231(key: bytes, data: bytes, mac: str) -> None:
    assert hmac_sha256(key, data).hex() == mac
    assert HmacKey(key).hexdigest(data) == mac


@given(st.binary(max_size=140), st.binary(max_size=80))
def test_a_prepared_key_gives_the_same_macs(key: bytes, data: bytes) -> None:
    assert HmacKey(key).hexdigest(data) == hmac_sha256(key, data).hex()


def test_hkdf_is_that_of_rfc_5869() -> None:
    derived = hkdf_sha256(
        ikm=b"\x0b" * 22,
        salt=bytes(range(13)),
        info=bytes(range(0xF0, 0xFA)),
        length=42,
    )
    assert derived.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


def test_hkdf_needs_no_salt() -> None:
    derived = hkdf_sha256(ikm=b"\x0b" * 22, salt=b"", info=b"", length=42)
    assert derived.hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )
