"""Endorsements of utility VMs."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation import uvm
from ccfpy.attestation.uvm import ROOTS_OF_TRUST, verify_uvm_endorsements
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.json import Json
from tests.unit.attestation.hardware import recorded

MEASUREMENT = bytes.fromhex(
    "d0c9e2be22046e60779be88868cff64c2aa22047c15d3127ba495cee3fbc2854"
    "c5633f9da2096e6c64ae2b69bbff8082"
)
FILES = {"uvm_0.2.9.cose": "103", "int_svn.cose": "102"}


@pytest.mark.parametrize("name", FILES)
def test_what_microsoft_endorsed_is_believed(name: str) -> None:
    found = verify_uvm_endorsements(recorded(name), MEASUREMENT)
    assert (found.feed, found.svn) == ("ContainerPlat-AMD-UVM", FILES[name])
    assert found.did == ROOTS_OF_TRUST[0].did


def test_it_is_of_one_measurement() -> None:
    with pytest.raises(VerificationFailed, match="is not equal to UVM attestation"):
        verify_uvm_endorsements(recorded("int_svn.cose"), bytes(48))


@pytest.mark.parametrize(
    "change", [{"svn": "103"}, {"feed": "other"}, {"did": "did:x"}]
)
def test_it_is_by_whose_word_is_taken_for_this_and_later(
    change: dict[str, str],
) -> None:
    root = ROOTS_OF_TRUST[0]
    data = recorded("int_svn.cose")
    exact = (replace(root, svn="102"),)
    assert verify_uvm_endorsements(data, MEASUREMENT, exact).svn == "102"
    for roots in ((), (replace(root, **change),)):
        with pytest.raises(VerificationFailed, match="any of the known UVM roots"):
            verify_uvm_endorsements(data, MEASUREMENT, roots)


@given(st.integers(0, 8 * len(recorded("int_svn.cose")) - 1))
def test_no_bit_that_is_signed_can_be_changed(bit: int) -> None:
    data = bytearray(recorded("int_svn.cose"))
    data[bit // 8] ^= 1 << bit % 8
    with suppress(CcfpyError):
        found = verify_uvm_endorsements(bytes(data), MEASUREMENT)
        assert found == verify_uvm_endorsements(recorded("int_svn.cose"), MEASUREMENT)


@pytest.mark.parametrize("value", ["", "-1", "1.0", "٣", "9" * 21, -2, 1.5, True, None])
def test_a_security_version_is_a_number(value: Json) -> None:
    with pytest.raises(Malformed):
        uvm._svn(value)


def test_it_may_be_written_in_two_ways() -> None:
    assert (uvm._svn("100"), uvm._svn(100), uvm._svn(0)) == ("100", "100", "0")
