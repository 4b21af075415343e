"""HTML of our own page about endpoints, as elements that the console's page makes.

The console's page takes no HTML: its policy forbids that. So the page of endpoints,
which one renderer writes for ``ccfpy api``, nodes and the console, goes there as
a tree of elements. Of attributes there are those that the page needs, and no other.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from ccfpy.console.answers import Markup

TAGS = frozenset(
    {
        *("article", "button", "code", "details", "div", "h1", "h2", "h3", "h4", "li"),
        *("p", "pre", "section", "small", "span", "summary", "table", "td", "tr", "ul"),
    }
)
"""The elements that the renderer writes; another one is dropped, and its text stays."""


@dataclass(slots=True)
class _Open:
    tag: str
    kind: str = ""
    search: str = ""
    inner: list[Markup] = field(default_factory=list)

    def closed(self) -> Markup:
        return Markup(
            tag=self.tag,
            kind=self.kind,
            search=self.search,
            text="",
            inner=tuple(self.inner),
        )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [_Open("div")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in TAGS:
            given = dict(attrs)
            search, kind = given.get("data-text") or "", given.get("class") or ""
            self.open.append(_Open(tag, kind, search))

    def handle_endtag(self, tag: str) -> None:
        if tag in TAGS and len(self.open) > 1:
            made = self.open.pop().closed()
            self.open[-1].inner.append(made)

    def handle_data(self, data: str) -> None:
        text = Markup(tag="", kind="", search="", text=data, inner=())
        self.open[-1].inner.append(text)


def markup(html: str) -> Markup:
    """Return what HTML of our renderer holds, in a ``div``."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.open[0].closed()
