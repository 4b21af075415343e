"""What reading something costs, and that it may not cost much."""

import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

from tests.fuzz.parsers import REFUSALS

CPU_S_MAX = 0.1
MEMORY_BYTES_MAX = 64 << 20
ATTEMPTS = 3
"""A collection of garbage in between is nobody's fault: the best attempt counts."""


def read_or_refuse(parse: Callable[[bytes], object], data: bytes) -> None:
    """Read bytes; whatever the parser may raise is well, anything else is not."""
    spent = _cpu_s(parse, data)
    for _ in range(ATTEMPTS):
        if spent < CPU_S_MAX:
            return
        spent = _cpu_s(parse, data)
    raise AssertionError(f"{spent:.3f} s for {len(data)} bytes")


def _cpu_s(parse: Callable[[bytes], object], data: bytes) -> float:
    began = time.thread_time()
    with suppress(REFUSALS):
        parse(data)
    return time.thread_time() - began


def memory_peak(parse: Callable[[bytes], object], data: bytes) -> int:
    """Return how much memory reading some bytes takes at its height."""
    tracemalloc.start()
    try:
        with suppress(REFUSALS):
            parse(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak
