"""What a process takes, as Linux says it."""

import os
import subprocess
import sys
import time

import pytest

from ccfpy.host.process_usage import usage_of

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="other systems have no /proc"
)


def test_this_process_takes_something() -> None:
    usage = usage_of(os.getpid())
    assert usage is not None
    assert usage.resident_bytes > 1 << 20
    assert usage.cpu_ns > 0
    assert usage.open_files
    assert 0 < time.time() - usage.started_ns / 1e9 < 1e6


def test_a_process_that_is_gone_takes_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert usage_of(gone.pid) is None
