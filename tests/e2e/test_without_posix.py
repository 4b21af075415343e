"""A service on a Python that lacks what Windows lacks.

Nothing here says how Windows behaves.
"""

import json
from pathlib import Path

import pytest

from tests.lab.ports import free_ports
from tests.lab.without_posix import run_without_posix


@pytest.mark.newest
def test_a_sandbox_in_one_process_opens_and_its_ledger_is_verified(
    tmp_path: Path,
) -> None:
    (port,) = free_ports(1)
    where = "--workspace", tmp_path / "workspace", "-n", f"local://127.0.0.1:{port}"
    few = "--ledger-chunk-bytes", "20KB", "--auto-shutdown", "--json"
    command = "-m", "ccfpy.cli.main"
    done = run_without_posix(*command, "sandbox", *where, *few, cwd=tmp_path)
    facts = json.loads(done.stdout)
    assert "nothing separates its enclave from its host" in done.stderr
    ledger = Path(facts["node"]) / "0.ledger"
    assert list(ledger.glob("*.committed"))
    log = (Path(facts["node"]) / "out").read_text()
    assert "[fail ]" not in log
    run_without_posix(*command, "ledger", "verify", ledger, cwd=tmp_path)
