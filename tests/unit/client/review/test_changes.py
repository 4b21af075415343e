from typing import TYPE_CHECKING

from ccfpy.client.review.changes import TITLES, changes
from ccfpy.kv.maps import UNIT
from ccfpy.kv.store import Store
from ccfpy.service.served_tables import served_tables
from ccfpy.service.tables import constitution, js, members, proposals

if TYPE_CHECKING:
    from ccfpy.kv.changes import WriteSet


def test_each_row_that_changes_is_a_diff() -> None:
    store = Store()
    table, other = js.MODULES.name, "public:ccf.gov.of_an_extension"
    store.apply(1, {table: {b"/a.js": b'"old"', b"/b.js": b'"same"'}})
    writes: WriteSet = {
        table: {b"/a.js": b'"new"', b"/b.js": b'"same"', b"/c.js": None},
        js.MODULES_BYTECODE.name: {b"/a.js": b"\x00"},
        constitution.CONSTITUTION.name: {UNIT: b'"rules"'},
        other: {b"\xff\x1b": b"1"},
    }
    titles = [diff.title for diff in changes(store, writes)]
    assert titles == [
        "module /a.js: changed",
        "module /b.js: unchanged",
        "compiled form of module /a.js: new",
        "constitution: new",
        "⦅of_an_extension⦆ ⟦byte FF, U+001B⟧: new",
    ]


def test_what_says_who_may_do_what_is_not_folded() -> None:
    long = b"line\n" * 100
    writes: WriteSet = {
        js.MODULES.name: {b"/a.js": long},
        constitution.CONSTITUTION.name: {UNIT: long},
        js.ENDPOINTS.name: {b"GET /a": long},
    }
    folded = {diff.subject: diff.is_folded for diff in changes(Store(), writes)}
    assert folded == {
        "module /a.js": True,
        "constitution": False,
        "endpoint GET /a": False,
    }


def test_what_an_endpoint_says_by_saying_nothing_is_no_change() -> None:
    """A service leaves out what equals a default; a proposal may write it."""
    store = Store()
    row = b'{"forwarding_required":"always","authn_policies":["user_cert"]%b}'
    table = js.ENDPOINTS.name
    store.apply(1, {table: {b"GET /a": row % b"", b"GET /b": row % b""}})
    written = b',"mode":"readwrite","redirection_strategy":"to_primary"'
    other = b',"mode":"readonly","unheard_of":null'
    writes: WriteSet = {
        table: {b"GET /a": row % written, b"GET /b": row % other},
    }
    same, changed = changes(store, writes)
    assert same.title == "endpoint GET /a: unchanged"
    added = "\n".join(line for line in changed.lines if line.startswith("+"))
    assert '"mode": "readonly"' in added
    assert '"unheard_of": null' in added


def test_rows_that_go_are_removed() -> None:
    store = Store()
    store.apply(1, {members.CERTS.name: {b"aa": b"pem"}})
    (diff,) = changes(store, {members.CERTS.name: {b"aa": None}})
    assert diff.title == "certificate of member aa: removed"
    assert diff.lines[1:] == ("-pem",)


def test_only_tables_that_exist_have_a_title() -> None:
    assert set(TITLES) <= {table.name for table, _ in served_tables()}
    assert proposals.INFO.name in TITLES


def _alike(*changed: tuple[str, str]) -> list[str]:
    store, table = Store(), js.MODULES
    old, new = store.begin(), Store().begin()
    for number, (was, would_be) in enumerate(changed):
        table.of(old).put(f"/{number}.js", was)
        table.of(new).put(f"/{number}.js", would_be)
    store.apply(1, old.writes)
    return [diff.alike for diff in changes(store, new.writes)]


def test_modules_are_alike_if_the_same_lines_change_byte_for_byte() -> None:
    """And if the same lines stand around them: elsewhere they may do something else."""
    far = "\n".join(f"{number}" for number in range(9))
    one, other, third, fourth = _alike(
        ("a\nx\nb", "a\ny\nb"),
        ("a\nx\nb", "a\ny\nb"),
        (f"{far}\na\nx\nb", f"{far}\na\ny\nb"),
        ("a\nx\nc", "a\ny\nc"),
    )
    assert one == other != ""
    assert len({one, third, fourth}) == 3


def test_modules_are_not_alike_for_what_only_looks_alike() -> None:
    """A control that is shown by its number, a tab, a line more, another order."""
    changed = (
        ("x", "y"),
        ("x", "y\t"),
        ("x", "y\u202e"),
        ("x", "y\\u202e"),
        ("x", "y\r"),
        ("x", "y\ny"),
        ("y", "x"),
    )
    found = _alike(*changed)
    assert len(set(found)) == len(changed)


def test_only_modules_that_change_are_ever_alike() -> None:
    writes: WriteSet = {
        js.MODULES.name: {b"/a.js": b'"x"', b"/b.js": b'"x"'},
        js.ENDPOINTS.name: {b"GET /a": b"{}", b"GET /b": b"{}"},
    }
    told = list(changes(Store(), writes))
    assert [diff.alike for diff in told] == [""] * 4
    assert [diff.kind for diff in told] == ["module"] * 2 + ["endpoint"] * 2
