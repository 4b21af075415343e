"""The benchmark of newcomers compares what it measured of two services, in pairs."""

import pytest

from benchmarks.newcomers import CPU_TO_CCF, SERVED_TO_CCF, Arrival, Turn, ratios


def _turn(cpu_ms: float, served_s: float) -> Turn:
    return Turn(cpu_ms=cpu_ms, arrival=Arrival(served_s=served_s, p99_ms=20.0))


def test_each_pair_is_one_ratio_of_ccfpy_to_ccf() -> None:
    pairs = [(_turn(1.5, 2.0), _turn(2.0, 4.0)), (_turn(3.0, 3.0), _turn(2.0, 2.0))]
    cpu, served = ratios(pairs, "7.0.0")
    assert cpu.values == pytest.approx((0.75, 1.5))
    assert served.values == pytest.approx((0.5, 1.5))
    assert (cpu.budget, served.budget) == (CPU_TO_CCF, SERVED_TO_CCF)
    assert all("CCF 7.0.0" in figure.name for figure in (cpu, served))
