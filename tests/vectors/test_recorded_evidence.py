"""Every quote in a ledger of SGX nodes, by the collateral recorded beside it."""

from collections.abc import Callable

from ccfpy.attestation.sgx import Policy, node_report_data, verify_sgx_quote
from ccfpy.attestation.sgx_collateral import SgxCollateral
from ccfpy.base import json
from ccfpy.service.tables.nodes import INFO, NODE_INFO, QuoteFormat
from tests.vectors.recording import Recording

LENIENT = Policy(takes_stale=True, takes_debugged=True)


def test_quotes_of_recorded_nodes_hold(recordings: Callable[[str], Recording]) -> None:
    debugged: dict[str, bool] = {}
    for seqno, node_id, written in recordings("sgx_service").writes(INFO.name):
        if not written:
            continue
        info = NODE_INFO.read(json.loads(written))
        quote = info.quote_info
        assert quote.format is QuoteFormat.OE_SGX_V1
        gathered = SgxCollateral.parse(quote.endorsements).created
        found = verify_sgx_quote(
            quote.quote,
            quote.endorsements,
            unix_time_s=int(gathered.timestamp()),
            policy=LENIENT,
        )
        assert node_report_data(found).hex() == node_id.decode(), seqno
        assert found.report.measurement.hex() == info.code_digest
        debugged[node_id.decode()] = found.report.is_debugged
    assert (len(debugged), sum(debugged.values())) == (9, 3)
