"""What the trusted process gives up, seen from outside it."""

import subprocess
import sys
from pathlib import Path

import pytest

REPORT = """
import os, resource, signal
from ccfpy.enclave.isolation import isolate
isolate(parent=os.getppid())
status = open("/proc/self/status").read()
ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
print(resource.getrlimit(resource.RLIMIT_CORE))
print(*(bool(ignored >> number - 1 & 1) for number in (signal.SIGINT, signal.SIGHUP)))
import ctypes
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has these")
def test_an_isolated_process_leaves_no_core_and_cannot_be_attached_to() -> None:
    result = subprocess.run(
        [sys.executable, "-c", REPORT], check=True, capture_output=True, text=True
    )
    assert result.stdout.splitlines() == ["(0, 0)", "True True", "0"]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has these")
def test_a_process_whose_parent_is_already_gone_ends() -> None:
    code = "from ccfpy.enclave.isolation import isolate; isolate(parent=0); print('on')"
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert result.stdout == ""


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_the_enclave_refuses_to_run_without_its_assertions(flag: str) -> None:
    result = subprocess.run(
        [sys.executable, flag, "-m", "ccfpy.enclave", "--app", "a", "--channel", "0"],
        check=False,
        capture_output=True,
        cwd=Path(__file__).parents[3],
    )
    assert result.returncode != 0
