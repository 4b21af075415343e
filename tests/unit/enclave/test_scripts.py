"""Loops inside the engine that look at no clock: they end all the same."""

import os
import subprocess
import sys
import time
from pathlib import Path

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


def _keep(place: Path, *options: str) -> str:
    """Run a process that found no kept engine, and is to keep one.

    Returns:
        How many threads it had then, and whether it kept the engine.
    """
    code = (
        "import os, sys; from pathlib import Path;"
        "from ccfpy.js.quickjs import compiled; compiled._KEPT = None;"
        "from ccfpy.enclave.scripts import keep_engine;"
        "place = Path(sys.argv[1]); keep_engine(place);"
        "print(len(os.listdir('/proc/self/task')), end=' ');"
        "made = place.read_bytes() if place.exists() else b'';"
        "code = compiled.module().serialize();"
        "whole = compiled.unpack(compiled._CODE, made) == code;"
        "print('kept' if whole else 'not kept')"
    )
    ran = subprocess.run(
        [sys.executable, *options, "-c", code, str(place)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
    )
    return ran.stdout.strip()


@pytest.mark.slow
def test_what_was_compiled_is_kept_and_no_thread_is_left(tmp_path: Path) -> None:
    """A thread from before a process gave up its rights would have them still."""
    place = tmp_path / "engine"
    place.write_bytes(b"an older one")
    assert _keep(place) == "1 kept"
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.slow
@pytest.mark.parametrize("case", ["python keeps nothing", "there is no folder"])
def test_nothing_is_kept_where_python_would_keep_nothing(
    tmp_path: Path, case: str
) -> None:
    is_asked_not_to = case == "python keeps nothing"
    place = tmp_path / ("" if is_asked_not_to else "missing") / "engine"
    assert _keep(place, *(["-B"] if is_asked_not_to else [])) == "1 not kept"
    assert list(tmp_path.iterdir()) == []
