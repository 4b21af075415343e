"""The page is complete, says what documents say, and runs nothing of theirs."""

import base64
import hashlib
import html
import html.parser
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.logging.app import app as logging
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.unseen import UNSEEN
from ccfpy.endpoints.api_page.document import ApiDocument
from ccfpy.endpoints.api_page.example import CurlCaller
from ccfpy.endpoints.api_page.page import (
    LINES_MAX,
    VALUES_MAX,
    SchemaTree,
    articles,
    attribute,
    element,
    escape,
    page,
)
from ccfpy.gov.api import OPERATIONS
from ccfpy.gov.operations import ApiVersion
from ccfpy.gov.swagger import document as swagger

CALLER = CurlCaller(url="https://node.example", folder="keys")
VOID = {"meta", "input", "link", "br"}
TAGS = {
    "a", "article", "body", "button", "code", "details", "div", "h1", "h2", "h3", "h4",
    "head", "html", "input", "li", "main", "meta", "nav", "p", "pre", "script",
    "section", "small", "span", "style", "summary", "table", "td", "title", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "aria-label", "autocomplete", "charset", "class", "content", "data-for",
    "data-text", "hidden", "href", "http-equiv", "id", "lang", "name", "placeholder",
    "title", "type",
}  # fmt: skip


class Read(html.parser.HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == [], "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        within = self._open[-1] if self._open else ""
        kept = {"script": self.scripts, "style": self.styles}.get(within, self.text)
        kept.append(data)

    def attribute(self, name: str) -> list[str]:
        return [value or "" for each, value in self.attributes if each == name]


def _read(*documents: Json) -> Read:
    return Read(page([ApiDocument(each) for each in documents], CALLER))


def check(read: Read) -> None:
    """Assert that there is nothing on the page but our own elements and our script."""
    assert set(read.tags) <= TAGS
    assert {name for name, _ in read.attributes} <= ATTRIBUTES
    assert all(
        re.fullmatch(r"#d[0-9]+-[0-9]+", each) for each in read.attribute("href")
    )
    ids = read.attribute("id")
    assert len(ids) == len(set(ids))
    (policy,) = [each for each in read.attribute("content") if "default-src" in each]
    assert policy.startswith("default-src 'none'; ")
    for text in (read.scripts, read.styles):
        (only,) = text
        digest = base64.b64encode(hashlib.sha256(only.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_every_operation_of_real_documents_is_shown() -> None:
    described = [logging.openapi(), swagger(ApiVersion.V1, OPERATIONS)]
    read = _read(*described)
    check(read)
    text = "".join(read.text)
    for document in described:
        paths = document["paths"]
        assert isinstance(paths, dict)
        assert len(paths) > 10
        assert all(path in text for path in paths)
    assert "users with a certificate" in text
    assert "user_cert" not in text
    assert "curl --cacert keys/service_cert.pem" in text
    assert "-d" not in text.split("POST")[0]


EVIL = "</script><script>pwned=1</script>\"'><img src=x onerror=pwned=1>{{x}}\u202e\x00"


def _hostile(evil: str) -> JsonObject:
    schema: JsonObject = {
        "type": "object",
        "description": evil,
        "required": [evil],
        "properties": {evil: {"type": evil, "enum": [evil], "format": evil}},
        "example": {evil: evil},
    }
    operation: JsonObject = {
        "summary": evil,
        "description": evil,
        "tags": [evil],
        "deprecated": True,
        "x-ccfpy-policies": [evil, "user_cert"],
        "x-ccf-forwarding": {"$ref": evil},
        "parameters": [
            {"name": evil, "in": "query", "required": True, "schema": schema},
            {"name": evil, "in": evil, "description": evil},
        ],
        "requestBody": {"content": {evil: {"schema": schema}}},
        "responses": {evil: {"description": evil, "content": {evil: {}}}},
    }
    return {
        "info": {"title": evil, "version": evil, "description": evil},
        "paths": {f"/app/{evil}": {"post": operation}},
    }


@pytest.mark.parametrize(
    "evil", [EVIL, "javascript:alert(1)", "';rm -rf ~;'", "$(id)", "`id`", "\ud800"]
)
def test_a_hostile_document_is_shown_and_does_nothing(evil: str) -> None:
    check(_read(_hostile(evil)))


def test_what_cannot_be_seen_is_shown_by_its_number() -> None:
    text = "".join(_read(_hostile("a\u202eb\x00c")).text)
    assert "\u202e" not in text
    assert "\\u202e" in text
    assert "\\u0000" in text


def test_a_line_for_a_shell_is_one_command() -> None:
    read = _read(_hostile("'; rm -rf ~; '"))
    (line,) = [text for text in read.text if text.startswith("curl ")]
    assert "; rm" in line
    unquoted = re.sub(r"'[^']*'|\"'\"", "", line)
    assert ";" not in unquoted


def test_schemas_that_hold_themselves_end() -> None:
    node: JsonObject = {
        "type": "object",
        "required": ["left", "right"],
        "properties": {
            side: {"$ref": "#/components/schemas/Node"} for side in ("left", "right")
        },
    }
    loop: JsonObject = {"$ref": "#/components/schemas/Loop"}
    wide: JsonObject = {
        f"S{i}": {
            "type": "object",
            "properties": {
                f"p{j}": {"$ref": f"#/components/schemas/S{i + 1}"} for j in range(9)
            },
        }
        for i in range(9)
    }
    content: JsonObject = {
        f"application/{name}+json": {"schema": {"$ref": f"#/components/schemas/{name}"}}
        for name in ("Node", "Loop", "S0")
    }
    document: JsonObject = {
        "paths": {"/a": {"post": {"requestBody": {"content": content}}}},
        "components": {"schemas": {"Node": node, "Loop": loop, **wide}},
    }
    text = page([ApiDocument(document)], CALLER)
    check(Read(text))
    assert len(text) < 400_000


WORDS = """
    paths /a/{b} get post $ref #/paths schema content type parameters in body path name
    properties items responses
""".split()  # noqa: SIM905 - read as a text
TEXT = st.sampled_from(WORDS) | st.text(max_size=4)
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=5)
    ),
    max_leaves=40,
)
FIELDS = """
    parameters requestBody responses security tags consumes summary x-ccfpy-policies
    x-ccf-forwarding
""".split()  # noqa: SIM905 - read as a text
OPERATION = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, ANY_JSON))


@pytest.mark.slow
@given(operation=OPERATION | ANY_JSON, rest=ANY_JSON)
@settings(max_examples=60)
def test_any_json_makes_a_page(operation: Json, rest: Json) -> None:
    document: JsonObject = {"paths": {"/a/{b}": {"post": operation, "get": rest}}}
    document["components"] = rest
    check(_read(document, rest))


def _large(tag: str, count: int) -> JsonObject:
    operations: JsonObject = {
        f"/{tag}/{number}": {"get": {"description": "x" * 1000}}
        for number in range(count)
    }
    return {"info": {"title": tag}, "paths": operations}


def test_a_document_that_is_too_large_leaves_others_their_room() -> None:
    whole = page([ApiDocument(_large("big", 100))], CALLER, bytes_max=200_000)
    assert "no room" not in whole
    both = [ApiDocument(_large("big", 100)), ApiDocument(_large("small", 20))]
    text = page(both, CALLER, bytes_max=100_000)
    check(Read(text))
    shown = text.count('id="d0-')
    assert 10 < shown < 50
    assert text.count("no room") == 1
    assert f"no room for {100 - shown} further operations" in text
    assert text.count('id="d1-') == 20


def test_a_page_has_a_bound_even_where_one_operation_is_larger() -> None:
    document: JsonObject = {"paths": {"/a": {"get": {"description": "x" * 3_000_000}}}}
    text = page([ApiDocument(document)], CALLER)
    assert len(text) < 100_000
    assert "no room for 1 further" in text


def test_a_heading_is_cut() -> None:
    text = page([ApiDocument({"info": {"title": "x" * 10_000_000}})], CALLER)
    assert len(text) < 100_000


def test_articles_say_what_the_page_says() -> None:
    documents = [ApiDocument(logging.openapi()), ApiDocument(_large("small", 3))]
    whole = page(documents, CALLER)
    parts = list(articles(documents, CALLER))
    assert len(parts) == 2
    assert all(part in whole for part in parts)


TREE = SchemaTree(ApiDocument({}))


def test_types_names_and_limits_are_told() -> None:
    text = TREE.html(
        {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "integer", "minimum": 3, "nullable": True}},
        }
    )
    assert "integer or null" in text
    assert "required" in text
    assert "≥ <code>3</code>" in text


def test_lines_beyond_the_bound_are_told_to_be_there() -> None:
    def tree(count: int) -> str:
        properties: JsonObject = {f"p{i}": {"type": "string"} for i in range(count)}
        return TREE.html({"type": "object", "properties": properties})

    assert "and more" not in tree(LINES_MAX - 1)
    assert "and more" in tree(LINES_MAX)


def test_values_beyond_the_bound_are_left_out() -> None:
    text = TREE.html({"enum": [f"v{number}" for number in range(VALUES_MAX + 1)]})
    assert f"v{VALUES_MAX - 1}" in text
    assert f"v{VALUES_MAX}" not in text


def test_markup_has_no_meaning() -> None:
    assert escape("<b a='\"'>&") == "&lt;b a=&#x27;&quot;&#x27;&gt;&amp;"


def test_what_is_unseen_is_shown_by_its_number() -> None:
    assert escape("a\u202eb\x07\ud800") == "a\\u202eb\\u0007\\ud800"


SEEN = st.characters(exclude_categories=["C", "Z"]).filter(
    lambda character: re.match(f"[{UNSEEN}]", character) is None
)


@given(st.text(alphabet=SEEN))
def test_a_browser_reads_what_was_written(text: str) -> None:
    assert html.unescape(escape(text)) == text
    assert not {"<", ">", '"', "'"} & set(escape(text))


def test_an_element_holds_its_attributes() -> None:
    made = element("p", "in", kind="k", more=attribute("id", '"'))
    assert made == '<p class="k" id="&quot;">in</p>'
