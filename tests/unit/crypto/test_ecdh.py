"""Key agreement on P-384."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.crypto.ec import POINT_BYTES, EphemeralKey
from ccfpy.testing.entropy import SeededEntropy
from tests.damage import with_a_bit_changed

ALICE = EphemeralKey.generate(SeededEntropy(b"alice"))
BOB = EphemeralKey.generate(SeededEntropy(b"bob"))


def test_it_is_the_agreement_of_the_specification() -> None:
    """RFC 5903, 8.2: the 384-bit random ECP group."""
    initiator = EphemeralKey(
        ec.derive_private_key(
            0x099F3C7034D4A2C699884D73A375A67F7624EF7C6B3C0F160647B67414DCE655E35B538041E649EE3FAEF896783AB194,
            ec.SECP384R1(),
        )
    )
    responder_point = bytes.fromhex(
        "04"
        "E558DBEF53EECDE3D3FCCFC1AEA08A89A987475D12FD950D83CFA41732BC509D"
        "0D1AC43A0336DEF96FDA41D0774A3571"
        "DCFBEC7AACF3196472169E838430367F66EEBE3C6E70C416DD5F0C68759DD1FF"
        "F83FA40142209DFF5EAAD96DB9E6386C"
    )
    assert initiator.point[:17].hex() == "04667842d7d180ac2cde6f74f37551f557"
    assert initiator.agree(responder_point).hex() == (
        "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4"
        "d603135569b9e9d09cf5d4a270f59746"
    )


def test_both_sides_agree_on_one_secret() -> None:
    assert ALICE.agree(BOB.point) == BOB.agree(ALICE.point)
    assert ALICE.agree(BOB.point) != ALICE.agree(ALICE.point)


def test_a_key_follows_from_its_seed() -> None:
    assert EphemeralKey.generate(SeededEntropy(b"bob")).point == BOB.point
    assert len(BOB.point) == POINT_BYTES


@pytest.mark.parametrize(
    "point",
    [
        b"",
        b"\x00",
        BOB.point[:-1],
        BOB.point + b"\x00",
        bytes([2 + BOB.point[-1] % 2]) + BOB.point[1:49],
        b"\x06" + BOB.point[1:],
        b"\x04" + bytes(96),
        b"\x04" + b"\xff" * 96,
        with_a_bit_changed(BOB.point),
    ],
)
def test_what_is_no_uncompressed_point_on_the_curve_is_refused(point: bytes) -> None:
    with pytest.raises(Malformed, match="point"):
        ALICE.agree(point)


@given(st.binary(max_size=2 * POINT_BYTES))
def test_arbitrary_bytes_are_malformed(point: bytes) -> None:
    with pytest.raises(Malformed):
        ALICE.agree(point)
