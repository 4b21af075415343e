"""Nobody loses a ledger by starting a sandbox."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ccfpy.cli.earlier_run import kept_at, set_aside
from ccfpy.cli.errors import CommandFailed
from ccfpy.local.configuration import ServiceOptions


@pytest.fixture
def options(tmp_path: Path) -> ServiceOptions:
    return ServiceOptions(
        workspace=tmp_path, label="sandbox", app="logging", constitution=(), program=()
    )


def run_before(options: ServiceOptions, content: str, *, nodes: int = 2) -> None:
    """Leave what a run leaves: nodes with a ledger, keys, and where nodes listened."""
    options.shared.mkdir(exist_ok=True)
    (options.shared / "member0_privk.pem").write_text(content)
    (options.shared / "0.rpc_addresses").write_text("{}")
    for number in range(nodes):
        ledger = options.folder(number) / f"{number}.ledger"
        ledger.mkdir(parents=True)
        (options.folder(number) / f"{number}.config.json").write_text("{}")
        (ledger / "ledger_1").write_text(content)


def test_a_first_run_sets_nothing_aside(options: ServiceOptions) -> None:
    assert set_aside(options) is None
    assert not list(options.workspace.iterdir())


def test_ledgers_and_keys_of_the_last_run_are_kept(options: ServiceOptions) -> None:
    for content in ("first", "second"):
        run_before(options, content)
        kept = set_aside(options)
        assert kept == kept_at(options.workspace, "sandbox")
        assert not options.folder(0).exists()
        assert (kept / "sandbox_1" / "1.ledger" / "ledger_1").read_text() == content
        assert (kept / "sandbox_common/member0_privk.pem").read_text() == content
    assert not list(options.shared.glob("*.rpc_addresses"))
    assert sorted(path.name for path in options.workspace.iterdir()) == [
        "sandbox_common",
        "sandbox_earlier",
    ]


def test_a_smaller_run_leaves_no_node_of_a_larger_one(options: ServiceOptions) -> None:
    run_before(options, "three", nodes=3)
    set_aside(options)
    run_before(options, "one", nodes=1)
    kept = set_aside(options)
    assert kept is not None
    assert sorted(path.name for path in kept.iterdir()) == [
        "sandbox_0",
        "sandbox_common",
    ]


def test_a_running_node_keeps_its_ledger(options: ServiceOptions) -> None:
    run_before(options, "running")
    (options.folder(1) / "node.pid").write_text(str(os.getpid()))
    with pytest.raises(
        CommandFailed, match=f"still runs in .* as process {os.getpid()}"
    ):
        set_aside(options)
    assert (options.folder(0) / "0.ledger" / "ledger_1").read_text() == "running"


def test_a_node_that_was_killed_is_no_hindrance(options: ServiceOptions) -> None:
    run_before(options, "killed")
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    (options.folder(0) / "node.pid").write_text(str(ended.pid))
    assert set_aside(options) is not None


def test_a_folder_that_is_no_nodes_is_left_alone(options: ServiceOptions) -> None:
    run_before(options, "content")
    photos = options.workspace / "sandbox_2024"
    photos.mkdir()
    with pytest.raises(CommandFailed, match="is no node's folder: move it away"):
        set_aside(options)
    assert photos.is_dir()
    assert options.folder(0).is_dir()
