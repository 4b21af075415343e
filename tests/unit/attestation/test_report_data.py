"""Report data binds evidence to one kind of owner."""

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation.report_data import (
    REPORT_DATA_BYTES,
    app_report_data,
    node_report_data,
)
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256
from ccfpy.testing.entropy import SeededEntropy


@given(st.binary(), st.binary())
def test_what_an_application_binds_is_its_data_alone(one: bytes, other: bytes) -> None:
    assert (app_report_data(one) == app_report_data(other)) == (one == other)
    assert len(app_report_data(one)) == REPORT_DATA_BYTES


def test_no_data_of_an_application_gives_a_nodes_report_data() -> None:
    """It would have to begin with a label, and a key in DER begins otherwise."""
    der = KeyPair.generate(SeededEntropy(1), Curve.SECP384R1).public_key.der
    assert node_report_data(der) == sha256(der)
    assert app_report_data(der) != node_report_data(der)
    assert not der.startswith(b"c")


def test_the_label_is_documented_for_those_who_verify_elsewhere() -> None:
    assert app_report_data(b"x") == sha256(b"ccfpy app report data\0x")
