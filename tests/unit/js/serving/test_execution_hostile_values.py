"""Values that lie, change while they are read, or stand for far too much.

Each is answered in CCF's form, the next request is served, and a call that failed has
written nothing.
"""

import json

import pytest

from tests.unit.js.serving.installed import Installed, error_of, of_f

LIMITS = {
    "max_heap_bytes": 64 << 20,
    "max_stack_bytes": 1 << 20,
    "max_execution_time_ms": 500,
    "return_exception_details": True,
}
NEXT = "export const f = () => ({ body: [1].concat(Object.keys({})).join() });"
WRITES = "const k = ccf.strToBuf('k'); ccf.kv['public:t'].set(k, k);"
SHARED = {"interpreter_reuse": {"key": "shared"}}

REFUSED = {
    "getter of the body throws": "return { get body() { throw new Error('x') } }",
    "getter of the status throws": "return { get statusCode() { throw 1 } }",
    "getter of the headers throws": "return { get headers() { throw {} } }",
    "getter of one header throws": "return { headers: { get a() { throw null } } }",
    "status turns into a number": (
        "return { statusCode: { [Symbol.toPrimitive]: () => 201 } }"
    ),
    "status is no number": "return { statusCode: NaN }",
    "status has a fraction": "return { statusCode: 200.5 }",
    "status is far away": "return { statusCode: 2 ** 53 }",
    "status is a big integer": "return { statusCode: 200n }",
    "header breaks the line": r"return { headers: { a: 'b\r\nc: d' } }",
    "header's name breaks the line": r"return { headers: { 'a\n': 'b' } }",
    "primitive throws": "return `${{ [Symbol.toPrimitive]() { throw 1 } }}`",
    "primitive is an object": "return +{ [Symbol.toPrimitive]: () => ({}) }",
    "text too long": "return { body: 'x'.repeat(2 ** 30) }",
    "padding too long": "return { body: 'x'.padEnd(2 ** 30, 'ab') }",
    "too many arguments": "return Math.max.apply(null, { length: 2 ** 31 })",
    "length that no array has": "return new Array(-1)",
    "big integer by shift": "return { body: String(1n << 1000000000n) }",
    "big integer by power": "return { body: String(2n ** 1000000000n) }",
    "big integer by squares": "let a = 3n; for (;;) a = a * a",
    "division of big integers by zero": "return { body: String(1n / 0n) }",
    "typed array beyond any heap": "return { body: new Float64Array(2 ** 32) }",
    "typed array beyond its buffer": "new Uint32Array(new ArrayBuffer(8), 4, 2)",
    "detached buffer as a key": (
        "const b = new ArrayBuffer(8), c = b.transfer(); ccf.kv['t'].set(b, c)"
    ),
    "comparator that detaches": (
        "const a = new Uint8Array(9); a.sort(() => { a.buffer.transfer(); return 1 })"
    ),
    "waiting for nobody": (
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)"
    ),
    "shared memory as a key": "ccf.kv['t'].get(new SharedArrayBuffer(8))",
    "endless primitive": "return +{ [Symbol.toPrimitive]() { for (;;); } }",
    "endless async generator": (
        "async function* g() { for (;;) yield 1 }"
        "return (async () => { for await (const _ of g()); })()"
    ),
    "endless thenable": (
        "const t = { then(done) { done(t2()) } };"
        "const t2 = () => ({ then(done) { done(t2()) } }); return (async () => t)()"
    ),
    "endless prototype": (
        "const p = new Proxy({}, { getPrototypeOf: () => p });"
        "return { body: p instanceof Object }"
    ),
    "endless evaluation": "return eval('(() => { for (;;); })()')",
    "source that does not end": "return new Function('return (')",
    "endless function of text": "return new Function('for (;;);')()",
    "module of data": "return import('data:text/javascript,export default 1')",
    "module of the host": "return import('file:///etc/passwd')",
    "module beyond the root": "return import('../../../../etc/passwd')",
    "pattern of too many groups": (
        "return new RegExp('('.repeat(1e5) + ')'.repeat(1e5))"
    ),
    "pattern that looks back without end": (
        "return { body: /(?<=(a+)+)b/.test('a'.repeat(1e5) + 'c') }"
    ),
    "chain of a million objects": (
        "const a = {}; let b = a; for (let i = 0; i < 1e6; i++) b = b.a = {};"
        "return { body: a }"
    ),
    "hundred thousand arrays within arrays": (
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return { body: a }"
    ),
    "revoked proxy": (
        "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy"
    ),
    "species that is a lie": (
        "class A extends Array { static get [Symbol.species]() { return 1 } }"
        "return new A(3).map((x) => x)"
    ),
}
"""Bodies of a function that are answered with an error."""

TAKEN = {
    "comparator that lies": (
        (
            "const a = Array.from({ length: 999 }, (_, i) => i);"
            "return { body: a.sort(() => 1 - 2 * (a.length & 1)).length }"
        ),
        999,
    ),
    "comparator that empties the array": (
        (
            "const a = [3, 2, 1]; a.sort(() => { a.length = 0; return 1 });"
            "return { body: a.length }"
        ),
        3,
    ),
    "comparator of no number": (
        "return { body: [2, 1].sort(() => Symbol.iterator in [] && NaN) }",
        [2, 1],
    ),
    "reference to garbage": (
        "return { body: new WeakRef({}).deref() === undefined ? 1 : 1 }",
        1,
    ),
    "function of text": (
        "return { body: new Function('return typeof process + typeof require')() }",
        "undefinedundefined",
    ),
    "constructor of constructors": (
        "const f = ccf.strToBuf.constructor; return { body: f('return 7')() }",
        7,
    ),
    "module of itself": (
        "return import('./m.js').then((m) => ({ body: Object.keys(m) }))",
        ["f"],
    ),
    "sparse array": ("const a = []; a[1e6] = 1; return { body: a.length }", 1000001),
    "array of the largest length": (
        "const a = []; a.length = 2 ** 32 - 1; return { body: a.length }",
        4294967295,
    ),
    "numbers that JSON has no words for": (
        "return { body: [NaN, Infinity, -0, new Date(NaN)] }",
        [None, None, 0, None],
    ),
    "property named like a prototype": (
        'return { body: JSON.parse(\'{"__proto__": {"a": 1}}\').a ?? null }',
        None,
    ),
    "pattern of nested repeats": (
        "return { body: new RegExp('(a{0,1000}){0,1000}').test('aa') }",
        True,
    ),
}
"""Bodies of a function, and what they answer."""


def _installed(body: str, **properties: object) -> Installed:
    installed = Installed()
    installed.options(**LIMITS)
    installed.install(
        {"/m.js": f"export function f(request) {{ {body} }}", "/next.js": NEXT},
        {
            "POST /f": of_f(**properties),
            "POST /next": of_f(js_module="/next.js", **properties),
        },
    )
    return installed


def _has_written(installed: Installed) -> bool:
    tx = installed.node.begin(read_only=True)
    return tx.raw("public:t").size() > 0 or tx.raw("t").size() > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_a_value_that_cannot_be_used_is_refused_and_nothing_is_written(
    name: str,
) -> None:
    installed = _installed(f"{WRITES} {REFUSED[name]}", **SHARED)
    for _ in range(2):
        answer = installed.call()
        assert answer.status == 500, answer.body
        assert error_of(answer)["code"] == "InternalError"
        assert installed.call(path="/next").body == b"1"
    assert installed.unhandled == []
    assert not _has_written(installed)


@pytest.mark.parametrize("name", TAKEN)
def test_a_value_that_is_odd_means_what_it_says(name: str) -> None:
    body, value = TAKEN[name]
    installed = _installed(body, **SHARED)
    for _ in range(2):
        answer = installed.call()
        assert answer.status == 200, answer.body
        given = answer.body if isinstance(value, str) else json.loads(answer.body)
        assert given == (value.encode() if isinstance(value, str) else value)
        assert installed.call(path="/next").body == b"1"
    assert installed.unhandled == []


def test_what_waits_for_garbage_is_stopped_when_its_time_comes() -> None:
    """It comes in a later request of the same interpreter, whose time it uses up."""
    leave = """
        const registry = new FinalizationRegistry(() => { for (;;); });
        for (let i = 0; i < 1e4; i++) registry.register({}, 1);
        return { body: 1 };
    """
    fresh = _installed(leave)
    kept = _installed(leave, **SHARED)
    for installed in (fresh, kept):
        assert installed.call().status == 200
    kept.script_node.clock.leap_ns = 10**9
    kept.call(path="/next")
    kept.script_node.clock.leap_ns = 0
    for installed in (fresh, kept):
        assert installed.call(path="/next").body == b"1"
        assert installed.unhandled == []


READERS = {
    "key": "ccf.kv['t'].set(buffer, ccf.strToBuf('v'))",
    "value": "ccf.kv['t'].set(ccf.strToBuf('k'), buffer)",
    "text": "ccf.bufToStr(buffer)",
    "JSON": "ccf.bufToJsonCompatible(buffer)",
    "digest": "ccf.crypto.digest('SHA-256', buffer)",
    "claims": "ccf.rpc.setClaimsDigest(buffer)",
    "body": "body = buffer",
    "body seen through a typed array": "body = new Uint8Array(buffer, 4)",
    "body seen through a typed array of its length": "body = new Uint8Array(buffer)",
}
"""What reads a buffer, in the host or on the way to it."""
CHANGES = {
    "shrinks": "buffer.resize(2)",
    "grows": "buffer.resize(4096)",
    "vanishes": "buffer.resize(0)",
    "is detached": "buffer.transfer()",
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_buffer_may_change_before_and_after_it_is_read(
    reader: str, change: str
) -> None:
    read, changed = READERS[reader], CHANGES[change]
    installed = _installed(
        f"""
        let body = null;
        const attempt = (buffer) => {{
            try {{ {read} }} catch (error) {{ if (!(error instanceof Error)) throw 0 }}
        }};
        for (const early of [true, false]) {{
            const buffer = new ArrayBuffer(32, {{ maxByteLength: 8192 }});
            new Uint8Array(buffer).fill(0x20);
            if (early) {changed};
            attempt(buffer);
            if (!early) {changed};
            attempt(buffer);
        }}
        return {{ body }};
        """
    )
    answer = installed.call()
    assert answer.status in {200, 204, 500}, answer.body
    assert answer.status != 500 or error_of(answer)["code"] == "InternalError"
    assert installed.unhandled == []
    assert installed.call(path="/next").body == b"1"


@pytest.mark.parametrize("table", ["t", "public:t"])
def test_a_buffer_changed_by_a_callback_while_the_table_is_read(table: str) -> None:
    installed = _installed(
        f"""
        const t = ccf.kv['{table}'];
        for (const k of 'abc') t.set(ccf.strToBuf(k), ccf.strToBuf(k.repeat(99)));
        let seen = 0;
        t.forEach((value, key) => {{
            seen += value.byteLength + key.byteLength;
            value.transfer(); key.transfer();
            t.delete(ccf.strToBuf('c')); t.clear();
        }});
        return {{ body: seen > 0 }};
        """
    )
    answer = installed.call()
    assert (answer.status, answer.body) == (200, b"true")
    assert installed.unhandled == []
    assert installed.call(path="/next").body == b"1"


POLLUTERS = {
    "Object.prototype": "Object.prototype.admin = true",
    "Object.prototype by a literal": "({}).__proto__.admin = true",
    "Array.prototype": "Array.prototype.admin = true",
    "Function.prototype": "Function.prototype.admin = true",
    "String.prototype": "String.prototype.admin = true",
    "globalThis": "globalThis.admin = true",
    "the request's prototype": "Object.getPrototypeOf(request).admin = true",
    "the caller's prototype": "Object.getPrototypeOf(request.caller).admin = true",
    "the API's own object": "ccf.admin = true",
    "a table's prototype": "Object.getPrototypeOf(ccf.kv['t']).admin = true",
}
LOOKS = """
    const seen = [{}, [], () => 1, "", globalThis, request, request.caller ?? {}, ccf,
                  ccf.kv["t"]];
    return { body: seen.map((each) => each.admin ?? null) };
"""


@pytest.mark.parametrize("name", POLLUTERS)
def test_a_prototype_that_one_request_changed_is_whole_for_the_next(name: str) -> None:
    installed = Installed()
    installed.install(
        {
            "/m.js": f"export function f(request) {{ {POLLUTERS[name]}; return {{}} }}",
            "/look.js": f"export function f(request) {{ {LOOKS} }}",
        },
        {
            "POST /f": of_f(**SHARED),
            "POST /fresh": of_f(js_module="/look.js"),
            "POST /other": of_f(
                js_module="/look.js", interpreter_reuse={"key": "other"}
            ),
        },
    )
    for _ in range(2):
        installed.call()
        for path in ("/fresh", "/other"):
            answer = installed.call(path=path)
            assert json.loads(answer.body) == [None] * 9
    assert installed.unhandled == []
