import pytest

from ccfpy.devtools.stage import TracingEngine
from ccfpy.js.engine import JsException, JsLimits, Library, Program
from ccfpy.js.extension import ExtensionFunction


class Clock:
    """Time that passes, a millisecond a look, until a call is under way."""

    def __init__(self) -> None:
        self.looks = 0

    def monotonic_ns(self) -> int:
        self.looks += 1
        return 1_000_000 * min(self.looks, LOOKS)


class Serving:
    """Calls a handler with nothing, and drops what it gives."""

    source = "(function (python, tools) { tools.serve = (f) => { f(); }; })"

    def functions(self) -> dict[str, ExtensionFunction]:
        return {}


LOOKS = 3
SOURCE = "export const ok = () => 7;\nexport const bad = () => null.x;\n"


def _traced() -> TracingEngine:
    return TracingEngine(Clock())


def test_what_a_served_call_threw_is_kept_with_its_columns() -> None:
    engine = _traced()
    interpreter = engine.interpreter(
        Library({"/m.js": SOURCE}), [Serving()], is_reused=True
    )
    with pytest.raises(JsException) as raised:
        interpreter.serve("/m.js", "bad", JsLimits())
    assert engine.last.thrown is raised.value
    assert "m.js:2:30" in (raised.value.trace or "")
    assert engine.last.elapsed_ms == interpreter.elapsed_ms == 1
    engine.last.begin()
    assert engine.last.thrown is None


def test_a_call_that_went_well_leaves_its_time_only() -> None:
    engine = _traced()
    interpreter = engine.interpreter(
        Library({"/m.js": SOURCE}), [Serving()], is_reused=True
    )
    interpreter.serve("/m.js", "ok", JsLimits())
    assert engine.last.thrown is None
    assert engine.last.elapsed_ms == interpreter.elapsed_ms == 1


def test_all_else_is_the_engines_own() -> None:
    engine = _traced()
    program = Program(name="/m.js", source=SOURCE)
    assert (
        engine.call_export(program, "ok", [], extensions=[], limits=JsLimits()) == "7"
    )
    assert engine.parameter_count(program, "ok", limits=JsLimits()) == 0
    assert engine.last.thrown is None
