"""An enclave gives back the memory of large requests that are over."""

import subprocess
import sys

import pytest

from ccfpy.base.limits import MEMORY_RETURNED_BYTES_MIN
from ccfpy.host.enclave_process import enclave_environment
from tests.attacks import attack

BODIES = """
import sys
from pathlib import Path

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

warm = [bytearray(24 << 20)]
del warm
before = resident()
bodies, kept = [bytearray() for _ in range(100)], []
for _ in range(31):
    for body in bodies:
        body += bytes(32 << 10)
        kept.append(bytes(2000))
held = resident() - before
del bodies
kept = kept[::50]
print(held, resident() - before)
"""
"""A hundred bodies that grow by turns, and small things between them that stay."""


@attack("fairness: large bodies, time and again")
@pytest.mark.skipif(sys.platform != "linux", reason="the C library is another")
def test_large_bodies_leave_little_behind() -> None:
    command = [sys.executable, "-c", BODIES]
    ran = subprocess.run(
        command, env=enclave_environment(), capture_output=True, check=True, text=True
    )
    held, left = map(int, ran.stdout.split())
    assert held > 90 << 20
    assert left < held // 5


def test_a_large_block_is_larger_than_what_each_request_needs() -> None:
    assert 32 * 1024 < MEMORY_RETURNED_BYTES_MIN < 1 << 20
