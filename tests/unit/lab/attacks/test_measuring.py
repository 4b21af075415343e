"""The measured cost of this test's own process and folder."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.lab.attacks.measuring import (
    children,
    cpu_s,
    folder_bytes,
    processes_of,
    resident_bytes,
)

NOBODY = 0
"""No process has this id."""


def test_a_process_is_charged_for_what_it_used() -> None:
    me = os.getpid()
    before_s = cpu_s(me)
    while time.process_time() < before_s + 0.1:
        pass
    assert cpu_s(me) > before_s
    assert abs(cpu_s(me) - time.process_time()) < 1
    assert resident_bytes(me) > 1 << 20


def test_a_process_that_is_gone_costs_nothing() -> None:
    assert (cpu_s(NOBODY), resident_bytes(NOBODY), children(NOBODY)) == (0.0, 0, ())
    assert processes_of([]) == ()


def test_children_are_found() -> None:
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        assert child.pid in children(os.getpid())
        assert child.stdin is not None
        child.stdin.close()


def test_a_folder_is_as_large_as_its_files(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "a").write_bytes(bytes(10))
    (tmp_path / "below/b").write_bytes(bytes(7))
    assert folder_bytes(tmp_path) == 17
