"""Times that a host may claim."""

from datetime import UTC, datetime

import pytest

from ccfpy.attestation.sgx import verify_sgx_quote, verify_sgx_quote_alone
from ccfpy.attestation.snp import verify_snp_report
from ccfpy.attestation.steps import as_datetime
from ccfpy.base.errors import Malformed
from tests.unit.attestation.hardware import chain_of, report_of
from tests.unit.attestation.test_sgx import recorded_evidence

BEYOND = (2**62, -(2**62), 10**12)


def test_a_time_is_utc() -> None:
    assert as_datetime(0) == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("unix_time_s", BEYOND)
def test_a_time_beyond_all_calendars_verifies_nothing(unix_time_s: int) -> None:
    with pytest.raises(Malformed, match="not a time"):
        as_datetime(unix_time_s)
    with pytest.raises(Malformed, match="not a time"):
        verify_snp_report(
            report_of("milan"), chain_of("milan"), unix_time_s=unix_time_s
        )
    quote, collateral = recorded_evidence()
    with pytest.raises(Malformed, match="not a time"):
        verify_sgx_quote(quote, collateral, unix_time_s=unix_time_s)
    with pytest.raises(Malformed, match="not a time"):
        verify_sgx_quote_alone(quote, unix_time_s=unix_time_s)
