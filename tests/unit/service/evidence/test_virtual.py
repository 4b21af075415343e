"""The evidence that a service trusts if a virtual node begins it."""

import pytest

from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.kv.tx import Tx
from ccfpy.service.evidence.quotes import VirtualQuote
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo
from tests.unit.attestation.evidence import virtual_evidence

EVIDENCE = virtual_evidence(public_key_der=b"key", executable_digest="AB" * 32)


def read(evidence: VirtualEvidence) -> VirtualQuote:
    return VirtualQuote.read(
        QuoteInfo(
            format=QuoteFormat.INSECURE_VIRTUAL,
            quote=evidence.quote(),
            endorsements=b"",
        )
    )


def test_the_first_nodes_own_values_are_trusted(tx: Tx) -> None:
    quote = read(EVIDENCE)
    quote.trust(tx, security_policy="not recorded here")
    measurement = EVIDENCE.measurement
    assert list(join_policy.VIRTUAL_MEASUREMENTS.of(tx).keys()) == [measurement]
    assert list(join_policy.VIRTUAL_HOST_DATA.of(tx).keys()) == ["ab" * 32]
    assert quote.measurement == measurement.encode()
    assert quote.report_data == EVIDENCE.report_data
    quote.check(tx)


@pytest.mark.parametrize("host_data", [None, "zz"])
def test_host_data_that_is_none_is_not_trusted(tx: Tx, host_data: str | None) -> None:
    odd = VirtualEvidence(measurement="m", host_data=host_data, report_data=b"")
    read(odd).trust(tx)
    assert list(join_policy.VIRTUAL_HOST_DATA.of(tx).keys()) == []
