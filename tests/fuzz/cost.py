"""Measures the cost of reading bytes, and bounds it."""

import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

from tests.fuzz.parsers import REFUSALS

CPU_S_MAX = 0.1
MEMORY_BYTES_MAX = 64 << 20
ATTEMPTS = 3
"""A garbage collection meanwhile is no fault of the parser: the best attempt counts."""


def read_or_refuse(parse: Callable[[bytes], object], data: bytes) -> None:
    """Read bytes. The parser's documented exceptions are allowed, and no others."""
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
    """Return the peak of memory while some bytes are read."""
    tracemalloc.start()
    try:
        with suppress(REFUSALS):
            parse(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak
