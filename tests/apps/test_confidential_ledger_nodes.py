"""A confidential ledger of three nodes, of which any answers and one is lost."""

import pytest

from ccfpy.testing.apps import Caller, Service
from tests.apps.confidential import MARK, append, listed, path


@pytest.mark.slow
@pytest.mark.ccf(**MARK, nodes=3)
def test_any_node_reads_and_a_killed_primary_is_not_missed(
    ccf_service: Service, ccf_user: Caller
) -> None:
    written = append(ccf_user, "first", tags="red")
    ccf_service.wait_committed(written)
    below = path(f"transactions/{written.txid}")
    for node in ccf_service.nodes:
        read = ccf_user.at(node).get_past(below).object()
        assert read["state"] == "Ready"
        receipt = ccf_user.at(node).get(path(f"transactions/{written.txid}/receipt"))
        assert receipt.object()["state"] == "Ready"

    ccf_service.kill(ccf_service.wait_primary())
    primary = ccf_service.wait_primary()
    second = append(ccf_user.at(primary), "second", tags="red")
    ccf_service.wait_committed(second)
    entries = listed(ccf_service, ccf_user, "transactions", "entries", tag="red")
    assert [entry["contents"] for entry in entries] == ["first", "second"]
