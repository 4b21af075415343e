import base64
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ccfpy.base.json import Json
from ccfpy.client.review.values import (
    TEXT_CHARACTERS_MAX,
    TITLES,
    changes,
    comparable,
    decoded,
    shown_short,
    shown_whole,
    validity_warnings,
)
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.kv.maps import UNIT
from ccfpy.kv.store import Store
from ccfpy.service.served_tables import served_tables
from ccfpy.service.tables import js, jwt, members, proposals, service, users
from tests.attacks import attack
from tests.unit.client.review.made import USER

if TYPE_CHECKING:
    from ccfpy.kv.changes import WriteSet


BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"


def test_a_certificate_is_decoded_where_one_belongs() -> None:
    told = shown_short(USER.pem, is_pem=True)
    assert USER.subject in told
    assert f"valid until {USER.not_after.astimezone(UTC):%Y-%m-%d}" in told
    assert told.endswith(f"SHA-256 {USER.digest_hex}")
    assert shown_whole(users.CERTS.name, USER.pem.encode()) == told
    info = json.dumps({"cert": USER.pem, "status": "Open"}).encode()
    assert told in shown_whole(service.INFO.name, info)
    bundle = json.dumps(USER.pem * 2).encode()
    assert shown_whole(jwt.CA_CERT_BUNDLES.name, bundle) == f"{told}\n{told}"


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (USER.not_after + timedelta(days=1), "expired on "),
        (USER.not_after - timedelta(days=3), "expires soon, on "),
        (USER.not_before - timedelta(days=1), "not valid before "),
        (USER.not_before + timedelta(minutes=1), ""),
    ],
)
def test_a_certificate_that_is_not_valid_is_said_to_be_that(
    at: datetime, told: str
) -> None:
    found = list(validity_warnings(USER.pem * 2 + BROKEN, now=at))
    assert len(found) == (2 if told else 0)
    assert all(each.startswith(told) for each in found)


def test_other_blocks_are_named_by_their_digest() -> None:
    assert decoded(KEY) == f"public key of 3 bytes, SHA-256 {sha256_hex(bytes(3))}"
    assert "cannot be read" in str(decoded(BROKEN))


def test_a_block_of_another_kind_is_shown_as_it_is() -> None:
    label = "CERTIFICATE OF MEMBER0 CHECKED BY CCFPY"
    assert decoded(KEY.replace("PUBLIC KEY", label)) is None


@attack("gov: code between the lines of a certificate")
def test_nothing_is_decoded_by_how_it_looks() -> None:
    code = f"a();\n//{KEY.replace('AAAA', 'return')}b();\n"
    for value in (KEY, USER.pem, code):
        assert "SHA-256" not in shown_short(value[:TEXT_CHARACTERS_MAX])
        assert shown_whole(js.MODULES.name, value.encode()) == value
        stored = json.dumps(value).encode()
        assert shown_whole(service.CONSTITUTION.name, stored) == value
        assert shown_whole("public:ccf.gov.other", stored) == stored.decode()
    assert "-----BEGIN" in shown_short({"cert": KEY})


@attack("gov: code between the lines of a certificate")
@pytest.mark.parametrize(
    "other",
    [
        KEY.removesuffix("\n"),
        KEY.replace("AAAA", "AAAB"),
        KEY.replace("AAAA", "AA AA"),
        KEY.replace("\n", "\r\n"),
        f"{KEY}x",
        f"x{KEY}",
        f" {KEY}",
        f"{KEY}\n",
        KEY.replace("AAAA", "return true"),
        KEY.replace("AAAA", "AAA"),
        KEY.replace("AAAA", "AA==").replace("AA==", "AB=="),
        KEY * 2,
        str(decoded(KEY)),
    ],
)
def test_certificates_and_keys_that_are_written_otherwise_are_shown_so(
    other: str,
) -> None:
    shown = shown_short(KEY, is_pem=True)
    assert shown_short(other, is_pem=True) != shown
    assert "⟦" not in shown


def test_a_bundle_is_all_of_its_blocks() -> None:
    two = decoded(KEY + BROKEN)
    assert two == f"{decoded(KEY)}\n{decoded(BROKEN)}"
    long = base64.b64encode(bytes(100)).decode()
    rows = f"{long[:64]}\n{long[64:128]}\n{long[128:]}"
    assert "100 bytes" in str(decoded(KEY.replace("AAAA", rows)))
    assert decoded(KEY.replace("AAAA", long)) is None, "tools write lines of 64"
    assert decoded("") is None


@pytest.mark.parametrize("extra", [0, 1])
def test_a_long_text_is_counted(extra: int) -> None:
    text = "x" * (TEXT_CHARACTERS_MAX + extra)
    assert (shown_short(text) == text) == (extra == 0)
    if extra:
        digest = sha256_hex(text.encode())
        assert shown_short(text).startswith(
            f"⟦1 lines, {len(text)} characters, SHA-256 {digest}, beginning with⟧ xxx"
        )


def test_long_lists_and_objects_are_cut_and_named_by_their_digest() -> None:
    numbers = list(range(1000))
    assert shown_short([1, 2]) == "[1, 2]"
    assert shown_short([*numbers]).startswith(
        "⟦a list of 1000, 4890 characters, SHA-256"
    )
    assert shown_short({"a": [*numbers]}) != shown_short({"a": [*numbers, 0]})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (None, "null"),
        (1, "1"),
        ("1", '"1"'),
        ("", None),
        ("", " "),
        ("a", "a "),
        ("a", "a\n"),
        ([1, 2], "[1, 2]"),
        ({"a": "b"}, '{"a": "b"}'),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ("a\u200b", "a⟦U+200B⟧"),
        ("\u00e4", "\\u00e4"),
    ],
)
def test_arguments_that_differ_are_shown_differently(one: Json, other: Json) -> None:
    shown = [
        [shown_short(value, is_pem=is_pem) for is_pem in (False, True)]
        for value in (one, other)
    ]
    assert shown[0][0] != shown[1][0]
    # Their order is nothing that a value has where names have values.
    assert shown[0][1] != shown[1][1]


@pytest.mark.parametrize(
    ("table", "value", "shown"),
    [
        (
            users.INFO.name,
            b'{"b":1,"a":[true]}',
            '{\n  "a": [\n    true\n  ],\n  "b": 1\n}',
        ),
        ("x", b'"text"', '"text"'),
        ("x", '"\u00e4"'.encode(), '"\u00e4"'),
        ("x", b'{"a":1,"a":2}', '{"a":1,"a":2}'),
        (service.CONSTITUTION.name, b'"text\\n"', "text\n"),
        (js.MODULES.name, b'"text"', '"text"'),
        ("x", b"AllowedToJoin", "AllowedToJoin"),
        ("x", b"\xff", "\udcff"),
    ],
)
def test_values_of_tables_are_laid_out(table: str, value: bytes, shown: str) -> None:
    assert shown_whole(table, value) == shown


@pytest.mark.parametrize("table", ["x", "public:ccf.gov.other", "public:ccf.gov.a"])
def test_bytes_decide_in_tables_that_are_not_known(table: str) -> None:
    one = b'{"a":1,"b":2}'
    for other in (b'{"b":2,"a":1}', b'{"a": 1,"b":2}', b'{"a":1e0,"b":2}'):
        assert comparable(table, one) != comparable(table, other)
        assert shown_whole(table, other) == other.decode()


def test_only_the_order_of_names_is_no_difference() -> None:
    known = users.INFO.name
    assert comparable(known, b'{"a":1,"b":2}') == comparable(known, b'{"b":2, "a":1}')
    for other in (b'{"a":1}', b'{"a":"1"}', b'{"a":1.0}', b'{"a":1,"a":1}', b"x"):
        assert comparable(known, b'{"a":true}') != comparable(known, other)
    assert comparable(js.MODULES.name, b'"a"') != comparable(js.MODULES.name, b' "a"')


def test_each_row_that_changes_is_a_diff() -> None:
    store = Store()
    table, other = js.MODULES.name, "public:ccf.gov.of_an_extension"
    store.apply(1, {table: {b"/a.js": b'"old"', b"/b.js": b'"same"'}})
    writes: WriteSet = {
        table: {b"/a.js": b'"new"', b"/b.js": b'"same"', b"/c.js": None},
        js.MODULES_BYTECODE.name: {b"/a.js": b"\x00"},
        service.CONSTITUTION.name: {UNIT: b'"rules"'},
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
        service.CONSTITUTION.name: {UNIT: long},
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
