"""The most that values take, for every type that an interface may have."""

import msgpack  # type: ignore[import-untyped]  # it ships no annotations
import pytest

from ccfpy.boundary.shape import encoder
from ccfpy.toolkit.interfaces.interface import bytes_max
from tests.unit.boundary.test_schema import EXPRESSIBLE


@pytest.mark.parametrize(("kind", "_text", "largest"), EXPRESSIBLE)
def test_no_value_takes_more_than_is_said(
    kind: object, _text: str, largest: object
) -> None:
    encode = encoder(kind)
    wire = largest if encode is None else encode(largest)
    taken = len(msgpack.packb(wire))
    assert taken <= bytes_max(kind) <= taken + 30
