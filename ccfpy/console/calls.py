"""Requests that people fill in on the page: what may be sent, what is shown of answers.

A request is sent as far as a document of the service describes it, and no further:

1. Its verb and path are an operation of the document that belongs to the path's first
   part: ``/app``, ``/gov`` or ``/node``. A value never leads out of the path.
2. Below ``/gov`` and ``/node`` are reads alone. What writes there is signed by members
   or comes from nodes, and the page that would be filled in has no place for either.
3. Headers are those that the operation names, and none by which HTTP itself works.
4. A person agrees to each request that may write.

An answer is shown as it came, as far as a person can see its characters. JSON is
indented only if that changes no value.
"""

import codecs
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.requests import Reply
from ccfpy.client.review.characters import inline, plain
from ccfpy.console.answers import (
    CallAnswer,
    CallBody,
    CallField,
    CallForm,
    CallStanding,
    Stated,
)
from ccfpy.console.app import BY_FRONTEND
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.endpoints.api_page.document import (
    ApiDocument,
    DescribedOperation,
    DescribedParameter,
)
from ccfpy.endpoints.api_page.example import sample_of, value_of, written

BODY_BYTES_MAX: Final = 256 * 1024
"""Of a request that is sent from here."""
VALUE_CHARACTERS_MAX: Final = 4096
"""Of one value in a path, a query or a header."""
FIELDS_MAX: Final = 64
"""Of one form, and of one request."""
EXCERPT_CHARACTERS: Final = 200
"""Of a body, as the terminal shows it."""
APP: Final = "app"
READS: Final = frozenset({"GET", "HEAD"})
SENT: Final = READS | {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
"""Verbs that are sent from here; of those that documents have, all but TRACE."""
HTTPS_OWN: Final = frozenset(
    {
        *("connection", "content-length", "content-type", "expect", "host"),
        *("keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade"),
    }
)
"""Headers by which HTTP works, and the type of a body: no operation may name them."""
AUTHORIZATION: Final = "authorization"
JWT: Final = "jwt"
"""The policy whose callers show a token, in a header that documents do not list."""
_LITERAL: Final = "/:@!$&'()*+,;=~-._"
_PARAMETER: Final = re.compile(r"\{([^{}]*)\}")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e]*", re.ASCII)
_PLACES: Final = ("path", "query", "header")
_JSON: Final = "json"
_SIGNED: Final = "cose"
_ANYTHING: Final = "*/*"


class NoSuchEndpoint(CcfpyError):
    """No document of the service has an operation of that verb and path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it is sent.

    Attributes:
        path: with its query, percent-encoded.
    """

    verb: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None

    def lines(self, sender: str) -> list[str]:
        """Describe the request for the person at the terminal."""
        told = ["A request is to be sent:", f"{self.verb} {self.path}", sender]
        for name, value in self.headers.items():
            # A token is a secret, also on a screen that others see.
            shown = f"{len(value)} characters" if name == AUTHORIZATION else value
            told.append(f"{name}: {shown}")
        if self.body is not None:
            excerpt = inline(self.body.decode()[:EXCERPT_CHARACTERS])
            told.append(
                f"with a body of {len(self.body):,} bytes, whose SHA-256 digest is "
                f"{sha256_hex(self.body)}, and which begins:"
            )
            told.append(excerpt.replace("\n", "\\n"))
        return told


def document_path(path: str) -> str:
    """Return where the document is that must have a path.

    Raises:
        NoSuchEndpoint: none can have it.
    """
    found = BY_FRONTEND.get(_frontend(path))
    if found is None:
        raise NoSuchEndpoint(f"no document has {inline(path)}: it is below no frontend")
    return found


def operation_of(
    document: ApiDocument | None, *, verb: str, path: str
) -> DescribedOperation:
    """Return an operation of a document.

    Raises:
        NoSuchEndpoint: the document has none of that verb and path.
    """
    for operation in () if document is None else document.operations():
        if (operation.verb, operation.path) == (verb, path):
            return operation
    raise NoSuchEndpoint(f"the service's documents have no {inline(f'{verb} {path}')}")


def why_not(operation: DescribedOperation) -> str:
    """Return why an operation's request is not sent from here; nothing if it may be."""
    frontend = _frontend(operation.path)
    if operation.verb not in SENT:
        return f"the console does not send {operation.verb}"
    if operation.verb not in READS and frontend != APP:
        return f"the console writes nothing below /{frontend}: it only reads there"
    if operation.bodies and not _media_types(operation):
        return "each request to this endpoint is signed: send it with your own program"
    return ""


def may_write(operation: DescribedOperation) -> bool:
    """Return whether a request may change something, as far as its document says.

    A ``GET`` that the primary alone answers may write: apps declare such ones so.
    """
    if operation.verb not in READS:
        return True
    is_apps = _frontend(operation.path) == APP
    return is_apps and operation.forwarding not in ("never", "sometimes")


def form_of(
    document: ApiDocument, operation: DescribedOperation, *, sender: str, asks: bool
) -> CallForm:
    """Return what is filled in.

    Args:
        document: that has the operation.
        operation: what is called.
        sender: as whom the request is sent, in words.
        asks: whether there is a terminal that asks before anything is written.
    """
    return CallForm(
        verb=operation.verb,
        path=operation.path,
        fields=tuple(
            CallField(
                place=each.place,
                name=each.name,
                is_required=each.is_required,
                value=value_of(document, each.schema) if each.is_required else "",
                about=inline(each.description),
            )
            for each in _parameters(operation)
        ),
        bodies=tuple(
            CallBody(
                media_type=each.media_type,
                text=written(sample_of(document, each), indent=2)
                if _JSON in each.media_type
                else "",
            )
            for each in operation.bodies
            if each.media_type in _media_types(operation)
        ),
        sender=sender,
        asks=asks and may_write(operation),
        why_not=why_not(operation),
    )


def request_of(operation: DescribedOperation, asked: JsonObject) -> Request:
    """Return the request that a page asks for.

    Args:
        operation: what is called.
        asked: what the page sent: ``fields``, each with place, name and value, and
            ``body`` with ``media_type`` where there is one.

    Raises:
        Malformed: the operation has no such request.
    """
    if reason := why_not(operation):
        raise Malformed(reason)
    values = dict(_values(operation, asked.get("fields")))
    path = _path(operation, values)
    query = "&".join(
        f"{_quoted(name)}={_quoted(value)}"
        for (place, name), value in values.items()
        if place == "query"
    )
    headers = {
        name.lower(): _header_value(name, value)
        for (place, name), value in values.items()
        if place == "header"
    }
    body = _body(operation, asked, headers)
    sent = f"{path}?{query}" if query else path
    return Request(verb=operation.verb, path=sent, headers=headers, body=body)


# A form


def _frontend(path: str) -> str:
    """Return the first part of a path, which no value fills in."""
    first = path[1:].partition("/")[0] if path.startswith("/") else ""
    return first if first in BY_FRONTEND else ""


def _parameters(operation: DescribedOperation) -> Iterator[DescribedParameter]:
    """Yield what a request may name."""
    found = [each for each in operation.parameters if _may_be_named(each)]
    policies = operation.policies or ()
    names = {each.name.lower() for each in found if each.place == "header"}
    if any(JWT in each for each in policies) and AUTHORIZATION not in names:
        found.append(
            DescribedParameter(
                name=AUTHORIZATION,
                place="header",
                is_required=False,
                schema={"type": "string"},
                description="Bearer, a space, and the token.",
            )
        )
    yield from found[:FIELDS_MAX]


def _may_be_named(parameter: DescribedParameter) -> bool:
    if parameter.place == "header":
        name = parameter.name
        is_name = _HEADER_NAME.fullmatch(name) is not None
        return is_name and name.lower() not in HTTPS_OWN
    return parameter.place in _PLACES


def _media_types(operation: DescribedOperation) -> list[str]:
    """Return the types of bodies that can be written in a form."""
    return [
        each.media_type
        for each in operation.bodies
        if _SIGNED not in each.media_type and _HEADER_VALUE.fullmatch(each.media_type)
    ]


# A request


def _values(
    operation: DescribedOperation, given: Json
) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the values of what a request names, each by its place and name.

    Raises:
        Malformed: something is named that the operation does not take, is named twice,
            is too long, or is missing.
    """
    if not isinstance(given, list) or len(given) > FIELDS_MAX:
        raise Malformed(f"a request has fields: a list of up to {FIELDS_MAX}")
    takes = {(each.place, each.name): each for each in _parameters(operation)}
    seen: set[tuple[str, str]] = set()
    for field in given:
        place, name, value = (
            field.get(each) if isinstance(field, dict) else None
            for each in ("place", "name", "value")
        )
        if not (
            isinstance(place, str) and isinstance(name, str) and isinstance(value, str)
        ):
            raise Malformed("a field has place, name and value")
        if (place, name) not in takes or (place, name) in seen:
            raise Malformed(f"the endpoint takes no such {inline(f'{place}: {name}')}")
        if len(value) > VALUE_CHARACTERS_MAX:
            raise Malformed(
                f"{name} has {len(value):,} characters: up to {VALUE_CHARACTERS_MAX:,} "
                "are sent from here"
            )
        seen.add((place, name))
        yield (place, name), value
    for (place, name), each in takes.items():
        if each.is_required and (place, name) not in seen:
            raise Malformed(f"the endpoint requires {inline(name)}")


def _path(operation: DescribedOperation, values: Mapping[tuple[str, str], str]) -> str:
    """Return the path, with its values in their places.

    Raises:
        Malformed: a value is missing, or would lead to another path.
    """
    parts = _PARAMETER.split(operation.path)
    made = ""
    for at, part in enumerate(parts):
        if at % 2 == 0:
            made += quote(part, safe=_LITERAL, errors="replace")
            continue
        value = values.get(("path", part), "")
        if not value:
            raise Malformed(f"the path has no value for {inline(part)}")
        made += _quoted(value)
    # Clients take these two for steps within a path, however they are written.
    if any(part in (".", "..") for part in made.split("/")):
        raise Malformed("a part of a path is . or .., which leads to another path")
    return made


def _header_value(name: str, value: str) -> str:
    if _HEADER_VALUE.fullmatch(value) is None:
        raise Malformed(f"the header {name} has a character that headers cannot have")
    return value.strip()


def _body(
    operation: DescribedOperation, asked: JsonObject, headers: dict[str, str]
) -> bytes | None:
    """Return the body, and note its type among the headers.

    Raises:
        Malformed: the operation takes none of that type, or the body is too long.
    """
    body, media_type = asked.get("body"), asked.get("media_type")
    if body is None:
        return None
    if not isinstance(body, str) or media_type not in _media_types(operation):
        raise Malformed("the endpoint takes no body of that type")
    sent = body.encode()
    if len(sent) > BODY_BYTES_MAX:
        raise Malformed(
            f"the body has {len(sent):,} bytes: up to {BODY_BYTES_MAX:,} are sent from "
            "here; ccfpy call sends more"
        )
    if media_type != _ANYTHING:
        headers["content-type"] = str(media_type)
    return sent


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


SHOWN_MAX: Final = 256 * 1024
"""Bytes of an answer's body that are read for the page, and characters shown of it."""


def answer_of(reply: Reply) -> CallAnswer:
    """Describe what came back."""
    text, left_out = _shown(reply)
    txid = reply.txid
    return CallAnswer(
        status=reply.status,
        is_good=not reply.is_error,
        words=_words(reply.status),
        headers=tuple(
            Stated(name=inline(name), value=inline(value[:VALUE_CHARACTERS_MAX]))
            for name, value in reply.headers.items()
        ),
        text=text,
        left_out=left_out,
        txid=None if txid is None else str(txid),
    )


def standing_of(status: str) -> CallStanding:
    """Return in words what a node says of a transaction."""
    match status:
        case "Committed":
            words = "committed: no failure of nodes can take it back"
        case "Pending":
            words = "pending: applied, and not yet on a majority of nodes"
        case "Invalid":
            words = (
                "invalid: it was lost when another node took the lead; send it again"
            )
        case "Unknown":
            words = "not yet known to the node that was asked"
        case _:
            words = f"in a state that this console does not know: {inline(status[:64])}"
    return CallStanding(
        words=words,
        is_good=status != "Invalid",
        is_final=status in ("Committed", "Invalid"),
    )


def _words(status: int) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "a status that HTTP does not name"
    return f"{status} {phrase}: {_meaning(status)}"


def _meaning(status: int) -> str:
    match status // 100:
        case _ if status == HTTPStatus.ACCEPTED:
            return "not ready yet; send the request again a little later"
        case 2:
            return "the service answered"
        case 3:
            return "the answer is elsewhere, and the console did not follow"
        case 4:
            return "the service refused the request"
        case _:
            return "the service failed"


def _shown(reply: Reply) -> tuple[str, str]:
    """Return the body as a text that can be shown, and what is left out of it."""
    body, size = reply.body[:SHOWN_MAX], len(reply.body)
    try:
        # The last character may have been cut.
        text = codecs.getincrementaldecoder("utf-8")().decode(body, size <= SHOWN_MAX)
    except UnicodeDecodeError:
        return "", (
            f"{size:,} bytes that are no text, with the SHA-256 digest "
            f"{sha256_hex(reply.body)}"
        )
    if size <= SHOWN_MAX and _JSON in reply.headers.get("content-type", ""):
        text = _indented(text)
    shown = plain(text)
    if size > SHOWN_MAX:
        return shown[:SHOWN_MAX], f"all but the first {SHOWN_MAX:,} of {size:,} bytes"
    if len(shown) > SHOWN_MAX:
        return shown[:SHOWN_MAX], f"what follows the first {SHOWN_MAX:,} characters"
    return shown, ""


def _indented(text: str) -> str:
    """Return JSON with a value on each line; the text as it came where that differs."""
    try:
        # Not our own reader, for which a number of twenty digits is a rounded one.
        value = json.loads(
            text,
            object_pairs_hook=_named,
            parse_int=_whole,
            parse_float=_fraction,
            parse_constant=_no_constant,
        )
        writer = json.JSONEncoder(indent=2, ensure_ascii=False)
        made: list[str] = []
        length = 0
        for chunk in writer.iterencode(value):
            made.append(chunk)
            length += len(chunk)
            if length > SHOWN_MAX:
                break
    except (ValueError, RecursionError):
        return text
    return "".join(made)


def _named(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Return an object; one that has a name twice would lose a value."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name is there twice")
    return made


def _whole(text: str) -> int:
    """Return a number that is written again as it came."""
    if str(made := int(text)) != text:
        raise ValueError("a number would be written otherwise")
    return made


def _fraction(text: str) -> float:
    """Return a number that is written again as it came."""
    if repr(made := float(text)) != text:
        raise ValueError("a number would be written otherwise")
    return made


def _no_constant(_: str) -> None:
    raise ValueError("JSON has no such number")
