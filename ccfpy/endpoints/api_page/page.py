"""One HTML page for some OpenAPI documents, complete in itself.

The page loads nothing: its style and its script are in it, and its policy allows these
two, by their digests, and nothing else. So even a document that found a way around
``escape`` could run nothing and send nothing. All text goes through ``escape``: markup
has no meaning, and characters that are invisible or that change the direction of
reading are shown by their numbers. A schema that contains itself is shown once.
"""

import base64
import pkgutil
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from ccfpy.base.json import Json, JsonObject
from ccfpy.base.limits import API_PAGE_BYTES_MAX
from ccfpy.base.unseen import UNSEEN
from ccfpy.crypto.hashing import sha256
from ccfpy.endpoints.api_page.document import (
    EVERYBODY,
    GENERAL,
    ApiDocument,
    DescribedContent,
    DescribedOperation,
    as_list,
    as_object,
    described,
    text_at,
)
from ccfpy.endpoints.api_page.example import CurlCaller, curl, sample_of, written

MARK = "<!-- Made by ccfpy api. -->"
"""The mark by which a page that we wrote is recognised."""
HEADING_MAX = 4000
"""Characters of a document's own title, version, description, or of a tag."""
FORWARDING = {
    "always": "the primary answers",
    "sometimes": "the node answers, or the primary if the session is forwarded",
    "never": "this node answers",
}


def _file(name: str) -> str:
    # Read with this module: an enclave that has closed itself off reads no file.
    content = pkgutil.get_data(__package__, name)
    assert content is not None, "the file is installed with the module"
    return content.decode().strip()


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode())).decode()}"


_STYLE: Final = _file("page.css")
_SCRIPT: Final = _file("page.js")
POLICY: Final = (
    f"default-src 'none'; style-src '{_digest(_STYLE)}'; "
    f"script-src '{_digest(_SCRIPT)}'; base-uri 'none'; form-action 'none'"
)
"""What a browser may do for the page, as the page itself says it."""


def page(
    documents: Sequence[ApiDocument],
    caller: CurlCaller,
    *,
    bytes_max: int = API_PAGE_BYTES_MAX,
) -> str:
    """Return the page.

    Args:
        documents: what it describes.
        caller: how the service is reached.
        bytes_max: of what is said of all documents. Each has an equal share, so that
            none can leave another without room; operations beyond it are counted.
    """
    share = bytes_max // max(1, len(documents))
    writers = [
        _Writer(document, caller, number, share)
        for number, document in enumerate(documents)
    ]
    title = " · ".join(document.title for document in documents)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            MARK,
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            element("title", escape(shortened(title))),
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            element("nav", _TOOLS + "".join(each.contents for each in writers)),
            element("main", "".join(each.html for each in writers) + _NOTHING),
            f"<script>{_SCRIPT}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def articles(documents: Sequence[ApiDocument], caller: CurlCaller) -> Iterator[str]:
    """Return what the page says of each document, for a page around it."""
    share = API_PAGE_BYTES_MAX // max(1, len(documents))
    for number, document in enumerate(documents):
        yield _Writer(document, caller, number, share).html


_TOOLS = (
    '<div class="tools"><input id="search" type="search" autocomplete="off"'
    ' placeholder="Search (press /)" aria-label="Search">'
    '<button id="theme" type="button" title="Light or dark">◐</button></div>'
)
_NOTHING = '<p id="nothing" hidden>Nothing of that kind.</p>'


class _Writer:
    """Writes what a page says of one document.

    Attributes:
        contents: the table of contents.
        html: the description of the document and of each operation.
    """

    def __init__(
        self, document: ApiDocument, caller: CurlCaller, number: int, bytes_max: int
    ) -> None:
        self._document = document
        self._caller = caller
        self._number = number
        self._room = bytes_max
        self._left_out = 0
        self._schemas = SchemaTree(document)
        operations = sorted(
            document.operations(), key=lambda each: (each.tag != GENERAL, each.tag)
        )
        links = [element("h2", escape(shortened(document.title)))]
        parts = [self._head()]
        count = 0
        for tag, group in groupby(operations, lambda each: each.tag):
            named = escape(shortened(tag))
            listed: list[str] = []
            told: list[str] = []
            for operation in group:
                place = f"d{number}-{count}"
                count += 1
                link, text = _link(place, operation), self._operation(place, operation)
                if self._has_room(link + text + named):
                    listed.append(link)
                    told.append(text)
            if told:
                items = element("ul", "".join(listed))
                links.append(element("section", element("h3", named) + items))
                parts.append(element("section", element("h2", named) + "".join(told)))
        if self._left_out:
            parts.append(_prose(_too_many(self._left_out)))
        self.contents = element("div", "".join(links), kind="document")
        self.html = element("article", "".join(parts))

    def _has_room(self, text: str) -> bool:
        """Take room for an operation, or count the operation as left out."""
        size = len(text.encode())
        if size > self._room:
            self._left_out += 1
            return False
        self._room -= size
        return True

    def _head(self) -> str:
        document = self._document
        version = element("small", escape(shortened(document.version)))
        title = element("h1", f"{escape(shortened(document.title))} {version}")
        return title + _prose(shortened(document.description))

    def _operation(self, place: str, operation: DescribedOperation) -> str:
        chips = "".join(element("span", each, kind="chip") for each in _who(operation))
        head = [
            _badge(operation),
            element("code", escape(operation.path), kind="path"),
            element("span", escape(operation.summary), kind="summary"),
            element("span", chips, kind="chips"),
        ]
        sections = [
            _prose(operation.description),
            self._parameters(operation),
            *(self._content("Body", each, operation) for each in operation.bodies),
            *self._answers(operation),
            self._curl(operation),
        ]
        if operation.forwarding in FORWARDING:
            told = f"Sent to a backup: {FORWARDING[operation.forwarding]}."
            sections.insert(1, element("p", told, kind="prose"))
        searched = (
            f"{operation.verb} {operation.path} {operation.summary} {operation.tag}"
        )
        return element(
            "details",
            element("summary", "".join(head))
            + element("div", "".join(sections), kind="body"),
            kind="operation deprecated" if operation.is_deprecated else "operation",
            more=attribute("id", place) + attribute("data-text", searched.lower()),
        )

    def _parameters(self, operation: DescribedOperation) -> str:
        rows = [
            element(
                "tr",
                element("td", element("code", escape(each.name), kind="name"))
                + element("td", escape(each.place))
                + element("td", "required" if each.is_required else "optional")
                + element(
                    "td", self._schemas.html(each.schema) + _prose(each.description)
                ),
            )
            for each in operation.parameters
        ]
        if not rows:
            return ""
        return element("h4", "Parameters") + element("table", "".join(rows))

    def _content(
        self, title: str, content: DescribedContent, operation: DescribedOperation
    ) -> str:
        head = f"{escape(title)} {element('small', escape(content.media_type))}"
        return element("h4", head) + element(
            "div",
            self._schemas.html(content.schema)
            + self._sample(content, is_told=operation.verb != "HEAD"),
            kind="content",
        )

    def _sample(self, content: DescribedContent, *, is_told: bool) -> str:
        if not is_told or "json" not in content.media_type:
            return ""
        return element(
            "pre", escape(written(sample_of(self._document, content), indent=2))
        )

    def _answers(self, operation: DescribedOperation) -> Iterator[str]:
        for answer in operation.answers:
            status = element("span", escape(answer.status), kind=_kind(answer.status))
            yield element("h4", f"{status} {escape(answer.description)}")
            for content in answer.contents:
                yield self._content("", content, operation)

    def _curl(self, operation: DescribedOperation) -> str:
        line = element("code", escape(curl(self._document, operation, self._caller)))
        button = '<button class="copy" type="button">Copy</button>'
        return element("h4", "With curl") + element("pre", line + button, kind="curl")


def shortened(text: str) -> str:
    """Return a text as far as a heading should hold it."""
    return text if len(text) <= HEADING_MAX else text[:HEADING_MAX] + "…"


def _too_many(count: int) -> str:
    return f"The page has no room for {count} further operations: read the document."


def _link(place: str, operation: DescribedOperation) -> str:
    """Return an operation's line in the table of contents."""
    path = element("span", escape(operation.path), kind="path")
    link = element("a", _badge(operation) + path, more=attribute("href", f"#{place}"))
    return element("li", link, more=attribute("data-for", place))


def _badge(operation: DescribedOperation) -> str:
    return element(
        "span", escape(operation.verb), kind=f"verb {operation.verb.lower()}"
    )


def _who(operation: DescribedOperation) -> Iterator[str]:
    if operation.is_deprecated:
        yield "deprecated"
    if operation.policies == ():
        yield EVERYBODY
    for policy in operation.policies or ():
        yield escape(described(policy))


def _prose(text: str) -> str:
    return element("p", escape(text), kind="prose") if text else ""


def _kind(status: str) -> str:
    return "status good" if status.startswith("2") else "status"


DEPTH_MAX = 10
LINES_MAX = 400
"""Lines of one tree; a schema can refer to others in more ways than a page can hold."""
VALUES_MAX = 30
"""Values of an enumeration that are listed."""
_LIMITS = {
    "format": "format",
    "pattern": "pattern",
    "minimum": "≥",
    "maximum": "≤",
    "minLength": "at least this long:",
    "maxLength": "at most this long:",
    "minItems": "at least",
    "maxItems": "at most",
    "default": "default",
}
_UINT64_MAX = 2**64 - 1


class SchemaTree:
    """Writes one schema of a document."""

    def __init__(self, document: ApiDocument) -> None:
        self._document = document
        self._lines = 0

    def html(self, schema: Json) -> str:
        """Return the tree of a schema."""
        self._lines = 0
        return element(
            "ul", self._line("", schema, (), is_required=True), kind="schema"
        )

    def _line(
        self, name: str, schema: Json, above: tuple[str, ...], *, is_required: bool
    ) -> str:
        self._lines += 1
        described, known_as = self._document.resolve(schema)
        parts = [element("code", escape(name), kind="name")] if name else []
        parts.append(element("span", escape(_type(described, known_as)), kind="type"))
        if name and is_required:
            parts.append(element("span", "required", kind="required"))
        parts += [element("span", each, kind="limit") for each in _limits(described)]
        if description := text_at(described, "description"):
            parts.append(element("span", escape(description), kind="prose"))
        ends = known_as in above or len(above) >= DEPTH_MAX
        below = "" if ends else self._below(described, (*above, known_as))
        return element("li", " ".join(parts) + below)

    def _below(self, described: JsonObject, above: tuple[str, ...]) -> str:
        lines: list[str] = []
        for name, schema, is_required in _parts(described):
            if self._lines >= LINES_MAX:
                lines.append(element("li", "and more", kind="prose"))
                break
            lines.append(self._line(name, schema, above, is_required=is_required))
        return element("ul", "".join(lines)) if lines else ""


def _parts(described: JsonObject) -> Iterator[tuple[str, Json, bool]]:
    """Return the schemas within a schema: name, schema, whether it is required."""
    required = as_list(described.get("required"))
    for name, schema in as_object(described.get("properties")).items():
        yield name, schema, name in required
    if "items" in described:
        yield "[ ]", described["items"], False
    if isinstance(described.get("additionalProperties"), dict):
        yield "{ any name }", described["additionalProperties"], False
    for kind in ("allOf", "oneOf", "anyOf"):
        for schema in as_list(described.get(kind)):
            yield kind, schema, False


def _type(described: JsonObject, known_as: str) -> str:
    values = as_list(described.get("enum"))
    if values:
        kind = " | ".join(written(value) for value in values[:VALUES_MAX])
    else:
        kind = text_at(described, "type") or ("object" if described else "any")
    if described.get("nullable") is True:
        kind += " or null"
    return f"{known_as}: {kind}" if known_as and known_as != kind else kind


def _limits(described: JsonObject) -> Iterator[str]:
    for field, word in _LIMITS.items():
        value = described.get(field)
        if value is not None and value != _UINT64_MAX:
            yield f"{escape(word)} {element('code', escape(written(value)))}"


_UNSEEN = re.compile(f"[{UNSEEN}]")
_CODE_OF_FOUR_DIGITS_MAX = 0xFFFF
# Python's ``html`` would bring a table of all named characters into every enclave.
_MARKUP = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
)


def escape(text: str) -> str:
    """Escape text for an element or a quoted attribute."""
    shown = _UNSEEN.sub(_numbered, text)
    return shown.encode("utf-8", "replace").decode().translate(_MARKUP)


def _numbered(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code <= _CODE_OF_FOUR_DIGITS_MAX else f"\\U{code:08x}"


def attribute(name: str, value: str) -> str:
    """Return an attribute with a blank before it."""
    return f' {name}="{escape(value)}"'


def element(tag: str, inner: str, *, kind: str = "", more: str = "") -> str:
    """Wrap HTML in an element; ``more`` is attributes made by ``attribute``."""
    of_kind = attribute("class", kind) if kind else ""
    return f"<{tag}{of_kind}{more}>{inner}</{tag}>"
