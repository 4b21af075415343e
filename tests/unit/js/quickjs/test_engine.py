"""The engine: what crosses, how guests fail, and that one call never harms the next."""

import contextlib
import json
import re
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.app_threads import AppThreads
from ccfpy.base.limits import JS_REASON_CHARS_MAX
from ccfpy.js.engine import (
    JsException,
    JsLimit,
    JsLimitExceeded,
    JsLimits,
    JsModuleFailed,
    Program,
)
from ccfpy.js.extension import ExtensionFunction, internal_error, type_error
from ccfpy.js.quickjs import TIMED_OUT, QuickJs, compile_module
from tests.unit.js.conftest import CountingClock

UNHURRIED = JsLimits(execution_ms_max=60_000)
"""On a crowded machine a hog may take seconds until it meets its own limit."""
SMALL_HEAP = replace(UNHURRIED, heap_bytes_max=4 << 20)


@dataclass
class Functions:
    """An extension whose host functions become globals."""

    table: Mapping[str, ExtensionFunction] = field(default_factory=dict)
    source: str = "(python) => { for (const n in python) globalThis[n] = python[n]; }"

    def functions(self) -> Mapping[str, ExtensionFunction]:
        return self.table


def run(
    engine: QuickJs,
    source: str,
    *arguments: object,
    limits: JsLimits | None = None,
    imports: Mapping[str, str] | None = None,
    **functions: ExtensionFunction,
) -> object:
    program = Program(name="main[0]", source=source, imports=imports or {})
    text = engine.call_export(
        program,
        "f",
        arguments,  # type: ignore[arg-type]  # tests pass plain objects
        extensions=[Functions(functions)],
        limits=limits or JsLimits(),
    )
    return None if text is None else json.loads(text)


def test_arguments_and_results_cross_as_values(engine: QuickJs) -> None:
    source = "export const f = (a, b, c) => [a, b.length, c.byteLength, typeof a]"
    assert run(engine, source, "é\0", [1, None], b"\xff\0") == ["é\0", 2, 2, "string"]


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    ).filter(lambda value: not isinstance(value, str))
)
def test_any_json_argument_comes_back_unchanged(value: object) -> None:
    engine = QuickJs(CountingClock())
    assert run(engine, "export const f = (a) => a", value) == value


def test_a_key_named_proto_is_data(engine: QuickJs) -> None:
    source = "export const f = (a) => [Object.keys(a), a.x === undefined]"
    assert run(engine, source, {"__proto__": {"x": 1}}) == [["__proto__"], True]


@pytest.mark.parametrize("result", ["undefined", "() => 1", "Symbol()"])
def test_what_has_no_json_form_is_none(engine: QuickJs, result: str) -> None:
    assert run(engine, f"export const f = () => {result}") is None


def test_an_error_gives_its_reason_and_where_it_was_thrown(engine: QuickJs) -> None:
    with pytest.raises(JsException) as caught:
        run(engine, 'export function f() { throw new Error("hm") }')
    assert caught.value.reason == "Error: hm"
    assert caught.value.trace is not None
    assert caught.value.trace.startswith("    at f (main[0]:1:")
    assert "<ccf>" not in caught.value.trace


def test_an_exceptions_text_is_bounded(engine: QuickJs) -> None:
    with pytest.raises(JsException) as caught:
        run(engine, "export function f() { throw new Error('x'.repeat(1e6)) }")
    assert len(caught.value.reason) == JS_REASON_CHARS_MAX
    assert caught.value.trace is not None


def test_a_module_body_may_throw_like_a_function(engine: QuickJs) -> None:
    with pytest.raises(JsException) as caught:
        run(engine, "throw new Error('hm'); export function f() {}")
    assert caught.value.reason == "Error: hm"
    assert "at <anonymous> (main[0]:1:" in (caught.value.trace or "")


@pytest.mark.parametrize(
    ("thrown", "reason"),
    [
        ("{a: 1}", '{"a":1}'),
        ("'text'", "text"),
        ("Symbol('s')", "Symbol(s)"),
        ("null", "null"),
        ("undefined", "undefined"),
        ("{toJSON() { throw 1 }}", ""),
        ("Object.assign(new Error('x'), {toString() { throw 1 }})", ""),
    ],
)
def test_anything_may_be_thrown(engine: QuickJs, thrown: str, reason: str) -> None:
    with pytest.raises(JsException) as caught:
        run(engine, f"export function f() {{ throw {thrown} }}")
    assert caught.value.reason == reason
    assert type(caught.value) is JsException


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("not syntax at all", "Failed to compile main[0]: SyntaxError:"),
        ('"\ud800"; export function f() {}', "Failed to compile main[0]"),
        ("export let g", "Failed to find export 'f' in module 'main[0]'"),
        ("export let f = 1", "Export 'f' of module 'main[0]' is not a function"),
        ("import '/absent.js'", "module '/absent.js' not found"),
    ],
)
def test_a_module_that_cannot_be_used_says_why(
    engine: QuickJs, source: str, text: str
) -> None:
    with pytest.raises(JsModuleFailed) as caught:
        run(engine, source)
    assert text in str(caught.value)


HOGS = [
    ("for (;;);", JsLimits(), JsLimit.TIME),
    ("try { for (;;); } catch {}", JsLimits(), JsLimit.TIME),
    ("/(a+)+b/.test('a'.repeat(100))", JsLimits(), JsLimit.TIME),
    (
        "return new Proxy([], {get: (t, k) => k === 'length' ? 2 ** 31 : 0})",
        JsLimits(),
        JsLimit.TIME,
    ),
    ("return f()", UNHURRIED, JsLimit.STACK),
    pytest.param(
        "let o = {}; for (let i = 0; i < 2e5; i++) o = {o}; return o",
        UNHURRIED,
        JsLimit.STACK,
        marks=pytest.mark.slow,
    ),
    ("return 'x'.repeat(8e6)", SMALL_HEAP, JsLimit.HEAP),
    ("for (;;) all.push({})", SMALL_HEAP, JsLimit.HEAP),
    ("return 1", replace(UNHURRIED, heap_bytes_max=1), JsLimit.HEAP),
]


@pytest.mark.parametrize(("body", "limits", "which"), HOGS)
def test_each_limit_stops_a_call_and_spares_the_next(
    engine: QuickJs, body: str, limits: JsLimits, which: JsLimit
) -> None:
    source = f"const all = []; export function f() {{ {body} }}"
    with pytest.raises(JsLimitExceeded) as caught:
        run(engine, source, limits=limits)
    assert caught.value.which is which
    if which is JsLimit.TIME:
        assert caught.value.reason == TIMED_OUT
    assert run(engine, "export const f = () => 'well'") == "well"


@pytest.mark.parametrize(
    "source",
    ["for (;;);", "const g = async () => { for (;;) await 1 }; await g();"],
)
def test_a_module_body_is_under_the_limits_too(engine: QuickJs, source: str) -> None:
    with pytest.raises(JsLimitExceeded) as caught:
        run(engine, f"{source} export function f() {{}}")
    assert caught.value.which is JsLimit.TIME


class WaitingThreads(AppThreads):
    """Threads whose scripts have waited for others for so long."""

    waited_s = 0

    @property
    def waited_ns(self) -> int:
        return self.waited_s * 1_000_000_000

    def wait_for_turn(self) -> int:
        return self.waited_ns


@pytest.mark.parametrize("throws", [False, True])
@pytest.mark.parametrize("others_run", [False, True])
def test_a_script_that_called_one_which_waited_is_not_late(
    throws: bool, others_run: bool
) -> None:
    clock, threads = CountingClock(), WaitingThreads()

    def run_another() -> None:
        clock.now_ns += 1_000_000_000_000
        threads.waited_s += 1_000 if others_run else 0
        if throws:
            raise internal_error("it was stopped")

    engine = QuickJs(clock, threads=threads)
    source = """
        export function f() {
            try { run_another() } catch {}
            for (let i = 0; i < 100000; i++);
            return "done";
        }
    """
    expected = (
        contextlib.nullcontext() if others_run else pytest.raises(JsLimitExceeded)
    )
    with expected:
        found = run(engine, source, limits=UNHURRIED, run_another=run_another)
        assert found == "done"


def test_calls_share_nothing(engine: QuickJs) -> None:
    source = "export const f = () => (globalThis.n = (globalThis.n ?? 0) + 1)"
    assert [run(engine, source), run(engine, source)] == [1, 1]


def test_imports_work_cold_and_from_kept_bytecode(engine: QuickJs) -> None:
    imports = {
        "/lib/a.js": "import { b } from './b.js'; export const a = () => b() + 1",
        "/lib/b.js": "export const b = () => 40",
    }
    source = "import { a } from '/lib/a.js'; export const f = () => a() + 1"
    assert [run(engine, source, imports=imports) for _ in range(2)] == [42, 42]
    changed = imports | {"/lib/b.js": "export const b = () => 0"}
    assert run(engine, source, imports=changed) == 2


def test_relative_imports_reach_modules_at_the_root(engine: QuickJs) -> None:
    program = Program(
        name="/app.js",
        source="import { a } from './a.js'; export const f = () => a",
        imports={"/a.js": "export const a = 7"},
    )
    for _ in range(2):
        assert (
            engine.call_export(program, "f", [], extensions=[], limits=JsLimits())
            == "7"
        )


def test_parameters_are_counted(engine: QuickJs) -> None:
    program = Program(name="p", source="export function f(a, b, c = 1) {}")
    assert engine.parameter_count(program, "f", limits=JsLimits()) == 2
    with pytest.raises(JsModuleFailed):
        engine.parameter_count(program, "g", limits=JsLimits())


def test_one_module_compiles_without_those_it_imports() -> None:
    assert len(compile_module("/a.js", "import '/b.js'; export let x")) > 20
    with pytest.raises(JsModuleFailed):
        compile_module("/a.js", "bad bad")


@pytest.mark.parametrize("value", [b"\0\xff", "é", 7, -1.5, True, None])
def test_host_functions_give_and_take_plain_values(
    engine: QuickJs, value: bytes | str | float | bool | None
) -> None:
    seen: list[object] = []
    source = "export function f() { back(give()) }"
    run(engine, source, give=lambda: value, back=seen.append)
    assert seen == [value]
    assert type(seen[0]) is type(value)


def test_a_host_function_can_throw_for_the_guest_to_catch(engine: QuickJs) -> None:
    def throw() -> None:
        raise type_error("x" * 1000)

    source = (
        "export function f() { try { throws() } catch (e) {"
        " return [e instanceof TypeError, e.message.length] } }"
    )
    assert run(engine, source, throws=throw) == [True, 1000]
    with pytest.raises(JsException) as caught:
        run(engine, "export function f() { throws() }", throws=throw)
    assert caught.value.reason.startswith("TypeError: xxx")


@pytest.mark.parametrize("error", [KeyError("k"), KeyboardInterrupt(), MemoryError()])
def test_a_failure_of_the_host_passes_through_whatever_the_guest_does(
    engine: QuickJs, error: BaseException
) -> None:
    def fail() -> None:
        raise error

    source = "export function f() { try { fails() } catch {} for (;;); }"
    with pytest.raises(type(error)) as caught:
        run(engine, source, fails=fail)
    assert caught.value is error


def test_a_failing_clock_is_not_lost() -> None:
    class Broken(CountingClock):
        def monotonic_ns(self) -> int:
            if self.now_ns:
                raise OSError("no clock")
            return super().monotonic_ns()

    with pytest.raises(OSError, match="no clock"):
        run(QuickJs(Broken()), "export function f() { for (;;); }")


def test_an_object_is_not_a_host_argument(engine: QuickJs) -> None:
    with pytest.raises(JsException, match="must be an ArrayBuffer"):
        run(engine, "export function f() { take({}) }", take=lambda _value: None)


def test_a_text_joined_from_parts_is_a_text(engine: QuickJs) -> None:
    source = """
        export function f() {
            let text = "";
            for (let i = 0; i < 5000; i++) text += "0123456789";
            take(text, text + "!");
            throw new Error(text);
        }
    """
    seen: list[object] = []
    with pytest.raises(JsException) as caught:
        run(engine, source, take=lambda *texts: seen.extend(texts))
    text = "0123456789" * 5000
    assert seen == [text, text + "!"]
    assert caught.value.reason == f"Error: {text}"


@pytest.mark.parametrize(
    "thrown", ["new Error('\\ud800')", "'\\ud800'", "{ name: '\\ud800' }"]
)
def test_an_exceptions_text_can_always_be_written_down(
    engine: QuickJs, thrown: str
) -> None:
    """It is stored with the votes: else a ballot could keep others from counting."""
    source = f"const half = '\\ud800'; export function f() {{ throw {thrown} }}"
    with pytest.raises(JsException) as caught:
        run(engine, source)
    assert caught.value.reason.encode()
    assert (caught.value.trace or "").encode() is not None


@pytest.mark.parametrize("huge", [64 << 20, 1 << 53, 1 << 63, 1 << 64])
def test_limits_beyond_what_the_process_has_are_what_it_has(
    engine: QuickJs, huge: int
) -> None:
    limits = JsLimits(heap_bytes_max=huge, stack_bytes_max=huge, execution_ms_max=huge)
    deep = "export function f() { return 1 + f() }"
    with pytest.raises(JsLimitExceeded) as caught:
        run(engine, deep, limits=limits)
    assert caught.value.which is JsLimit.STACK
    assert run(engine, "export const f = () => 'well'", limits=limits) == "well"


def test_a_guest_that_replaces_builtins_harms_only_itself(engine: QuickJs) -> None:
    source = """
        JSON.stringify = () => "forged"; JSON.parse = () => 1;
        Promise.prototype.then = null; Reflect.apply = null;
        Array.prototype[Symbol.iterator] = null;
        export function f() { return [give(), "result"] }
    """
    assert run(engine, source, give=lambda: 5) == [5, "result"]


TOKENS = re.findall(
    r"\S+",
    "export function f ( ) { } [ ] => . ... ` ${ throw new class yield await async "
    "import from 'x' ; , = ?? ** 0 1e9 /a/ Proxy Symbol null let",
)


@pytest.mark.slow
@given(st.lists(st.sampled_from(TOKENS)).map(" ".join))
def test_any_source_ends_in_a_result_or_a_js_failure(source: str) -> None:
    engine = QuickJs(CountingClock())
    try:
        run(engine, source, limits=SMALL_HEAP)
    except (JsModuleFailed, JsException):
        assert run(engine, "export const f = () => 1") == 1


def test_an_engine_may_be_called_from_any_thread(engine: QuickJs) -> None:
    source = "export const f = (n) => n < 1 ? 0 : 1 + f(n - 1)"
    with ThreadPoolExecutor(3) as pool:
        depths = pool.map(lambda _: run(engine, source, 300), range(12))
        assert list(depths) == [300] * 12


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_outlives_its_call(engine: QuickJs, fails: bool) -> None:
    class Host:
        def touch(self) -> None:
            if fails:
                raise internal_error("no")

    def call() -> Callable[[], Host | None]:
        host = Host()
        source = "export function f() { globalThis.keep = touch; touch() }"
        try:
            run(engine, source, touch=host.touch)
        except JsException:
            assert fails
        return weakref.ref(host)

    assert call()() is None, "an interpreter is still alive"
