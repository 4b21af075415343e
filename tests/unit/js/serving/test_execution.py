"""A request answered by a function that lies in a table."""

import json

import pytest

from ccfpy.base.ids import TxId
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.history import HistoricalState
from ccfpy.js.serving.scripts import ScriptLog
from tests.unit.js.serving.installed import Installed, error_of, of_f

WRITE = "ccf.kv['t'].set(ccf.strToBuf('k'), ccf.strToBuf('v'));"


def written(installed: Installed) -> bytes | None:
    return installed.node.begin(read_only=True).raw("t").get(b"k")


def test_a_function_reads_and_writes_in_the_requests_transaction() -> None:
    installed = Installed()
    installed.function(f"{WRITE} return {{ body: ccf.kv['t'].size }}")
    answer = installed.call()
    assert (answer.status, answer.body) == (200, b"1")
    assert "x-ms-ccf-transaction-id" in answer.headers
    assert written(installed) == b"v"


@pytest.mark.parametrize(
    ("rest", "is_kept"),
    [
        ("return {}", True),
        ("return { statusCode: 400 }", False),
        ("ccf.rpc.setApplyWrites(true); return { statusCode: 400 }", True),
        ("ccf.rpc.setApplyWrites(false); return {}", False),
        ("throw new Error('x')", False),
        ("ccf.rpc.setApplyWrites(true); throw new Error('x')", False),
        ("ccf.rpc.setApplyWrites(true); return 5", False),
    ],
)
def test_writes_count_if_the_answer_is_good_or_the_script_says_so(
    rest: str, is_kept: bool
) -> None:
    installed = Installed()
    installed.function(f"{WRITE} {rest}")
    installed.call()
    assert (written(installed) == b"v") is is_kept


def test_claims_are_bound_into_the_transaction() -> None:
    installed = Installed()
    digest = "ccf.crypto.digest('SHA-256', ccf.strToBuf('x'))"
    installed.function(f"{WRITE} ccf.rpc.setClaimsDigest({digest}); return {{}}")
    assert installed.call().status == 200
    assert installed.node.claims[-1] is not None


@pytest.mark.parametrize("mode", ["readonly", "historical"])
def test_only_a_readwrite_endpoint_may_write(mode: str) -> None:
    installed = Installed()
    installed.options(return_exception_details=True)
    installed.function(WRITE, mode=mode)
    installed.node.statuses[TxId(2, 1)] = TxStatus.COMMITTED
    installed.node.history.states[1] = HistoricalState(
        TxId(2, 1), {}, lambda: pytest.fail("nobody asked for a receipt")
    )
    answer = installed.call(headers={"x-ms-ccf-transaction-id": "2.1"})
    assert answer.status == 500
    details = error_of(answer)["details"]
    assert isinstance(details, list)
    assert details[0]["message"].startswith(
        'TypeError: Cannot call "set" on table named t. This table is read-only in '
        "current (read-only application) execution context."
    )


def test_a_throw_is_told_only_where_the_options_allow_it() -> None:
    installed = Installed()
    installed.function("function nested() { throw new Error('no ' + 42) }\nnested()")
    message = "Exception thrown while executing."
    bare = {"code": "InternalError", "message": message}
    assert error_of(installed.call()) == bare
    assert installed.script_node.lines == []
    installed.options(return_exception_details=True, log_exception_details=True)
    trace = "    at nested (/m.js:1)\n    at f (/m.js:2)\n"
    assert error_of(installed.call()) == {
        **bare,
        "details": [{"code": "JSException", "message": "Error: no 42", "trace": trace}],
    }
    assert installed.script_node.lines == [
        (ScriptLog.APP, "fail", f"Error: no 42: {trace}"),
    ]


def test_the_line_of_a_throw_names_the_trace_of_a_request_that_has_one() -> None:
    installed = Installed(traces=[])
    installed.options(log_exception_details=True)
    installed.function("throw new Error('no')")
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    header = f"00-{trace}-00f067aa0ba902b7-01"
    installed.call(headers={"traceparent": header})
    installed.call()
    traced, untraced = (line for _, _, line in installed.script_node.lines)
    assert traced.startswith(f"Error: no (trace {trace}): ")
    assert untraced.startswith("Error: no: ")


def test_what_was_thrown_and_is_no_error_has_no_trace() -> None:
    installed = Installed()
    installed.options(return_exception_details=True, log_exception_details=True)
    installed.function("throw { a: 1 }")
    details = error_of(installed.call())["details"]
    assert details == [{"code": "JSException", "message": '{"a":1}'}]
    assert installed.script_node.lines[-1][2] == '{"a":1}: <no trace>'


@pytest.mark.parametrize(("is_told", "end"), [(True, ""), (False, ".")])
def test_a_body_that_is_no_json_is_a_failure_of_its_own(
    is_told: bool, end: str
) -> None:
    installed = Installed()
    installed.options(return_exception_details=is_told)
    installed.function("const a = {}; a.a = a; return { body: a }")
    expected = (
        "Invalid endpoint function return value (error during JSON conversion of body)"
    )
    assert error_of(installed.call())["message"] == expected + end


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({}, "Module '/m.js' could not be loaded"),
        ({"/m.js": ""}, "Failed to find export 'f' in module '/m.js'"),
        (
            {"/m.js": "export const f = 1"},
            "Export 'f' of module '/m.js' is not a function",
        ),
        (
            {"/m.js": "throw new Error('top')"},
            "Failed to execute /m.js: Error: top",
        ),
    ],
)
def test_a_module_that_has_no_such_function_is_named(
    modules: dict[str, str], message: str
) -> None:
    installed = Installed()
    installed.install(modules, {"POST /f": of_f()})
    assert error_of(installed.call()) == {"code": "InternalError", "message": message}


def test_a_module_that_does_not_compile_is_named() -> None:
    installed = Installed()
    installed.install({"/m.js": "export function ("}, {"POST /f": of_f()})
    assert str(error_of(installed.call())["message"]).startswith("Failed to compile m")


def test_modules_import_each_other_from_where_they_are() -> None:
    installed = Installed()
    installed.install(
        {
            "/lib/a.js": "import { b } from './deep/b.js'; export const a = b + 1;",
            "/lib/deep/b.js": "import { c } from '../../c.js'; export const b = c + 1;",
            "/c.js": "export const c = 1;",
            "/m.js": """
                import { a } from './lib/a.js';
                export const f = () => ({ body: a });
            """,
        },
        {"POST /f": of_f()},
    )
    assert installed.call().body == b"3"


def test_a_module_that_imports_its_importer_finds_the_same_one() -> None:
    installed = Installed()
    installed.install(
        {
            "/m.js": """
                import { back } from './b.js';
                export class C {}
                export const f = () => ({ body: new C() instanceof back() });
            """,
            "/b.js": "import { C } from './m.js'; export const back = () => C;",
        },
        {"POST /f": of_f()},
    )
    assert installed.call().body == b"true"


def test_a_module_imported_while_running_is_the_same_as_ever() -> None:
    installed = Installed()
    installed.install(
        {
            "/m.js": """
                import { C } from './sub/c.js';
                export async function f() {
                    const { make } = await import('./other.js');
                    return { body: make() instanceof C };
                }
            """,
            "/other.js": """
                import { C } from './sub/c.js';
                export const make = () => new C();
            """,
            "/sub/c.js": "export class C {}",
        },
        {"POST /f": of_f()},
    )
    assert installed.call().body == b"true"


COUNT = "globalThis.n = (globalThis.n ?? 0) + 1; return { body: globalThis.n }"
REUSE = {"interpreter_reuse": {"key": "a"}}


def test_globals_do_not_outlive_a_call() -> None:
    installed = Installed()
    installed.function(COUNT)
    assert [installed.call().body for _ in range(3)] == [b"1"] * 3


def test_globals_are_shared_by_key_until_the_code_changes() -> None:
    installed = Installed()
    installed.function(COUNT, **REUSE)
    assert [installed.call().body for _ in range(3)] == [b"1", b"2", b"3"]
    installed.function(COUNT, **REUSE)
    assert installed.call().body == b"1"


def test_a_reader_never_meets_a_writers_globals() -> None:
    installed = Installed()
    source = f"export function f() {{ {COUNT} }}"
    installed.install(
        {"/m.js": source},
        {"POST /f": of_f(**REUSE), "GET /f": of_f(**REUSE, mode="readonly")},
    )
    assert installed.call().body == b"1"
    assert installed.call("GET").body == b"1"
    assert installed.call().body == b"2"


def test_nothing_is_kept_where_the_options_keep_nothing() -> None:
    installed = Installed()
    installed.options(max_cached_interpreters=0)
    installed.function(COUNT, **REUSE)
    assert [installed.call().body for _ in range(2)] == [b"1", b"1"]


FAILURES = {
    "throws an error": "throw new Error('no')",
    "throws anything": "throw { a: 1 }",
    "is refused by the host": "ccf.kv['public:ccf.gov.t'].set(1, 2)",
    "breaks a promise": "return Promise.reject(new Error('no'))",
    "promises for ever": "return new Promise(() => {})",
    "answers with nothing": "return undefined",
    "answers with no status": "return { statusCode: 'none' }",
    "answers with no header": "return { headers: { 'a b': 'c' } }",
    "answers with no header's value": "return { headers: { a: Symbol() } }",
    "answers with no JSON": "return { body: 1n }",
    "promises no answer": "return Promise.resolve(7)",
}


def failing(failure: str) -> Installed:
    """Serve a function that counts its calls, of which those with a body fail."""
    installed = Installed()
    installed.options(max_execution_time_ms=1000, max_heap_bytes=64 << 20)
    installed.function(
        "globalThis.n = (globalThis.n ?? 0) + 1;"
        f"if (request.body.text()) {{ {failure} }} return {{ body: globalThis.n }}",
        **REUSE,
    )
    assert installed.call().body == b"1"
    assert installed.call(body=b"x").status == 500
    return installed


@pytest.mark.parametrize("failure", FAILURES)
def test_globals_outlive_a_call_that_failed(failure: str) -> None:
    installed = failing(FAILURES[failure])
    assert installed.call().body == b"3"
    assert installed.call(body=b"x").status == 500
    assert [installed.call().body for _ in range(2)] == [b"5", b"6"]
    assert installed.unhandled == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "failure", ["for (;;);", "new Uint8Array(1 << 29)", "(function g() { g() + 1 })()"]
)
def test_globals_do_not_outlive_a_call_that_was_stopped(failure: str) -> None:
    installed = failing(failure)
    assert [installed.call().body for _ in range(2)] == [b"1", b"2"]


def test_globals_do_not_outlive_a_defect_of_the_node() -> None:
    installed = Installed()
    installed.function(f"console.log('x'); {COUNT}", **REUSE)
    assert installed.call().body == b"1"
    lines, installed.script_node.lines = installed.script_node.lines, None  # type: ignore[assignment]
    assert installed.call().status == 500
    (defect,) = installed.unhandled
    assert isinstance(defect, AttributeError)
    installed.script_node.lines = lines
    assert installed.call().body == b"1"


def test_who_shares_globals_with_what_cannot_be_called_keeps_them() -> None:
    installed = Installed()
    installed.install(
        {
            "/m.js": f"export function f() {{ {COUNT} }}",
            "/thrower.js": "throw new Error('no');",
            "/unparsed.js": "import './m.js'; import './broken.js';",
            "/broken.js": "this is no JavaScript",
        },
        {
            "POST /f": of_f(**REUSE),
            "POST /absent": of_f(**REUSE, js_function="absent"),
            "POST /nowhere": of_f(**REUSE, js_module="/nowhere.js"),
            "POST /thrower": of_f(**REUSE, js_module="/thrower.js"),
            "POST /unparsed": of_f(**REUSE, js_module="/unparsed.js"),
        },
    )
    assert installed.call().body == b"1"
    for path in ("/absent", "/nowhere", "/thrower") * 2:
        assert installed.call(path=path).status == 500
    assert installed.call().body == b"2"
    answers = [installed.call(path="/unparsed") for _ in range(2)]
    assert answers[0].status == 500
    assert answers[0].body == answers[1].body
    assert installed.call().body == b"1"


def test_what_a_script_keeps_speaks_of_the_request_at_hand() -> None:
    installed = Installed()
    installed.function(
        """
        globalThis.body ??= request.body;
        globalThis.table ??= ccf.kv["t"];
        const old = globalThis.table.get(ccf.strToBuf("k"));
        globalThis.table.set(ccf.strToBuf("k"), globalThis.body.arrayBuffer());
        return { body: old === undefined ? null : ccf.bufToStr(old) };
        """,
        **REUSE,
    )
    sent = [b"a", b"b", b"c"]
    answers = [installed.call(body=body).body for body in sent]
    assert answers == [b"null", b"a", b"b"]


def test_every_call_is_logged_unless_the_script_forbids_it() -> None:
    installed = Installed()
    endpoint = of_f()
    source = "export const f = (r) => ({ statusCode: 202 })"
    installed.install({"/m.js": source}, {"POST /a/{x}": endpoint})
    assert installed.call(path="/a/1").status == 202
    ((tag, level, line),) = installed.script_node.lines
    assert (tag, level) == (ScriptLog.JS, "info")
    prefix = "JS execution complete: Method=POST, Path=/app/a/{x}, Status=202, "
    assert line.startswith(f"{prefix}ExecMilliseconds=")
    installed.script_node.lines.clear()
    installed.function("ccf.enableMetricsLogging(false); return {}")
    installed.call()
    assert installed.script_node.lines == []


def test_the_console_writes_to_the_log() -> None:
    installed = Installed()
    installed.function("console.warn('look', { a: 1 }); return {}")
    installed.call()
    assert installed.script_node.lines[0] == (ScriptLog.APP, "fail", 'look {"a":1}')


def test_the_request_is_described_whole() -> None:
    installed = Installed()
    source = "export const f = (request) => ({ body: request })"
    installed.install({"/m.js": source}, {"POST /a/{x}": of_f()})
    answer = installed.call(
        path="/a/1", query="b=%20", headers={"host": "h:1", "x-y": "z"}
    )
    assert json.loads(answer.body) == {
        "headers": {"host": "h:1", "x-y": "z"},
        "query": "b= ",
        "path": "/app/a/1",
        "method": "POST",
        "hostname": "h:1",
        "route": "/app/a/{x}",
        "url": "/app/a/1?b= ",
        "params": {"x": "1"},
        "body": {},
        "caller": None,
    }


def test_a_query_is_decoded_as_a_whole_and_a_path_is_not() -> None:
    installed = Installed()
    source = """
        export const f = ({ query, params, path, url }) =>
          ({ body: [query, params, path, url] });
    """
    installed.install({"/m.js": source}, {"POST /a/{x}:b/{y}": of_f()})
    query = "a=%C3%A9%26b=1+2&c=%zz%"
    answer = installed.call(path="/a/p%20q:b/%2F+", query=query)
    assert json.loads(answer.body) == [
        "a=\u00e9&b=1 2&c=%zz%",
        {"x": "p%20q", "y": "%2F+"},
        "/app/a/p%20q:b/%2F+",
        "/app/a/p%20q:b/%2F+?a=\u00e9&b=1 2&c=%zz%",
    ]
    answer = installed.call(path="/a/p:b/q")
    assert json.loads(answer.body) == ["", {"x": "p", "y": "q"}, *["/app/a/p:b/q"] * 2]


def test_headers_are_utf_8_to_scripts() -> None:
    installed = Installed()
    installed.function(
        "const { headers, hostname } = request;"
        "return { body: [headers.a, headers.b, hostname], headers: { c: headers.a } };"
    )
    sent = {"a": "\u20ac".encode().decode("latin-1"), "b": "\xff", "host": "x"}
    answer = installed.call(headers=sent)
    assert json.loads(answer.body) == ["\u20ac", "\ufffd", "x"]
    assert answer.headers["c"] == sent["a"]


def test_options_that_cannot_be_read_do_not_count() -> None:
    installed = Installed()
    tx = installed.node.begin(read_only=False)
    tx.raw(installed.tables.options.name).put(b"\0" * 8, b"{")
    installed.node.commit(tx, None)
    installed.function("return {}")
    assert installed.call().status == 200


def test_an_unforeseen_failure_of_the_host_is_no_exception_of_the_script() -> None:
    installed = Installed()
    installed.function("try { ccf.consensus.getViewForSeqno(1) } catch {} return {}")

    def broken(_: int) -> None:
        raise OSError("out of order")

    installed.node.view_of = broken  # type: ignore[method-assign,assignment]
    assert installed.call().status == 500
    assert [type(error) for error in installed.unhandled] == [OSError]
