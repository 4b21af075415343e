"""The operating system behind the ports."""

import mmap
import sys
from pathlib import Path

import pytest

from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.enclave.ports import SystemClock, SystemEntropy, SystemMemory


def test_random_bytes_are_as_many_as_asked_and_never_the_same() -> None:
    entropy = SystemEntropy()
    assert entropy.random_bytes(0) == b""
    assert len(entropy.random_bytes(33)) == 33
    assert entropy.random_bytes(32) != entropy.random_bytes(32)


def test_an_rsa_key_is_one_that_unwraps() -> None:
    key = RsaKeyPair.from_der(SystemEntropy().rsa_private_key(2048))
    assert key.unwrap(key.public_key.wrap(b"share")) == b"share"


def test_the_clock_does_not_go_back() -> None:
    clock = SystemClock()
    assert clock.monotonic_ns() <= clock.monotonic_ns()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells")
def test_memory_is_told_by_a_meter_that_stays_open() -> None:
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    memory = SystemMemory()
    first = memory.usage()
    data = memory.data_bytes()
    # Pages of the kernel's own: the allocator would hand out ones it kept.
    with mmap.mmap(-1, 32 << 20, flags=mmap.MAP_PRIVATE) as block:
        assert memory.data_bytes() - data < len(block) // 2, "only reserved"
        for page in range(0, len(block), mmap.PAGESIZE):
            block[page] = 1
        second = memory.usage()
        assert second.current_bytes - first.current_bytes > len(block) // 2
        assert memory.data_bytes() - data > len(block) // 2
    assert second.peak_bytes >= second.current_bytes
    assert len(list(descriptors.iterdir())) == before + 1
    del memory
    assert len(list(descriptors.iterdir())) == before
