"""Rights and means, given up one at a time."""

import sys

import pytest

from tests.unit.enclave.isolation.processes import told

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux has these")

BEGIN = "from ccfpy.enclave.isolation import privileges\n"


def _status(name: str) -> str:
    return f"say(open('/proc/self/status').read().partition('{name}:')[2].split()[0])\n"


def test_new_privileges_are_renounced_for_good() -> None:
    code = BEGIN + "privileges.renounce_new_privileges()\n" + _status("NoNewPrivs")
    assert told(code) == ["1"]


def test_no_capability_remains() -> None:
    names = ("CapInh", "CapPrm", "CapEff")
    code = BEGIN + "privileges.drop_capabilities()\n" + "".join(map(_status, names))
    assert {int(line, 16) for line in told(code)} == {0}


def test_nothing_more_can_be_opened_nor_grow() -> None:
    code = (
        BEGIN
        + """
import tempfile
file = tempfile.TemporaryFile(buffering=0)
privileges.limit()
say(outcome(lambda: open("/dev/null")))
say(outcome(lambda: os.pipe()))
say(outcome(lambda: file.write(b"x")))
"""
    )
    assert told(code) == [
        "Too many open files",
        "Too many open files",
        "File too large",
    ]
