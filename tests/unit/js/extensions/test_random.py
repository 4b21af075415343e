"""``Math.random`` on a given source."""

import pytest

from ccfpy.js.extensions.random import math_random_extension
from tests.unit.js.conftest import Evaluate


class Fixed:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def random_bytes(self, count: int) -> bytes:
        assert len(self.data) == count
        return self.data

    def rsa_private_key(self, bits: int) -> bytes:
        raise NotImplementedError(bits)


@pytest.mark.parametrize(
    ("data", "number"),
    [(bytes(8), 0.0), (b"\0" * 7 + b"\x80", 0.5), (b"\xff" * 8, 1 - 2**-53)],
)
def test_numbers_come_from_the_source_and_stay_below_one(
    evaluate: Evaluate, data: bytes, number: float
) -> None:
    assert (
        evaluate("return Math.random()", [math_random_extension(Fixed(data))]) == number
    )
