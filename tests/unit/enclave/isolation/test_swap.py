"""Memory is locked where the machine allows it; otherwise the reason is said."""

import sys

import pytest

from tests.unit.enclave.isolation.processes import told

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux has these")

BEGIN = """
import resource
from ccfpy.enclave.isolation import privileges, swap
def locked():
    status = open("/proc/self/status").read()
    return int(status.partition("VmLck:")[2].split()[0]) > 0
"""


def test_all_memory_is_locked_and_what_is_mapped_later_too() -> None:
    code = (
        BEGIN
        + """
import mmap
try:
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY,) * 2)
except ValueError:
    say("not allowed")
else:
    say(swap.keep_out() == swap.LOCKED and locked())
    # Gigabytes that nobody uses take no memory, and no right is needed for them.
    privileges.drop_capabilities()
    held = mmap.mmap(-1, 8 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    held[0] = 1
    say(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1 << 20)
"""
    )
    assert told(code) in (["True", "True"], ["not allowed"])


def test_what_stands_in_the_way_is_said() -> None:
    code = (
        BEGIN
        + """
resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 16, 1 << 16))
privileges.drop_capabilities()
say(swap.keep_out())
say(locked())
"""
    )
    reason, is_locked = told(code)
    assert reason.startswith(
        "memory is not locked, since RLIMIT_MEMLOCK is 64 KiB and would have to be "
        "unlimited; "
    )
    assert reason.endswith(("it may be swapped", "the machine has no swap now"))
    assert is_locked == "False"


def test_a_kernel_that_refuses_is_quoted() -> None:
    code = (
        BEGIN
        + """
import errno
from tests.unit.enclave.isolation.older_kernel import take_away
privileges.renounce_new_privileges()
take_away("mlockall", errno.EPERM)
resource.getrlimit = lambda _: (resource.RLIM_INFINITY,) * 2
say(swap.keep_out())
"""
    )
    (reason,) = told(code)
    assert "memory is not locked, since the kernel says 'Operation not" in reason
