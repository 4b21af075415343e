"""A process that is no node, told apart from one by what it leaves behind."""

import asyncio
import sys
from pathlib import Path

import pytest

from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.node import NodeFailed, NodeProcess


def _started(tmp_path: Path, code: str) -> NodeProcess:
    options = ServiceOptions(
        workspace=tmp_path,
        app="logging",
        constitution=(),
        program=(sys.executable, "-c", code),
    )
    node = NodeProcess(options, 7, Placement())
    node.prepare({}, trusted=None)
    node.start()
    return node


def test_a_node_that_ends_leaves_its_last_words(tmp_path: Path) -> None:
    node = _started(tmp_path, "print('x [fatal] y | too bad'); raise SystemExit(3)")
    with pytest.raises(NodeFailed, match="n7 ended with 3: too bad"):
        asyncio.run(node.wait_started())
    assert node.exit_code() == 3
    assert not node.is_alive
    node.stop()
    node.kill()


def test_a_node_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    node = _started(tmp_path, "import time; time.sleep(60)")
    try:
        with pytest.raises(NodeFailed, match=r"n7 did not start in 0\.1 s"):
            asyncio.run(node.wait_started(timeout_s=0.1))
        assert node.is_alive
    finally:
        node.kill()
    assert node.exit_code() == -9


def test_a_paused_node_is_alive_and_can_be_stopped(tmp_path: Path) -> None:
    node = _started(tmp_path, "import time; time.sleep(60)")
    node.pause()
    assert node.is_alive
    state = Path(f"/proc/{node.pid}/stat")
    if state.exists():
        assert state.read_text().split(")")[1].split()[0] in ("T", "R", "S", "D")
    node.stop()
    assert node.exit_code() == -15
    assert not node.is_paused
