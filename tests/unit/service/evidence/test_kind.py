"""The common properties of evidence on every platform."""

import pytest

from ccfpy.service.evidence.kind import unpadded


@pytest.mark.parametrize("padding", [0, 1, 32])
def test_a_digest_is_found_before_zeros(padding: int) -> None:
    assert unpadded(b"\x11" * 32 + bytes(padding)) == b"\x11" * 32


@pytest.mark.parametrize("tail", [b"\x01", bytes(31) + b"\x01"])
def test_whatever_else_follows_is_no_padding(tail: bytes) -> None:
    longer = b"\x11" * 32 + tail
    assert unpadded(longer) == longer
