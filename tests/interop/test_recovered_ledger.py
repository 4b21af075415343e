"""CCF's own tools follow the ledger of a service that was lost and recovered."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.recovered import Recovered, recovered_service
from tests.interop.environments import Tools


@pytest.fixture(scope="module")
def recovered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recovered]:
    """A service that is back, whose nodes have stopped."""
    with recovered_service(tmp_path_factory.mktemp("recovered")) as service:
        service.network.stop()
        yield service


def whole_ledger(recovered: Recovered, number: int, to: Path) -> Path:
    """Gather a node's files; the one that recovered left the beginning where it was."""
    shutil.copytree(recovered.nodes[number].ledger, to)
    if number == 0:
        for folder in recovered.remains.read_only:
            for file in folder.iterdir():
                shutil.copy(file, to)
    return to


@pytest.mark.parametrize("number", range(3))
def test_every_transaction_and_signature_of_both_services_verifies(
    recovered: Recovered, tools: Tools, tmp_path: Path, number: int
) -> None:
    folder = whole_ledger(recovered, number, tmp_path / "ledger")
    found: dict[str, Any] = json.loads(tools.answer("audit_ledger.py", folder))
    service = recovered.network.options.service_certificate.read_text()
    assert found["service_certificate"] == service
    assert found["service_status"] == "Open"
    view, seqno = map(int, found["verified_until"].split("."))
    assert view > recovered.written.view
    assert seqno > recovered.written.seqno
