"""Evidence told by its bytes, whatever the bytes."""

import base64
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError
from ccfpy.cli.attest import kinds
from ccfpy.cli.attest_input import recognise
from ccfpy.cli.attest_kind import Piece, Wanted
from tests.unit.attestation.hardware import recorded, report_of

SGX, SNP = recorded("sgx_node.quote"), report_of("milan")
COLLATERAL = recorded("sgx_node.collateral")
KINDS = kinds()
WANTED = Wanted(now_s=1_750_000_000, at_collateral=True, takes_virtual=True)


def tell(data: bytes, endorsements: bytes = b"") -> None:
    """Do all that a command does with evidence."""
    with suppress(CcfpyError):
        for piece in recognise(data, "it", endorsements=endorsements):
            kind = KINDS.get(piece.format)
            if kind is not None:
                kind.claims(piece)
                kind.checks(piece, WANTED)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (SNP, "AMD_SEV_SNP_v1"),
        (SGX, "OE_SGX_v1"),
        (b"e30.e30.AA\n", "MAA"),
        (b'{"token": "e30.e30.AA"}', "MAA"),
        (b' {"measurement": "m", "report_data": ""}', "Insecure_Virtual"),
        (b'{"format": "Insecure_Simulated", "raw": "AA=="}', "Insecure_Simulated"),
        (b'{"quote_info": {"format": "F", "quote": "AA=="}}', "F"),
        (b'{"attestations": [{"format": "F", "raw": "AA=="}]}', "F"),
    ],
)
def test_a_kind_is_told_by_the_bytes(data: bytes, kind: str) -> None:
    assert [piece.format for piece in recognise(data, "it")] == [kind]


@given(st.binary(max_size=200))
def test_whatever_the_bytes_nothing_else_is_raised(data: bytes) -> None:
    tell(data)


@given(st.sampled_from([SGX, SNP]), st.integers(0, 5000), st.binary(max_size=40))
def test_nor_for_what_was_evidence_once(whole: bytes, at: int, noise: bytes) -> None:
    at %= len(whole)
    tell(whole[:at] + noise + whole[at + len(noise) :], COLLATERAL)


@given(st.integers(0, len(COLLATERAL) - 1), st.binary(max_size=40))
def test_nor_for_what_stands_beside_it(at: int, noise: bytes) -> None:
    tell(SGX, COLLATERAL[:at] + noise + COLLATERAL[at + len(noise) :])


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=20)


@given(
    st.sampled_from(sorted(KINDS)),
    st.dictionaries(
        st.sampled_from(["raw", "endorsements", "uvm_endorsements", "node_id"]),
        VALUES | st.binary(max_size=60).map(lambda b: base64.b64encode(b).decode()),
    ),
)
def test_nor_for_what_a_node_may_answer(kind: str, fields: dict[str, object]) -> None:
    tell(json.dumps({"format": kind, **fields}).encode())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_refuses_what_is_none(kind: str) -> None:
    with pytest.raises(CcfpyError):
        KINDS[kind].claims(Piece(label="it", format=kind, quote=b"\xff"))
