"""SipHash-2-4 against the values published with the algorithm."""

import pytest

from ccfpy.kv.siphash import siphash_2_4

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
