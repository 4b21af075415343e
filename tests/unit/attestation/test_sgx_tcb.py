"""How processors and quoting enclaves are rated, on what Intel really said."""

import pytest

from ccfpy.attestation.sgx_collateral import SgxCollateral
from ccfpy.attestation.sgx_quote import SgxQuote
from ccfpy.attestation.sgx_tcb import PckClaims, enclave_status, platform_status
from tests.unit.attestation.hardware import recorded

COLLATERAL = SgxCollateral.parse(recorded("sgx_node.collateral"))
QUOTE = SgxQuote.parse(recorded("sgx_node.quote"))


@pytest.mark.parametrize(
    ("components", "pce_svn", "status"),
    [
        ((4, 4, 3, 3, 255, 255), 10, "UpToDate"),
        ((7, 9, 3, 3, 255, 255), 13, "UpToDate"),
        ((3, 4, 3, 3, 255, 255), 10, "OutOfDate"),
        ((4, 4, 3, 3, 255, 255), 9, "OutOfDate"),
        ((3, 3, 3, 3, 255, 255), 5, "OutOfDate"),
    ],
)
def test_the_first_level_that_every_part_reaches_counts(
    components: tuple[int, ...], pce_svn: int, status: str
) -> None:
    processor = PckClaims(
        fmspc=bytes.fromhex("00606a000000"),
        pce_id=bytes(2),
        components=(*components, *[0] * 10),
        pce_svn=pce_svn,
    )
    assert platform_status(COLLATERAL.tcb_info.content, processor) == status


def test_intels_quoting_enclave_is_known() -> None:
    identity = COLLATERAL.qe_identity.content
    assert enclave_status(identity, QUOTE.qe_report) == "UpToDate"
