"""A request crosses in one piece, and arrives as its JSON would have."""

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.js.engine import JsLimits, Library
from ccfpy.js.extensions.request import (
    BODY_BYTES_MAX,
    Description,
    RequestExtension,
    encode_caller,
    encode_request,
)
from ccfpy.js.quickjs import QuickJs
from tests.unit.js.conftest import CountingClock

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.one_of(TEXTS, st.sampled_from(["__proto__", "constructor", "10", "9", ""]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=6,
)
CALLERS = st.none() | st.builds(
    lambda described, policy: {**described, "policy": policy},
    st.dictionaries(NAMES.filter(lambda name: name != "cose"), VALUES, max_size=4)
    | st.fixed_dictionaries({"id": TEXTS, "data": VALUES, "cert": TEXTS}),
    TEXTS,
)
DESCRIPTIONS = st.builds(
    Description,
    headers=st.dictionaries(NAMES, TEXTS, max_size=4),
    query=TEXTS,
    path=TEXTS,
    method=TEXTS,
    hostname=st.none() | TEXTS,
    route=TEXTS,
    url=TEXTS,
    params=st.dictionaries(NAMES, TEXTS, max_size=3),
    caller=st.none(),
)
SOURCE = """
    export const described = (request) => ({ body: JSON.stringify(request) });
    export const keys = (request) => ({ body: Object.keys(request) });
    export const members = ({ caller, headers }) => ({
      body: [Object.keys(caller), Object.keys(headers)],
    });
    export const bytes = ({ body }) => ({ body: body.arrayBuffer() });
    export const text = ({ body }) => ({ body: body.text() });
    export const parsed = ({ body }) => ({ body: body.json() });
"""


class Asked:
    """A request that is as a test says."""

    signed_content = b""

    def __init__(self) -> None:
        self.body = b""
        self.description = EMPTY

    def described(self) -> Description:
        return self.description


EMPTY = Description(
    headers={},
    query="",
    path="",
    method="",
    hostname=None,
    route="",
    url="",
    params={},
    caller=None,
)
ASKED = Asked()
ENDPOINT = RequestExtension(ASKED)
INTERPRETER = QuickJs(CountingClock()).interpreter(
    Library({"/m.js": SOURCE}), [ENDPOINT], is_reused=True
)


def told(function: str, description: Description = EMPTY, body: bytes = b"") -> bytes:
    """Return what a function answers."""
    ASKED.description, ASKED.body = description, body
    ENDPOINT.begin()
    ENDPOINT.ask(INTERPRETER, "/m.js", function, JsLimits())
    return ENDPOINT.body


@pytest.mark.slow
@given(DESCRIPTIONS, CALLERS)
def test_a_guest_finds_what_was_described(
    description: Description, caller: "JsonObject | None"
) -> None:
    expected = {**asdict(description), "body": {}, "caller": caller}
    if caller is not None:
        description = replace(description, caller=encode_caller(caller))
    assert json.loads(told("described", description)) == expected


def test_its_parts_lie_in_the_order_of_ccf_s() -> None:
    assert json.loads(told("keys")) == [
        "headers", "query", "path", "method", "hostname", "route", "url", "params",
        "body", "caller",
    ]  # fmt: skip


def test_what_has_names_is_sorted_by_them() -> None:
    caller: JsonObject = {"policy": "p", "id": "i", "data": None, "cert": "c"}
    encoded = encode_caller(caller)
    description = replace(EMPTY, headers={"b": "1", "a": "2"}, caller=encoded)
    assert json.loads(told("members", description)) == [
        ["cert", "data", "id", "policy"],
        ["a", "b"],
    ]


@given(st.binary(max_size=40) | TEXTS.map(str.encode))
def test_a_body_is_read_as_it_was_sent(body: bytes) -> None:
    assert told("bytes", body=body) == body
    assert told("text", body=body).decode() == body.decode(errors="replace")


@pytest.mark.parametrize("size", [BODY_BYTES_MAX, BODY_BYTES_MAX + 1])
def test_a_long_body_is_fetched(size: int) -> None:
    body = b'"' + b"x" * (size - 2) + b'"'
    is_sent = len(encode_request(EMPTY, body)) > size
    assert is_sent is (size == BODY_BYTES_MAX)
    assert told("bytes", body=body) == body
    assert told("parsed", body=body) == body[1:-1]


def test_nothing_of_one_body_is_in_the_next() -> None:
    assert told("text", body=b"a long secret") == b"a long secret"
    assert told("text", body=b"") == b""
    assert told("bytes", body=b"\xff") == b"\xff"
