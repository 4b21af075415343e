"""Interpreters that serve requests, one after another."""

from collections.abc import Callable
from typing import cast

import pytest

from ccfpy.base.limits import JS_TICK_MS
from ccfpy.js.engine import (
    JsException,
    JsLimit,
    JsLimitExceeded,
    JsLimits,
    JsModuleFailed,
    Library,
)
from ccfpy.js.extension import ExtensionFunction
from ccfpy.js.quickjs import QuickJs
from ccfpy.js.quickjs.compiled import module
from tests.attacks import attack
from tests.unit.js.conftest import CountingClock


class Serving:
    """Serves without a request: gives what the function returns to the test."""

    source = """
        (function (python, tools) {
          tools.serve = (handler) => {
            const result = handler();
            return result instanceof Promise ? result : python.take(result);
          };
        })
    """

    def __init__(self) -> None:
        self.taken: list[object] = []

    def functions(self) -> dict[str, ExtensionFunction]:
        return {"take": cast("ExtensionFunction", self.taken.append)}


def resident(
    engine: QuickJs, **sources: str
) -> tuple[Callable[[str, str], object], Serving]:
    serving = Serving()
    library = Library({f"/{name}.js": source for name, source in sources.items()})
    interpreter = engine.interpreter(library, [serving], is_reused=True)

    def call(module: str, function: str) -> object:
        interpreter.serve(module, function, JsLimits())
        return serving.taken.pop()

    return call, serving


COUNTING = "globalThis.n = (globalThis.n ?? 0) + 1; export const f = () => ++n"


def test_a_module_is_run_once_in_an_interpreter_that_is_kept(engine: QuickJs) -> None:
    call, _ = resident(engine, m=COUNTING)
    assert [call("/m.js", "f") for _ in range(3)] == [2, 3, 4]


def test_modules_of_one_interpreter_share_what_they_import(engine: QuickJs) -> None:
    imports = "import * as shared from './shared.js'; export const f = shared.f;"
    call, _ = resident(engine, a=imports, b=imports, shared=COUNTING)
    assert [call("/a.js", "f"), call("/b.js", "f")] == [2, 3]


def test_a_module_that_cannot_be_loaded_leaves_no_other_in_its_place(
    engine: QuickJs,
) -> None:
    call, _ = resident(engine, good=COUNTING, bad="throw new Error('no')")
    assert call("/good.js", "f") == 2
    for _ in range(2):
        with pytest.raises(JsModuleFailed, match=r"^Failed to execute /bad.js: Error"):
            call("/bad.js", "f")
    with pytest.raises(JsModuleFailed, match="could not be loaded"):
        call("/none.js", "f")
    assert call("/good.js", "f") == 3


def test_a_module_whose_body_does_not_end_is_stopped() -> None:
    engine = QuickJs(CountingClock())
    with pytest.raises(JsLimitExceeded) as caught:
        resident(engine, m="for (;;);")[0]("/m.js", "f")
    assert caught.value.which is JsLimit.TIME


def test_limits_are_those_of_each_call(engine: QuickJs) -> None:
    serving = Serving()
    library = Library(
        {"/m.js": "export const f = () => new Uint8Array(1 << 22).length"}
    )
    interpreter = engine.interpreter(library, [serving], is_reused=True)
    interpreter.serve("/m.js", "f", JsLimits())
    with pytest.raises(JsLimitExceeded) as caught:
        interpreter.serve("/m.js", "f", JsLimits(heap_bytes_max=1 << 21))
    assert (caught.value.which, caught.value.reason) == (
        JsLimit.HEAP,
        "InternalError: out of memory",
    )
    interpreter.serve("/m.js", "f", JsLimits())
    assert serving.taken == [1 << 22, 1 << 22]


@pytest.mark.parametrize(
    "limits",
    [JsLimits(stack_bytes_max=100), JsLimits(heap_bytes_max=100)],
)
def test_limits_below_what_the_node_itself_needs_fail_the_call_alone(
    engine: QuickJs, limits: JsLimits
) -> None:
    interpreter = engine.interpreter(
        Library({"/m.js": COUNTING}), [Serving()], is_reused=True
    )
    with pytest.raises(JsLimitExceeded) as caught:
        interpreter.serve("/m.js", "f", limits)
    assert caught.value.trace in {None, ""}


def test_a_promise_is_waited_for_and_may_never_come(engine: QuickJs) -> None:
    never = "export const f = () => new Promise(() => {})"
    with pytest.raises(JsException, match="still pending"):
        resident(engine, m=never)[0]("/m.js", "f")


def test_a_call_knows_how_long_it_took(engine: QuickJs) -> None:
    interpreter = engine.interpreter(
        Library({"/m.js": COUNTING}), [Serving()], is_reused=True
    )
    interpreter.serve("/m.js", "f", JsLimits())
    assert interpreter.elapsed_ms > 0


@attack("applications: a script that looks for other calls' bytes in its buffers")
@pytest.mark.parametrize("is_caught", [False, True])
def test_globals_do_not_outlive_a_call_that_was_refused_memory(
    engine: QuickJs, is_caught: bool
) -> None:
    fill = "new Uint8Array(1 << 29);"
    if is_caught:
        fill = f"try {{ {fill} }} catch {{}}"
    source = f"{COUNTING}; export const fill = () => {{ ++n; {fill} return n; }}"
    call, _ = resident(engine, m=source)
    assert [call("/m.js", "f") for _ in range(2)] == [2, 3]
    if is_caught:
        assert call("/m.js", "fill") == 4
    else:
        with pytest.raises(JsLimitExceeded):
            call("/m.js", "fill")
    assert call("/m.js", "f") == 2


class Refused(Exception):
    """Raised by a host function."""


def test_globals_outlive_what_the_host_raised_unless_the_engine_broke_off(
    engine: QuickJs,
) -> None:
    serving = Serving()
    too_late = JsLimits().execution_ms_max // JS_TICK_MS + 9
    ticks = [too_late, 0]

    def take(value: int) -> None:
        serving.taken.append(value)
        if value > 2:
            for _ in range(ticks.pop()):
                module().tick()
            raise Refused

    serving.functions = lambda: {"take": take}  # type: ignore[method-assign]
    library = Library({"/m.js": COUNTING})
    interpreter = engine.interpreter(library, [serving], is_reused=True)

    def call() -> None:
        interpreter.serve("/m.js", "f", JsLimits())

    call()
    while ticks:
        with pytest.raises(Refused):
            call()
    call()
    assert serving.taken == [2, 3, 4, 2]
