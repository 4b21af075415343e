"""Loops inside the engine that look at no clock: they end all the same."""

import time

import pytest

from ccfpy.enclave.scripts import attend_scripts
from ccfpy.js.engine import JsLimit, JsLimitExceeded, JsLimits, Program
from ccfpy.js.quickjs import QuickJs

LOOPS = {
    "a text in a longer one": "'a'.repeat(1 << 22).indexOf('a'.repeat(1 << 21) + 'b')",
    "indexOf": "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)",
    "join": "Array.prototype.join.call({ length: 2 ** 31 - 1 }, '')",
    "sort": "(() => { const a = []; a[2 ** 32 - 2] = 1; return a.sort() })()",
    "copyWithin": "Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 0, 1)",
    "concat": "(() => { const a = []; a.length = 2 ** 32 - 1; return a.concat(a) })()",
}


class Clock:
    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


@pytest.fixture(scope="module")
def engine() -> QuickJs:
    attend_scripts()
    return QuickJs(Clock())


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_a_loop_in_the_engine_ends_with_its_time(engine: QuickJs, loop: str) -> None:
    program = Program(name="m", source=f"export const f = () => {{ {loop} }}")
    limits = JsLimits(execution_ms_max=100)
    with pytest.raises(JsLimitExceeded) as caught:
        engine.call_export(program, "f", [], extensions=[], limits=limits)
    assert caught.value.which is JsLimit.TIME
    well = Program(name="m", source="export const f = () => 'well'")
    assert engine.call_export(well, "f", [], extensions=[], limits=limits) == '"well"'


def test_attending_twice_is_attending_once() -> None:
    assert attend_scripts() is attend_scripts()
