"""What the trusted process gives up, seen from a process that has given it up."""

import subprocess
import sys
from pathlib import Path

import pytest

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux has these")

AT_ONCE = """
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

CONFINED = """
import os, sys
def say(text):
    os.write(3, f"{text}\\n".encode())
os.dup2(1, 3)
from ccfpy.enclave.isolation import confine
"""


def told(code: str, **environment: str) -> list[str]:
    """Give the lines that a process says while it runs some code."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[4]), **environment},
    )
    assert result.stderr == ""
    return result.stdout.splitlines()


@on_linux
def test_an_isolated_process_leaves_no_core_and_cannot_be_attached_to() -> None:
    assert told(AT_ONCE) == ["(0, 0)", "True True", "0"]


@on_linux
def test_a_process_whose_parent_is_already_gone_ends() -> None:
    code = "from ccfpy.enclave.isolation import isolate; isolate(parent=0); print('on')"
    assert told(code) == []


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_the_enclave_refuses_to_run_without_its_assertions(flag: str) -> None:
    result = subprocess.run(
        [sys.executable, flag, "-m", "ccfpy.enclave", "--app", "a", "--channel", "0"],
        check=False,
        capture_output=True,
        cwd=Path(__file__).parents[4],
    )
    assert result.returncode != 0


@on_linux
def test_it_says_what_is_in_force() -> None:
    (line,) = told(CONFINED + "say(confine())")
    assert line.startswith("Isolation")
    assert "no_new_privs" in line
    assert "rlimits" in line


def test_it_can_be_turned_off_and_says_so() -> None:
    code = (
        CONFINED + "i = confine(); open(os.devnull).close(); say(i); say(i.log().level)"
    )
    line, level = told(code, CCFPY_ENCLAVE_ISOLATION="off")
    assert line.startswith(
        "Isolation is reduced: turned off by CCFPY_ENCLAVE_ISOLATION"
    )
    assert level == "fail"


def test_any_other_word_does_not_turn_it_off() -> None:
    (line,) = told(CONFINED + "say(confine())", CCFPY_ENCLAVE_ISOLATION="no")
    assert "turned off" not in line
