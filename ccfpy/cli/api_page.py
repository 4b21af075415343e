"""One HTML page for some OpenAPI documents, complete in itself.

The page loads nothing: its style and its script are in it, and its policy allows these
two, by their digests, and nothing else. So even a document that found a way around
``escape`` could run nothing and send nothing.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from importlib import resources
from itertools import groupby

from ccfpy.cli.api_curl import Caller, curl, sample_of
from ccfpy.cli.api_document import GENERAL, Content, Document, Operation
from ccfpy.cli.api_example import written
from ccfpy.cli.api_schema import SchemaTree
from ccfpy.cli.api_text import attribute, element, escape

MARK = "<!-- Made by ccfpy api. -->"
"""The mark by which a page that we wrote is recognised."""
FORWARDING = {
    "always": "the primary answers",
    "sometimes": "the node answers, or the primary if the session is forwarded",
    "never": "this node answers",
}


def page(documents: Sequence[Document], caller: Caller) -> str:
    """Return the page."""
    style, script = _file("api_page.css"), _file("api_page.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; "
        f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    writers = [
        _Writer(document, caller, number) for number, document in enumerate(documents)
    ]
    title = " · ".join(document.title for document in documents)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            MARK,
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            element("title", escape(title)),
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            element("nav", _TOOLS + "".join(each.contents() for each in writers)),
            element("main", "".join(each.html() for each in writers) + _NOTHING),
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


_TOOLS = (
    '<div class="tools"><input id="search" type="search" autocomplete="off"'
    ' placeholder="Search (press /)" aria-label="Search">'
    '<button id="theme" type="button" title="Light or dark">◐</button></div>'
)
_NOTHING = '<p id="nothing" hidden>Nothing of that kind.</p>'


def _file(name: str) -> str:
    return resources.files("ccfpy.cli").joinpath(name).read_text("utf-8").strip()


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


class _Writer:
    """Writes what a page says of one document."""

    def __init__(self, document: Document, caller: Caller, number: int) -> None:
        self._document = document
        self._caller = caller
        self._number = number
        self._schemas = SchemaTree(document)
        operations = sorted(
            document.operations(), key=lambda each: (each.tag != GENERAL, each.tag)
        )
        self._groups = [
            (tag, list(group))
            for tag, group in groupby(operations, lambda each: each.tag)
        ]

    def _places(self) -> Iterator[tuple[str, list[tuple[str, Operation]]]]:
        """Return the operations of each tag, with the ids of their elements."""
        count = 0
        for tag, group in self._groups:
            placed = []
            for operation in group:
                placed.append((f"d{self._number}-{count}", operation))
                count += 1
            yield tag, placed

    def contents(self) -> str:
        """Return the table of contents."""
        parts = [element("h2", escape(self._document.title))]
        for tag, placed in self._places():
            links = [
                element(
                    "li",
                    element(
                        "a",
                        _badge(each) + element("span", escape(each.path), kind="path"),
                        more=attribute("href", f"#{place}"),
                    ),
                    more=attribute("data-for", place),
                )
                for place, each in placed
            ]
            group = element("h3", escape(tag)) + element("ul", "".join(links))
            parts.append(element("section", group))
        return element("div", "".join(parts), kind="document")

    def html(self) -> str:
        """Return the description of the document and of each operation."""
        document = self._document
        version = element("small", escape(document.version))
        parts = [
            element("h1", f"{escape(document.title)} {version}"),
            _prose(document.description),
        ]
        for tag, placed in self._places():
            operations = [self._operation(place, each) for place, each in placed]
            group = element("h2", escape(tag)) + "".join(operations)
            parts.append(element("section", group))
        return element("article", "".join(parts))

    def _operation(self, place: str, operation: Operation) -> str:
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

    def _parameters(self, operation: Operation) -> str:
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

    def _content(self, title: str, content: Content, operation: Operation) -> str:
        head = f"{escape(title)} {element('small', escape(content.media_type))}"
        return element("h4", head) + element(
            "div",
            self._schemas.html(content.schema)
            + self._sample(content, is_told=operation.verb != "HEAD"),
            kind="content",
        )

    def _sample(self, content: Content, *, is_told: bool) -> str:
        if not is_told or "json" not in content.media_type:
            return ""
        return element(
            "pre", escape(written(sample_of(self._document, content), indent=2))
        )

    def _answers(self, operation: Operation) -> Iterator[str]:
        for answer in operation.answers:
            status = element("span", escape(answer.status), kind=_kind(answer.status))
            yield element("h4", f"{status} {escape(answer.description)}")
            for content in answer.contents:
                yield self._content("", content, operation)

    def _curl(self, operation: Operation) -> str:
        line = element("code", escape(curl(self._document, operation, self._caller)))
        button = '<button class="copy" type="button">Copy</button>'
        return element("h4", "With curl") + element("pre", line + button, kind="curl")


def _badge(operation: Operation) -> str:
    return element(
        "span", escape(operation.verb), kind=f"verb {operation.verb.lower()}"
    )


def _who(operation: Operation) -> Iterator[str]:
    if operation.is_deprecated:
        yield "deprecated"
    if operation.policies == ():
        yield "anybody"
    for policy in operation.policies or ():
        yield "anybody" if policy == "no_auth" else escape(policy)


def _prose(text: str) -> str:
    return element("p", escape(text), kind="prose") if text else ""


def _kind(status: str) -> str:
    return "status good" if status.startswith("2") else "status"
