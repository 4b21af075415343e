"""The information that a process reveals by itself."""

import sys

import pytest

from tests.unit.enclave.isolation.processes import told

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="seen through /proc")


def test_nothing_of_the_environment_remains() -> None:
    code = """
import ctypes
from ccfpy.enclave.isolation import confinement as traces
say(b"hidden" in open("/proc/self/environ", "rb").read())
traces.forget_environment()
say(open("/proc/self/environ", "rb").read().strip(b"\\0"))
say(dict(os.environ))
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
say(getenv(b"SECRET"))
os.environ["LATER"] = "can be set"
say(getenv(b"LATER"))
"""
    lines = told(code, SECRET="hidden")
    assert lines == ["True", "b''", "{}", "None", "b'can be set'"]


def test_an_environment_that_was_empty_is_no_trouble() -> None:
    code = """
from ccfpy.enclave.isolation import confinement as traces
os.environ.clear()
traces.forget_environment()
say("on")
"""
    assert told(code) == ["on"]


def test_streams_lead_nowhere_and_a_fault_prints_nothing() -> None:
    code = """
import faulthandler
from ccfpy.enclave.isolation import confinement as traces
faulthandler.enable()
traces.silence()
say(faulthandler.is_enabled())
for stream in range(3):
    say(os.readlink(f"/proc/self/fd/{stream}"))
print("to nobody", flush=True)
print("to nobody", file=sys.stderr, flush=True)
say(repr(sys.stdin.read()))
"""
    assert told(code) == ["False", *["/dev/null"] * 3, "''"]
