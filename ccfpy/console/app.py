"""The app that a service runs, for those who write it or depend on it.

Its endpoints are those of the service's OpenAPI documents. The console's page takes no
HTML: its policy forbids that. So the page of endpoints, which one renderer writes for
``ccfpy api``, nodes and the console, goes there as a tree of elements, with the
attributes that the page needs and no others.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import quote

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import Json, JsonObject, loads_object
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from ccfpy.client.review.characters import inline, lines
from ccfpy.client.review.consequences import callers
from ccfpy.console.answers import (
    AppPage,
    EndpointRow,
    Installed,
    Markup,
    ModulePage,
    ModuleRow,
    Stated,
)
from ccfpy.console.proposal import INSTALLS, Stories, last_signed_at
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.endpoints.api_page.document import ApiDocument
from ccfpy.endpoints.api_page.example import CurlCaller
from ccfpy.endpoints.api_page.page import articles
from ccfpy.gov.definitions import Act, ProposalStory
from ccfpy.service.tables.proposals import ProposalState

VERSION: Final = "api-version=2024-07-01"
APP: Final = f"/gov/service/javascript-app?{VERSION}&case=original"
MODULES: Final = "/gov/service/javascript-modules"
LIMITS: Final = "/node/js_metrics"
FOLDER: Final = "KEYS"
BYTES: Final = "bytes"
_NUMBER: Final = re.compile(r"([0-9]{1,18})")
_LIMIT_WORDS: Final = {
    "max_heap_size": ("memory of a call", BYTES),
    "max_stack_size": ("stack of a call", BYTES),
    "max_execution_time": ("time of a call", "ms"),
    "max_cached_interpreters": ("interpreters kept", ""),
    "bytecode_size": ("compiled code in the ledger", BYTES),
}


class NoSuchModule(CcfpyError):
    """The installed app has no module of that name."""


async def app_page(
    connection: Connection,
    stories: Stories,
    *,
    actions_of: Callable[[str], Sequence[str]],
    named: Callable[[str], str],
    url: str,
) -> AppPage:
    """Describe the app, and every endpoint of the service.

    Args:
        connection: to the service.
        stories: the proposals that the service tells of.
        actions_of: returns the names of a proposal's actions, by its id.
        named: returns a member's name, or the beginning of the id.
        url: where people reach the service.
    """
    endpoints = await _endpoints(connection)
    modules = await _modules(connection)
    limits = await _limits(connection)
    documents = await fetch_documents(connection)
    not_known: list[str] = []
    if limits is None:
        not_known.append("this service does not tell the limits of scripts")
    installed = _installed(stories, actions_of, named) if modules else None
    if modules and installed is None:
        not_known.append(stories.why_not or "which proposal installed this app")
    caller = CurlCaller(url=url, folder=FOLDER)
    return AppPage(
        headline=_headline(endpoints, modules, [each.title for each in documents]),
        endpoints=tuple(endpoints),
        modules=tuple(ModuleRow(name=each, shown=inline(each)) for each in modules),
        limits=tuple(limits or ()),
        installed=installed,
        not_known=tuple(not_known),
        documents=tuple(map(markup, articles(documents, caller))),
    )


async def module_page(connection: Connection, name: str) -> ModulePage:
    """Describe a module, by the name that it has in the service's table.

    Raises:
        NoSuchModule: there is none.
    """
    # The slashes belong to the name.
    path = f"{MODULES}/{quote(name, safe='')}?{VERSION}"
    reply = await connection.request("GET", path)
    if reply.is_error:
        raise NoSuchModule(f"the installed app has no module {inline(name)}")
    rows = await _endpoints(connection)
    return ModulePage(
        name=inline(name),
        lines=tuple(lines(reply.text.removesuffix("\n"))),
        digest=sha256_hex(reply.body),
        endpoints=tuple(
            row for row in rows if _stored_name(row.module) == inline(name)
        ),
    )


def _stored_name(module: str) -> str:
    """Return a module's name as tables have it: an endpoint may leave out the slash."""
    return module if module.startswith("/") else f"/{module}"


def _headline(
    endpoints: Sequence[EndpointRow], modules: Sequence[str], titles: Sequence[str]
) -> str:
    if modules:
        told = _counted(len(endpoints), "endpoint"), _counted(len(modules), "module")
        return f"a JavaScript app of {told[0]} in {told[1]}"
    if titles:
        return f"{inline(titles[0])}: no JavaScript app is installed"
    return "no app is installed"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


async def _endpoints(connection: Connection) -> list[EndpointRow]:
    reply = await connection.request("GET", APP)
    if reply.is_error:
        return []
    stored = reply.object().get("endpoints")
    return sorted(
        (
            _row(str(verb), path, properties)
            for path, verbs in _object(stored).items()
            for verb, properties in _object(verbs).items()
        ),
        key=lambda row: (natural(row.path), row.verb),
    )


def _row(verb: str, path: str, properties: Json) -> EndpointRow:
    said = _object(properties)
    policies = said.get("authn_policies")
    return EndpointRow(
        verb=inline(verb).upper(),
        path=inline(path),
        who=callers(policies if isinstance(policies, list) else []),
        mode=_text(said, "mode"),
        forwarding=_text(said, "forwarding_required"),
        module=_text(said, "js_module"),
        function=_text(said, "js_function"),
    )


async def _modules(connection: Connection) -> list[str]:
    reply = await connection.request("GET", f"{MODULES}?{VERSION}")
    if reply.is_error:
        return []
    listed = reply.object().get("value")
    names = (
        _object(each).get("moduleName")
        for each in (listed if isinstance(listed, list) else [])
    )
    return sorted((name for name in names if isinstance(name, str)), key=natural)


async def _limits(connection: Connection) -> list[Stated] | None:
    reply = await connection.request("GET", LIMITS)
    if reply.is_error:
        return None
    told = reply.object()
    return [
        Stated(name=words, value=_measured(value, unit))
        for field, (words, unit) in _LIMIT_WORDS.items()
        if isinstance(value := told.get(field), int)
    ]


def natural(name: str) -> list[str | int]:
    """Return what sorts names as people do: numbers in them by their size."""
    # Every second part is a number, so that like is compared with like.
    parts = _NUMBER.split(name)
    return [int(part) if at % 2 else part for at, part in enumerate(parts)]


def _measured(value: int, unit: str) -> str:
    if unit == BYTES:
        for name, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
            if value >= size:
                return f"{value / size:,.1f}".removesuffix(".0") + f" {name}"
    return f"{value:,} {unit}".strip()


def _installed(
    stories: Stories,
    actions_of: Callable[[str], Sequence[str]],
    named: Callable[[str], str],
) -> Installed | None:
    """Return the latest proposal that was accepted and installs an app."""
    for story in stories.told:
        is_accepted = story.proposalState is ProposalState.ACCEPTED
        if is_accepted and INSTALLS in actions_of(story.proposalId):
            return Installed(
                proposal_id=story.proposalId,
                by=named(story.proposerId),
                in_favour=tuple(sorted(_in_favour(story, named))),
                txid=next(
                    (
                        str(event.transactionId)
                        for event in story.events
                        if event.act is Act.DECIDED
                    ),
                    "",
                ),
                at=last_signed_at(story),
            )
    return None


def _in_favour(story: ProposalStory, named: Callable[[str], str]) -> Iterator[str]:
    for member_id, vote in (story.finalVotes or {}).items():
        if vote:
            yield named(member_id)


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(said: JsonObject, name: str) -> str:
    value = said.get(name)
    return inline(value) if isinstance(value, str) else ""


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


BY_FRONTEND: Final[Mapping[str, str]] = {
    "app": "/app/api",
    "gov": "/gov/api?api-version=2024-07-01",
    "node": "/node/api",
}
SERVED: Final = tuple(BY_FRONTEND.values())
"""The documents of a service, as a page shows them."""


async def fetch_documents(connection: Connection) -> list[ApiDocument]:
    """Fetch each document; an application may have none.

    Raises:
        UnexpectedReply: an answer is no document, or there is none at all.
    """
    documents: list[ApiDocument] = []
    for path in SERVED:
        document = await fetch_document(connection, path)
        if document is not None:
            documents.append(document)
    if not documents:
        raise UnexpectedReply("the service gave no OpenAPI document: look at its log")
    return documents


async def fetch_document(connection: Connection, path: str) -> ApiDocument | None:
    """Fetch one document; return nothing where the service has none.

    Raises:
        UnexpectedReply: the answer is no document.
    """
    reply = await connection.request("GET", path)
    if reply.is_error:
        return None
    try:
        return ApiDocument(loads_object(reply.body))
    except Malformed as error:
        raise UnexpectedReply(f"{path} is no OpenAPI document: {error}") from error
