"""Scripts that mean harm: each is answered, and the next request is served as ever.

Heaps are used up here in steps too large to succeed; those that fill up bit by bit have
a test of their own.
"""

import json
import re

import pytest

from ccfpy.js.quickjs.script_instance import TIMED_OUT
from ccfpy.js.serving.scripts import ScriptLog
from tests.attacks import attack
from tests.unit.js.serving.installed import Installed, error_of, of_f

LIMITS = {
    "max_heap_bytes": 64 << 20,
    "max_stack_bytes": 1 << 20,
    "max_execution_time_ms": 200,
    "return_exception_details": True,
}
HEALTHY = "export const f = () => ({ body: [1].concat(Object.keys({})).join() });"
"""Uses what others may have broken."""
REUSE = {"interpreter_reuse": {"key": "shared"}}

TIME = "InternalError: interrupted"
HEAP = "InternalError: out of memory"
STACK = "InternalError: stack overflow"

STOPPED = {
    "endless loop": ("for (;;);", TIME),
    "endless loop that catches": ("for (;;) try { for (;;); } catch {}", TIME),
    "endless loop in finally": ("try { throw 1 } finally { for (;;); }", TIME),
    "deep recursion": ("(function g() { return g() + 1 })()", STACK),
    "deep recursion through the host": (
        """
        const t = ccf.kv['t'];
        t.set(ccf.strToBuf('k'), ccf.strToBuf('v'));
        const g = () => t.forEach(g);
        g();
        """,
        "InternalError: More than 64 forEach calls at once",
    ),
    "deep JSON": ("JSON.parse('['.repeat(1e6))", STACK),
    "deep source": ("eval('('.repeat(1e6))", STACK),
    "huge array": ("let a = [0]; for (;;) a = a.concat(a)", None),
    "huge buffer": ("new Uint8Array(1 << 29)", HEAP),
    "huge text": ("let s = 'x'; for (;;) s = s + s + 'y'.padEnd(999)", None),
    "catastrophic regex": ("/^(a+)+$/.test('a'.repeat(64) + 'b')", TIME),
    "endless promises": (
        "const next = () => Promise.resolve().then(next); return next()",
        None,
    ),
    "endless sort": ("[3, 1, 2].sort(() => { for (;;); })", TIME),
    "endless proxy": (
        """
        const get = (_, name) => (name === "length" ? 2 ** 31 : 0);
        return { body: new Proxy([], { get }) };
        """,
        None,
    ),
    "endless toJSON": ("return { body: { toJSON() { for (;;); } } }", TIME),
    "endless generator": (
        "for (const _ of (function* () { for (;;) yield })());",
        TIME,
    ),
    "endless getter": ("return { get statusCode() { for (;;); } }", TIME),
    "endless header": (
        "return { headers: { a: { toString() { for (;;); } } } }",
        TIME,
    ),
}


TRIES = 20


def is_healthy(installed: Installed, path: str) -> bool:
    """Return whether a healthy function answers.

    Where others have the processor all the time that it may take, it is asked again.
    """
    for _ in range(TRIES):
        answer = installed.call(path=path)
        if TIMED_OUT.encode() not in answer.body:
            return answer.body == b"1"
    return False


def served_after(installed: Installed) -> bool:
    """Return whether a healthy function still answers, in the same interpreter."""
    installed.install({"/m.js": HEALTHY}, {"POST /f": of_f(**REUSE)})
    return is_healthy(installed, "/f")


@pytest.mark.parametrize("name", STOPPED)
@pytest.mark.parametrize("reuse", [{}, REUSE], ids=["fresh", "kept"])
def test_whatever_takes_too_much_is_stopped(
    name: str, reuse: dict[str, object]
) -> None:
    installed = Installed()
    installed.options(**LIMITS)
    body, reason = STOPPED[name]
    installed.install(
        {"/m.js": f"export function f() {{ {body} }}", "/good.js": HEALTHY},
        {"POST /f": of_f(**reuse), "POST /good": of_f(**reuse, js_module="/good.js")},
    )
    assert is_healthy(installed, "/good")
    answer = installed.call()
    assert answer.status == 500
    details = error_of(answer)["details"]
    assert isinstance(details, list)
    assert reason is None or details[0]["message"] == reason
    assert installed.unhandled == []
    assert is_healthy(installed, "/good")
    assert served_after(installed)


@attack("applications: a script without end")
def test_the_log_names_the_endpoint_of_a_call_that_was_stopped() -> None:
    installed = Installed()
    installed.options(**LIMITS)
    installed.function("for (;;);")
    assert installed.call().status == 500
    ((tag, level, line),) = installed.script_node.lines
    assert (tag, level) == (ScriptLog.JS, "fail")
    assert re.fullmatch(
        r"Stopped, as it took \d+ ms, and may take 200 ms, in POST /app/f", line
    )


@pytest.mark.parametrize("reuse", [{}, REUSE], ids=["fresh", "kept"])
def test_what_ended_too_late_between_two_looks_at_the_clock_was_stopped_too(
    reuse: dict[str, object],
) -> None:
    installed = Installed()
    installed.options(**LIMITS)
    key = "ccf.strToBuf('k')"
    installed.function(f"ccf.kv['public:t'].set({key}, {key}); return {{}};", **reuse)
    installed.script_node.clock.leap_ns = 10**9
    answer = installed.call()
    assert answer.status == 500
    details = error_of(answer)["details"]
    assert isinstance(details, list)
    assert details[0]["message"] == TIME
    installed.script_node.clock.leap_ns = 0
    assert installed.value(f"return {{ body: ccf.kv['public:t'].has({key}) }}") is False
    assert installed.unhandled == []


TWISTED = {
    "throws undefined": "throw undefined",
    "throws a symbol": "throw Symbol('x')",
    "throws what is no text": "throw { toString() { throw 1 }, toJSON() { throw 2 } }",
    "throws a proxy": "throw new Proxy({}, { get() { throw 1 }, has() { throw 2 } })",
    "throws an error with a stack that throws": (
        "const e = new Error('x');"
        "Object.defineProperty(e, 'stack', { get() { throw 1 } }); throw e"
    ),
    "returns a getter that throws": "return { get body() { throw new Error('x') } }",
    "returns a proxy that throws": (
        "return new Proxy({}, { get() { throw new Error('x') } })"
    ),
    "returns headers that throw": (
        "return { headers: new Proxy({}, { ownKeys() { throw new Error('x') } }) }"
    ),
    "returns a circle": "const a = {}; a.a = a; return { body: a }",
    "returns a big integer": "return { body: { n: 1n } }",
    "returns a promise that is broken": "return Promise.reject(1)",
    "returns a promise of a getter": (
        "return Promise.resolve({ get body() { throw 1 } })"
    ),
    "returns a promise that is no promise": ("return Object.create(Promise.prototype)"),
    "kills Promise": "Promise.prototype.then = 1; return new Promise(() => {})",
    "calls the host with nonsense": "ccf.kv['t'].get.call(7, new ArrayBuffer(1))",
    "names a table that is none": "ccf.kv['\\ud800'].size",
    "detaches a buffer": (
        "const b = new ArrayBuffer(8); b.transfer?.(); ccf.bufToStr(b); throw 1"
    ),
}


@pytest.mark.parametrize("name", TWISTED)
def test_whatever_is_thrown_or_returned_is_answered(name: str) -> None:
    installed = Installed()
    installed.options(**LIMITS)
    installed.function(TWISTED[name], **REUSE)
    answer = installed.call()
    assert answer.status == 500
    assert json.loads(answer.body)["error"]["code"] == "InternalError"
    assert installed.unhandled == []
    assert served_after(installed)


POLLUTION = """
    const builtins = [Object, Array, Promise, Function, String, ArrayBuffer, Map];
    for (const builtin of builtins) {
        for (const name of Object.getOwnPropertyNames(builtin.prototype)) {
            try { builtin.prototype[name] = () => { throw new Error("gone") } } catch {}
        }
    }
    globalThis.JSON = globalThis.Reflect = undefined;
    globalThis.Date = globalThis.Math = undefined;
    ccf.kv = ccf.rpc = ccf.crypto = ccf.bufToStr = ccf.strToBuf = undefined;
    Object.prototype.policy = Object.prototype.cose = Object.prototype.body = "mine";
    Object.prototype.__defineGetter__ = 1;
"""


def test_one_request_leaves_nothing_for_the_next() -> None:
    installed = Installed()
    pollute = f"export function f() {{ {POLLUTION} return {{}}; }}"
    healthy = """
        export function f(request) {
          ccf.kv["t"].set(ccf.strToBuf("k"), ccf.jsonCompatibleToBuf([Date.now()]));
          return { body: { sent: request.body.json(), own: request.policy ?? null } };
        }
    """
    installed.install(
        {"/m.js": pollute, "/good.js": healthy},
        {"POST /f": of_f(), "POST /good": of_f(js_module="/good.js")},
    )
    for _ in range(3):
        installed.call()
        answer = installed.call(path="/good", body=b"[1]")
        assert json.loads(answer.body) == {"sent": [1], "own": None}


def test_who_shares_globals_can_break_them_for_each_other_alone() -> None:
    installed = Installed()
    source = f"export function f() {{ {POLLUTION} return {{}}; }}"
    healthy = of_f(js_module="/good.js")
    other = of_f(js_module="/good.js", interpreter_reuse={"key": "other"})
    installed.install(
        {"/m.js": source, "/good.js": HEALTHY},
        {"POST /f": of_f(**REUSE), "POST /good": healthy, "POST /other": other},
    )
    for _ in range(3):
        assert installed.call().status in {200, 500}
        assert is_healthy(installed, "/good")
        assert installed.call(path="/other").body == b"1"


def test_the_nodes_own_shaping_does_not_rest_on_what_guests_can_replace() -> None:
    installed = Installed()
    installed.function(f"{POLLUTION} return {{ body: 'still' }}")
    assert installed.call().body == b"still"


def test_modules_in_a_circle_are_loaded_once() -> None:
    installed = Installed()
    installed.install(
        {
            "/m.js": """
                import { b } from './b.js';
                export const a = () => 'a';
                export const f = () => ({ body: a() + b() });
            """,
            "/b.js": "import { c } from './c.js'; export const b = () => 'b' + c();",
            "/c.js": "import { a } from './m.js'; export const c = () => 'c' + a();",
        },
        {"POST /f": of_f()},
    )
    assert installed.call().body == b"abca"


def test_a_module_that_imports_itself_or_nothing_is_told_apart() -> None:
    installed = Installed()
    source = "import * as me from './m.js'; export const f = () => ({ body: me.n });"
    installed.install({"/m.js": f"{source} export const n = 1;"}, {"POST /f": of_f()})
    assert installed.call().body == b"1"
    installed.install({"/m.js": "import './none.js'"}, {"POST /f": of_f()})
    message = str(error_of(installed.call())["message"])
    assert message.startswith("Failed to compile m.js: ")


def test_a_job_left_behind_does_not_run_in_the_next_request() -> None:
    installed = Installed()
    installed.function(
        """
        const leave = () => Promise.resolve().then(() => {
            ccf.kv["t"].set(request.body.arrayBuffer(), ccf.strToBuf("late"));
        });
        if (request.body.text() === "leave") leave();
        return {};
        """,
        **REUSE,
    )
    assert installed.call(body=b"leave").status == 200
    assert installed.call(body=b"victim").status == 200
    assert installed.node.begin(read_only=True).raw("t").size() == 0
