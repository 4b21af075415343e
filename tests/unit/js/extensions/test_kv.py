"""``ccf.kv`` over real transactions."""

import pytest

from ccfpy.base.limits import JS_TABLES_KNOWN_MAX, JS_VISITS_MAX
from ccfpy.js.engine import JsException, JsLimits, Permission, Program, TxAccess
from ccfpy.js.extensions.kv import KvExtension
from ccfpy.js.quickjs import QuickJs
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from tests.unit.js.conftest import Evaluate

TABLE = "public:table"
PRELUDE = f"""
    const t = ccf.kv["{TABLE}"];
    const buf = (text) => Uint8Array.from(text, (c) => c.charCodeAt(0)).buffer;
    const str = (b) => b && String.fromCharCode(...new Uint8Array(b));
"""


def tx_with(**entries: str) -> Tx:
    store = Store()
    tx = store.begin()
    for key, value in entries.items():
        tx.raw(TABLE).put(key.encode(), value.encode())
    store.commit(tx)
    return store.begin()


def kv(tx: Tx, access: TxAccess = TxAccess.APP_RW) -> list[KvExtension]:
    return [KvExtension(tx, access)]


def test_values_are_read_and_written_through_the_transaction(
    evaluate: Evaluate,
) -> None:
    tx = tx_with(a="1", b="2")
    body = """
        const chained = t.set(buf("c"), buf("3")) === t;
        t.delete(buf("a"));
        const gone = t.get(buf("a")) === undefined;
        return [str(t.get(buf("b"))), str(t.get(buf("c"))), gone,
                t.has(buf("b")), t.has(buf("a")), t.size, chained];
    """
    result = evaluate(PRELUDE + body, kv(tx))
    assert result == ["2", "3", True, True, False, 2, True]
    assert tx.writes == {TABLE: {b"c": b"3", b"a": None}}


def test_for_each_visits_values_keys_and_the_map_in_key_order(
    evaluate: Evaluate,
) -> None:
    body = """
        const seen = [];
        t.forEach((v, k, map) => { seen.push(str(k) + str(v) + (map === t));
                                   t.set(buf("z" + str(k)), v); });
        return [seen, t.size];
    """
    result = evaluate(PRELUDE + body, kv(tx_with(b="2", a="1")))
    assert result == [["a1true", "b2true"], 4]


def test_an_exception_ends_a_visit_and_visits_may_be_nested(
    evaluate: Evaluate,
) -> None:
    body = """
        let n = 0;
        t.forEach(() => t.forEach(() => { n++; }));
        try { t.forEach(() => { n += 100; throw 1; }); } catch {}
        return n;
    """
    assert evaluate(PRELUDE + body, kv(tx_with(b="2", a="1"))) == 104


def test_visits_are_bounded_and_leave_nothing_behind(evaluate: Evaluate) -> None:
    extension = KvExtension(tx_with(a="1"), TxAccess.APP_RW)
    body = f"""
        for (let i = 0; i < 1000; i++) {{
            t.forEach(() => {{}});
            try {{ t.forEach(() => {{ throw 1; }}); }} catch {{}}
        }}
        const nest = (n) => t.forEach(() => {{ if (n > 1) nest(n - 1); }});
        nest({JS_VISITS_MAX});
        let refused;
        try {{ nest({JS_VISITS_MAX + 1}); }} catch (e) {{ refused = String(e); }}
        return refused;
    """
    expected = f"InternalError: More than {JS_VISITS_MAX} forEach calls at once"
    assert evaluate(PRELUDE + body, [extension]) == expected
    assert not extension._visits


@pytest.mark.parametrize("more", [0, 1])
def test_rights_are_known_of_so_many_tables_and_right_of_all(
    evaluate: Evaluate, more: int
) -> None:
    extension = KvExtension(tx_with(a="1"), TxAccess.APP_RW)
    body = f"""
        const refused = () => {{
            try {{ ccf.kv["public:ccf.gov.nodes.info"].clear(); }}
            catch (e) {{ return String(e); }}
        }};
        const before = refused();
        for (let i = 1; i < {JS_TABLES_KNOWN_MAX + more}; i++) {{
            ccf.kv["public:" + i].has(buf("a"));
        }}
        return before.includes("read-only") && refused() === before;
    """
    assert evaluate(PRELUDE + body, [extension]) is True
    assert len(extension._allowed) == (2 if more else JS_TABLES_KNOWN_MAX)


def test_the_version_of_a_previous_write_is_told(evaluate: Evaluate) -> None:
    body = """
        const absent = t.getVersionOfPreviousWrite(buf("x"));
        return [t.getVersionOfPreviousWrite(buf("a")), absent === undefined];
    """
    assert evaluate(PRELUDE + body, kv(tx_with(a="1"))) == [1, True]


def test_clear_removes_everything(evaluate: Evaluate) -> None:
    tx = tx_with(a="1", b="2")
    assert evaluate(PRELUDE + "t.clear(); return t.size", kv(tx)) == 0
    assert tx.writes == {TABLE: {b"a": None, b"b": None}}


def test_an_empty_key_and_value_are_a_key_and_a_value(evaluate: Evaluate) -> None:
    body = 't.set(buf(""), buf("")); return [t.get(buf("")).byteLength, t.size]'
    assert evaluate(PRELUDE + body, kv(tx_with())) == [0, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("get()", "Passed 0 arguments, but expected 1"),
        ("get(buf('a'), 1)", "Passed 2 arguments, but expected 1"),
        ("get('a')", "Argument must be an ArrayBuffer"),
        ("has(new Uint8Array(1))", "Argument must be an ArrayBuffer"),
        ("delete({})", "Argument must be an ArrayBuffer"),
        ("getVersionOfPreviousWrite(1)", "Argument must be an ArrayBuffer"),
        ("set(buf('a'))", "Passed 1 arguments, but expected 2"),
        ("set(buf('a'), 'b')", "Arguments must be ArrayBuffers"),
        ("clear(1)", "Passed 1 arguments, but expected 0"),
        ("forEach(1)", "Argument must be a function"),
        ("forEach()", "Passed 0 arguments, but expected 1"),
    ],
)
def test_wrong_arguments_are_type_errors(
    evaluate: Evaluate, call: str, message: str
) -> None:
    with pytest.raises(JsException) as caught:
        evaluate(f"{PRELUDE} t.{call}", kv(tx_with(a="1")))
    assert caught.value.reason == f"TypeError: {message}"


OPERATIONS = {
    "has": "has(buf('a'))",
    "get": "get(buf('a'))",
    "getVersionOfPreviousWrite": "getVersionOfPreviousWrite(buf('a'))",
    "size": "size",
    "forEach": "forEach(() => {})",
    "set": "set(buf('a'), buf('b'))",
    "delete": "delete(buf('a'))",
    "clear": "clear()",
}
WRITES = {"set", "delete", "clear"}


@pytest.mark.parametrize("method", OPERATIONS)
@pytest.mark.parametrize(
    ("table", "access", "kind", "allowed"),
    [
        ("public:ccf.gov.x", TxAccess.GOV_RO, "read-only", OPERATIONS.keys() - WRITES),
        ("public:x", TxAccess.GOV_RW, "write-only", WRITES),
        ("ccf.gov.x", TxAccess.GOV_RW, "inaccessible", set()),
        ("public:ccf.gov.x", TxAccess.GOV_RW, "", OPERATIONS.keys()),
    ],
)
def test_only_what_the_context_may_do_works(
    evaluate: Evaluate,
    method: str,
    table: str,
    access: TxAccess,
    kind: str,
    allowed: set[str],
) -> None:
    tx = tx_with()
    body = f"{PRELUDE} ccf.kv['{table}'].{OPERATIONS[method]}"
    if method in allowed:
        evaluate(body, kv(tx, access))
        return
    with pytest.raises(JsException) as caught:
        evaluate(body, kv(tx, access))
    assert caught.value.reason == (
        f'TypeError: Cannot call "{method}" on table named {table}. This table is '
        f"{kind} in current ({access.value}) execution context. See "
        "https://microsoft.github.io/CCF/main/audit/read_write_restrictions.html "
        "for more detail."
    )
    assert not tx.writes


@pytest.mark.parametrize("method", sorted(OPERATIONS.keys() - {"size"}))
def test_what_is_forbidden_is_said_before_arguments_are_judged(
    evaluate: Evaluate, method: str
) -> None:
    with pytest.raises(JsException, match="Cannot call"):
        evaluate(f"{PRELUDE} ccf.kv['ccf.gov.x'].{method}(1, 2, 3)", kv(tx_with()))


def test_rights_cannot_be_stolen_by_renaming_a_handle(evaluate: Evaluate) -> None:
    body = """
        const own = ccf.kv["public:ccf.gov.x"];
        const forged = Object.create(own, { _map_name: { value: "ccf.gov.secret" } });
        try { own._map_name = "ccf.gov.secret"; } catch {}
        own.get(buf("a"));
        forged.get(buf("a"));
    """
    with pytest.raises(JsException, match=r"named ccf\.gov\.secret"):
        evaluate(PRELUDE + body, kv(tx_with(), TxAccess.GOV_RW))


@pytest.mark.parametrize(
    "name", ['"\\ud800"', "5", "undefined", "null", "Symbol.iterator", "{}", "NaN"]
)
def test_a_name_that_is_no_text_is_the_guests_own_mistake(
    evaluate: Evaluate, name: str
) -> None:
    """Were it the host's, a ballot could keep a proposal from ever being decided."""
    body = f"""
        const forged = Object.create(t, {{ _map_name: {{ value: {name} }} }});
        for (const op of [() => forged.get(buf("a")), () => forged.size,
                          () => forged.forEach(() => 1), () => forged.clear(1)]) {{
            try {{ op(); }} catch (e) {{ if (e instanceof TypeError) continue; }}
            return "no error";
        }}
        return "errors";
    """
    assert evaluate(PRELUDE + body, kv(tx_with())) == "errors"


def test_kv_itself_can_be_looked_at_but_not_changed(evaluate: Evaluate) -> None:
    body = """
        let refused = false;
        try { ccf.kv.x = 1; } catch { refused = true; }
        return [refused, typeof ccf.kv[Symbol.iterator], t._map_name];
    """
    assert evaluate(PRELUDE + body, kv(tx_with())) == [True, "undefined", TABLE]


def test_rights_can_be_taken_away_and_none_be_added(evaluate: Evaluate) -> None:
    def narrowing(table: str, granted: Permission) -> tuple[Permission, str | None]:
        if table == TABLE:
            return granted & Permission.READ, "Not here."
        return Permission.READ_WRITE, None

    tx = tx_with(a="1")
    extension = KvExtension(tx, TxAccess.APP_RW, narrowing)
    assert evaluate(PRELUDE + "return str(t.get(buf('a')))", [extension]) == "1"
    with pytest.raises(JsException) as caught:
        evaluate(PRELUDE + "t.clear()", [extension])
    expected = f'TypeError: Cannot call "clear" on table named {TABLE}. Not here.'
    assert caught.value.reason == expected
    with pytest.raises(JsException) as caught:
        evaluate("ccf.kv['public:ccf.gov.x'].clear()", [extension])
    assert "This table is read-only in current" in caught.value.reason


def test_a_call_begins_without_the_visits_of_the_one_before(evaluate: Evaluate) -> None:
    extension = KvExtension(tx_with(a="1"), TxAccess.APP_RW)
    functions = extension.functions()
    for _ in range(JS_VISITS_MAX):
        functions["forEach"](TABLE)
    visit = PRELUDE + "let n = 0; t.forEach(() => n++); return n"
    with pytest.raises(JsException):
        evaluate(visit, [extension])
    extension.begin()
    assert evaluate(visit, [extension]) == 1


def test_every_table_is_there_to_ask_for(evaluate: Evaluate) -> None:
    body = "return ['t' in ccf.kv, Symbol.iterator in ccf.kv, Object.keys(ccf.kv)]"
    assert evaluate(body, kv(tx_with())) == [True, False, []]


def test_methods_look_native_whoever_wrote_them(evaluate: Evaluate) -> None:
    body = """
        const methods = ["get", "set", "has", "delete", "getVersionOfPreviousWrite"];
        return methods.map((name) => {
          const { value, enumerable, writable, configurable } =
            Object.getOwnPropertyDescriptor(Object.getPrototypeOf(t), name);
          return value.name === name && value.length === 0 && !enumerable &&
            writable && configurable && !("prototype" in value);
        });
    """
    assert evaluate(PRELUDE + body, kv(tx_with())) == [True] * 5


def test_a_throw_shows_the_guest_s_own_frames_alone(engine: QuickJs) -> None:
    source = "export function f() { ccf.kv['public:t'].get(1); }"
    with pytest.raises(JsException) as caught:
        engine.call_export(
            Program(name="guest", source=source),
            "f",
            (),
            extensions=kv(tx_with()),
            limits=JsLimits(),
        )
    assert caught.value.trace == "    at f (guest:1:45)\n"


def test_handles_of_dropped_worlds_leave_nothing_behind(evaluate: Evaluate) -> None:
    """A handle may be made part of a cycle with what all handles come from."""
    body = """
        Object.getPrototypeOf(t).all = ccf.kv;
        const { kv } = ccf;
        return [typeof t.all.other, "x" in kv, Symbol.iterator in kv, kv[7]._map_name];
    """
    assert evaluate(PRELUDE + body, kv(tx_with())) == ["object", True, False, "7"]
