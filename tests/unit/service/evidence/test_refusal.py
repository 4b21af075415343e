"""The answers to refused evidence."""

import pytest

from ccfpy.service.evidence.kind import QuoteFault, QuoteRefused


@pytest.mark.parametrize("fault", QuoteFault)
def test_each_fault_has_ccfs_text_and_status(fault: QuoteFault) -> None:
    refused = QuoteRefused(fault, "for the log")
    assert (str(refused), refused.detail) == (fault.value, "for the log")
    expected = 500 if fault.value.startswith("Unknown") else 401
    assert fault.status == expected
