"""Taking Open Enclave's collateral apart."""

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation.sgx_collateral import (
    COLLATERAL_BYTES_MAX,
    ELEMENTS,
    SgxCollateral,
    SignedJson,
)
from ccfpy.base.errors import Malformed
from tests.unit.attestation.hardware import recorded
from tests.unit.attestation.sgx_maker import collateral_of

COLLATERAL = recorded("sgx_node.collateral")


def elements() -> list[bytes]:
    starts = struct.unpack_from(f"<{ELEMENTS}I", COLLATERAL, 16)
    data = COLLATERAL[16 + 4 * ELEMENTS :]
    return [data[a:b] for a, b in zip(starts, (*starts[1:], len(data)), strict=True)]


def test_recorded_collateral_says_when_it_was_gathered_and_of_what() -> None:
    collateral = SgxCollateral.parse(COLLATERAL)
    assert collateral.created == datetime(2023, 3, 15, 14, 1, 8, tzinfo=UTC)
    assert collateral.tcb_info.content["fmspc"] == "00606a000000"
    assert collateral.tcb_info.not_before == datetime(
        2021, 4, 20, 18, 27, 52, tzinfo=UTC
    )
    assert collateral.qe_identity.not_after == datetime(2021, 7, 31, 23, 45, tzinfo=UTC)
    assert len(collateral.list_signers) == len(collateral.tcb_info.signers) == 2


def test_the_tests_write_it_as_open_enclave_does() -> None:
    assert collateral_of(elements()) == COLLATERAL


@pytest.mark.parametrize(
    ("offset", "value"),
    [(0, 2), (4, 1), (8, 12254), (8, 12252), (12, 8), (16, 1), (24, 1), (48, 99999)],
)
def test_another_header_is_refused(offset: int, value: int) -> None:
    changed = bytearray(COLLATERAL)
    struct.pack_into("<I", changed, offset, value)
    with pytest.raises(Malformed):
        SgxCollateral.parse(bytes(changed))


@pytest.mark.parametrize("place", range(1, ELEMENTS))
@pytest.mark.parametrize("content", [b"", b"\xff", b"{}"])
def test_each_element_must_be_what_it_is(place: int, content: bytes) -> None:
    parts = elements()
    parts[place] = content
    with pytest.raises(Malformed):
        SgxCollateral.parse(collateral_of(parts))


@given(st.integers(0, len(COLLATERAL) - 1))
def test_a_part_of_it_is_none(size: int) -> None:
    with pytest.raises(Malformed):
        SgxCollateral.parse(COLLATERAL[:size])


def test_it_is_not_read_beyond_its_bound() -> None:
    with pytest.raises(Malformed, match="is too long"):
        SgxCollateral.parse(bytes(COLLATERAL_BYTES_MAX + 1))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b'{"tcbInfo":{},"signature":"00"}',
        b'{"tcbInfo":[],"signature":"%b"}' % (b"00" * 64),
        b'{"other":{},"signature":"%b"}' % (b"00" * 64),
        b'{"tcbInfo":{x},"signature":"%b"}' % (b"00" * 64),
    ],
)
def test_what_the_maker_signs_is_one_object_and_a_signature(text: bytes) -> None:
    with pytest.raises(Malformed):
        SignedJson.parse(text, elements()[2])
