"""Limits: what can be set, and that this process's system enforces it."""

import resource
import signal
import subprocess
import sys
from dataclasses import fields, replace

import pytest

from ccfpy.base.limits import MIB
from ccfpy.boundary.lifecycle import ResourceLimit
from ccfpy.toolkit.enclave.program import (
    Limits,
    LimitsRefused,
    NoTimer,
    SystemTimer,
    call_seconds,
    timer_of,
)
from tests.house.tree import ROOT

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux enforces them")


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("memory_bytes_max", 1),
        ("call_cpu_ms_max", 1),
        ("cpu_s_max", 1),
        ("recursion_frames_max", 50),
        ("calls_at_once_max", 1),
        ("calls_waiting_max", 0),
        ("calls_within_max", 0),
    ],
)
def test_a_limit_has_a_least_value(name: str, least: int) -> None:
    assert getattr(replace(Limits(), **{name: least}), name) == least
    with pytest.raises(LimitsRefused):
        replace(Limits(), **{name: least - 1})


def test_every_limit_is_in_the_text_that_is_measured() -> None:
    lines = Limits().text.splitlines()
    assert [line.split()[0] for line in lines] == [it.name for it in fields(Limits)]
    assert Limits().text != replace(Limits(), calls_waiting_max=1).text


def test_what_an_end_is_told_for_is_the_name_of_its_setting() -> None:
    assert {limit.value for limit in ResourceLimit} < {
        field.name for field in fields(Limits)
    }


def test_a_call_without_a_limit_has_no_timer() -> None:
    assert isinstance(timer_of(Limits(call_cpu_ms_max=None)), NoTimer)
    assert isinstance(timer_of(Limits(call_cpu_ms_max=1)), SystemTimer)
    assert call_seconds(Limits(call_cpu_ms_max=1500)) == 1.5


def test_a_paused_timer_says_what_is_left_and_lets_live() -> None:
    timer = SystemTimer()
    timer.begin(1000)
    assert 900 < timer.pause() < 1001
    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)


def test_a_call_with_nothing_left_still_has_a_timer() -> None:
    asked = []
    before = signal.signal(signal.SIGPROF, lambda *_: asked.append(1))
    try:
        SystemTimer().begin(0)
        while not asked:
            pass
    finally:
        SystemTimer().pause()
        signal.signal(signal.SIGPROF, before)


IMPOSE = """
import signal, sys
from ccfpy.toolkit.enclave.program import Limits, LimitsRefused
from ccfpy.toolkit.enclave.program import impose, impose_recursion
signal.signal(signal.SIGPROF, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXCPU})
limits = Limits(memory_bytes_max=%d, cpu_s_max=3, recursion_frames_max=77)
try:
    impose(limits)
except LimitsRefused as refused:
    print(refused)
    sys.exit()
impose_recursion(limits)
import resource
print(resource.getrlimit(resource.RLIMIT_DATA), resource.getrlimit(resource.RLIMIT_CPU))
print(sys.getrecursionlimit(), signal.getsignal(signal.SIGPROF) is signal.SIG_DFL)
print(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""


def _imposed(memory: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", IMPOSE % memory],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return done.stdout.splitlines()


@LINUX
def test_limits_are_the_systems_whatever_the_host_had_set() -> None:
    most = 200 * MIB
    assert _imposed(most) == [
        f"({most}, {most}) (3, 4)",
        "77 True",
        "set()",
    ]
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] != most


@LINUX
def test_a_limit_below_what_is_there_already_is_refused_with_the_least() -> None:
    (said,) = _imposed(1 * MIB)
    assert said.startswith(
        "memory_bytes_max is 1048576, and the enclave does not begin"
    )
    least = int(said.rpartition(" ")[2])
    assert 4 * MIB < least < 200 * MIB
