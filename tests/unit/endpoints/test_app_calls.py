"""An application's code is called within limits, and what it answers is looked at."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from ccfpy.base import limits
from ccfpy.base.app_threads import AppThreads
from ccfpy.base.errors import Unwritable
from ccfpy.base.ports import Given, Result
from ccfpy.endpoints.app_calls import (
    UNLIMITED,
    AppCalls,
    Escaped,
    check_answer,
    check_size,
)
from ccfpy.endpoints.awaited import Answer, Awaited
from ccfpy.http.messages import Response
from tests.attacks import attack


@dataclass
class Noted(AppThreads):
    """Threads that note the limits of each call."""

    limits: list[tuple[int, int]] = field(default_factory=list)

    def call(
        self,
        function: Callable[[Given], Result],
        given: Given,
        execution_ms_max: int,
        memory_bytes_max: int,
        taken_up_ns: int = 0,
    ) -> Result:
        del taken_up_ns
        self.limits.append((execution_ms_max, memory_bytes_max))
        return function(given)


def test_a_call_has_its_own_limit_or_everybodys() -> None:
    threads = Noted()
    calls = AppCalls(threads)
    memory = limits.APP_MEMORY_BYTES_MAX
    assert calls.call(len, "four") == 4
    assert calls.call(len, "four", 7) == 4
    calls.limits.execution_ms_max = 9
    assert calls.call(len, "four") == 4
    assert threads.limits == [(1000, memory), (7, memory), (9, memory)]


def test_what_is_limited_elsewhere_is_not_watched() -> None:
    threads = Noted()
    assert AppCalls(threads).call(len, "four", UNLIMITED) == 4
    assert threads.limits == []


@attack("applications: a handler that ends the program")
@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit, BaseException])
def test_what_ends_a_program_is_an_error_as_any(kind: type[BaseException]) -> None:
    def leave(_: object) -> None:
        raise kind("private")

    with pytest.raises(Escaped, match=f"^{kind.__name__}$"):
        AppCalls().call(leave, None)


def test_whoever_debugs_may_interrupt_it() -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        AppCalls().call(interrupted, None)


def test_an_answer_may_be_so_large() -> None:
    check_size(Response(status=200, body=b"four"), 4)
    with pytest.raises(Unwritable, match="5 bytes, where 4 are allowed"):
        check_size(Response(status=200, body=b"fives"), 4)


@pytest.mark.parametrize("answer", [Response(status=200), Awaited()])
def test_what_is_an_answer_is_returned(answer: Answer) -> None:
    assert check_answer(answer) is answer


@attack("applications: an answer that nobody can send")
@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        {"status": 200, "body": "text"},
        {"status": "200"},
        {"status": 200, "headers": {"a": 1}},
        {"status": 200, "headers": {1: "a"}},
        {"status": 200, "headers": [("a", "b")]},
        {"status": 200, "trailers": {"a": 1}},
        {"status": 200, "trailers": {1: "a"}},
        {"status": 200, "trailers": [("a", "b")]},
    ],
)
def test_what_is_no_answer_is_refused(answer: Any) -> None:  # noqa: ANN401 - anything
    # Compiled, a response does not even take values of other types.
    with pytest.raises((Unwritable, TypeError)):
        check_answer(Response(**answer) if isinstance(answer, dict) else answer)
