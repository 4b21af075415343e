"""SipHash-2-4 against the values published with the algorithm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.kv.siphash import LANES_MAX, siphash_2_4_many
from tests.unit.kv.plain_snapshot import siphash_2_4

K0 = int.from_bytes(bytes(range(8)), "little")
K1 = int.from_bytes(bytes(range(8, 16)), "little")


@pytest.mark.parametrize(
    ("length", "digest"),
    [
        (0, "310e0edd47db6f72"),
        (1, "fd67dc93c539f874"),
        (7, "37d1018bf50002ab"),
        (8, "6224939a79f5f593"),
        (15, "e545be4961ca29a1"),
        (63, "724506eb4c328a95"),
    ],
)
def test_the_papers_vectors_hold(length: int, digest: str) -> None:
    hashed = siphash_2_4(bytes(range(length)), K0, K1)
    assert hashed.to_bytes(8, "little").hex() == digest


def test_the_papers_worked_example_holds() -> None:
    assert siphash_2_4(bytes(range(15)), K0, K1) == 0xA129CA6149BE45E5


def test_the_key_matters_and_so_does_the_length() -> None:
    assert siphash_2_4(b"", 0, 0) != siphash_2_4(b"", 0, 1)
    assert siphash_2_4(b"", K0, K1) != siphash_2_4(b"\0", K0, K1)
    assert siphash_2_4(bytes(256), K0, K1) != siphash_2_4(bytes(512), K0, K1)


WORDS = st.integers(0, 2**64 - 1)


@given(st.lists(st.binary(max_size=40)), WORDS, WORDS)
def test_many_inputs_are_hashed_as_each_is(
    inputs: list[bytes], k0: int, k1: int
) -> None:
    expected = [siphash_2_4(data, k0, k1) for data in inputs]
    assert siphash_2_4_many(inputs, k0, k1) == expected


@pytest.mark.parametrize("count", [LANES_MAX - 1, LANES_MAX, LANES_MAX + 1])
@pytest.mark.parametrize("size", [0, 7, 8, 300])
def test_more_inputs_than_are_hashed_at_once_keep_their_order(
    count: int, size: int
) -> None:
    inputs = [bytes((at & 0xFF, at >> 8)) * (size // 2) for at in range(count)]
    expected = [siphash_2_4(data, K0, K1) for data in inputs]
    assert siphash_2_4_many(inputs, K0, K1) == expected


def test_what_an_addition_carries_out_stays_out_of_the_next_input() -> None:
    inputs = [b"\xff" * 15, b"", b"\xff" * 15, bytes(15)] * 3
    ones = 2**64 - 1
    assert siphash_2_4_many(inputs, ones, ones) == [
        siphash_2_4(data, ones, ones) for data in inputs
    ]
