"""Functions that an application lets scripts call are under the limits of Python."""

from collections.abc import Callable, Mapping
from typing import NoReturn

import pytest

from ccfpy.base.app_threads import AppThreads
from ccfpy.base.ports import CallStopped, Given, Result
from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.js.extension import ExtensionFunction
from ccfpy.js.serving.script_context import Limited


class Greeting:
    """An extension with one function."""

    source = "(python) => ({greet: python.greet})"

    def functions(self) -> Mapping[str, ExtensionFunction]:
        return {"greet": lambda name, mark: f"hello {name}{mark}"}


class Impatient(AppThreads):
    """Threads that let nothing be called."""

    def call(
        self,
        function: Callable[[Given], Result],
        given: Given,
        execution_ms_max: int,
        memory_bytes_max: int,
        taken_up_ns: int = 0,
    ) -> NoReturn:
        del function, given, execution_ms_max, memory_bytes_max, taken_up_ns
        raise CallStopped("it took too long", is_late=True)


def test_a_function_is_called_as_before() -> None:
    limited = Limited(Greeting(), AppCalls())
    assert limited.source == Greeting.source
    assert limited.functions()["greet"]("you", "!") == "hello you!"


def test_a_function_may_be_stopped() -> None:
    limited = Limited(Greeting(), AppCalls(Impatient()))
    with pytest.raises(CallStopped):
        limited.functions()["greet"]("you", "!")
