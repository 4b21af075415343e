"""A host's process looks for garbage rarely, and leaves what it began with alone."""

import subprocess
import sys

import pytest

from ccfpy.host.main import GC_THRESHOLDS

PROGRAM = """
import gc
from pathlib import Path
import ccfpy.host.main
from ccfpy.cli.node import run_node

def run(*words, **names):
    print(*gc.get_threshold(), gc.get_freeze_count() > 1000)
    return 7

ccfpy.host.main.run = run
raise SystemExit(run_node("app", [], program=Path("program")))
"""


@pytest.mark.newest
def test_the_process_of_a_node_collects_rarely() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.split() == [*map(str, GC_THRESHOLDS), "True"]
