"""Ends nodes that a command left running, and that are no children of this process."""

import os
import signal
from pathlib import Path

from tests.e2e.running import wait_until


def runs(pid: int) -> bool:
    """Return whether a process, possibly not yet waited for, has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # the latter, while it is read
        return False
    return state != "Z"


def stop_nodes_below(folder: Path) -> None:
    """End the nodes whose folders are below a workspace, and wait for their ends."""
    for path in folder.glob("workspace/*/node.pid"):
        pid = int(path.read_text())
        if runs(pid):
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda pid=pid: not runs(pid), what="the node to end")  # type: ignore[misc]
