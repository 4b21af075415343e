"""The request that an endpoint's function is called with, and the response it returns.

The request is made and the response is read in the script's own context, under its
limits: what a function returns may be a proxy, endless, or full of getters that throw.

A request as it crosses into the engine: in one piece.

It consists of numbers, the lengths of texts, and the texts, as ``requests.h`` reads
them. Numbers and lengths have 32 bits, little-endian. The highest bit of a length says
that the text is JSON for a value. The limits of HTTP bound all lengths.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, Protocol

from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.limits import JS_RESPONSE_HEADERS_MAX
from ccfpy.http.errors import JSON_CONTENT_TYPE, internal_error
from ccfpy.js.extension import ExtensionArgument, ExtensionFunction, own_source

if TYPE_CHECKING:
    from ccfpy.js.engine import Interpreter, JsLimits


BODY_BYTES_MAX: Final = 4096
"""A longer body is fetched only when the script reads it."""
_NO_CALLER: Final = 0xFFFFFFFF
_NO_BODY: Final = -1
_HAS_HOST: Final = 1
_HAS_SIGNED: Final = 2
_HAS_USUAL: Final = 4
_USUAL: Final = frozenset(("cert", "data", "id", "policy"))
_IS_JSON: Final = 0x80000000
_NULL: Final = "null"
_HEAD: Final = struct.Struct("<4Ii")
_CALLERS_KEPT: Final = 256


class EncodedCaller(NamedTuple):
    """A caller as it crosses into the engine.

    Attributes:
        members: how many members the object has.
        flags: what the engine has to do with them.
        lengths: the lengths of their names and values.
        texts: the names and values.
    """

    members: int
    flags: int
    lengths: bytes
    texts: bytes


_NOBODY: Final = EncodedCaller(_NO_CALLER, 0, b"", b"")


@dataclass(slots=True, init=False)
class Description:
    """What a script sees of a request, without its body.

    Attributes:
        hostname: ``None`` if the request names none.
        params: the path's parameters by name.
        caller: ``None`` if the endpoint has no authentication policy.
    """

    headers: Mapping[str, str]
    query: str
    path: str
    method: str
    hostname: str | None
    route: str
    url: str
    params: Mapping[str, str]
    caller: EncodedCaller | None

    def __init__(  # noqa: PLR0913  # each has its name
        self,
        *,
        headers: Mapping[str, str],
        query: str,
        path: str,
        method: str,
        hostname: str | None,
        route: str,
        url: str,
        params: Mapping[str, str],
        caller: EncodedCaller | None,
    ) -> None:
        self.headers = headers
        self.query = query
        self.path = path
        self.method = method
        self.hostname = hostname
        self.route = route
        self.url = url
        self.params = params
        self.caller = caller


def encode_request(described: Description, body: bytes) -> bytes:
    """Encode a request, with its body if the body is short and text."""
    headers, params, hostname = described.headers, described.params, described.hostname
    of_caller = _NOBODY if described.caller is None else described.caller
    flags = of_caller.flags if hostname is None else of_caller.flags | _HAS_HOST
    texts: list[str] = []
    for name in sorted(headers):
        texts += name, headers[name]
    texts += described.query, described.path, described.method, hostname or ""
    texts += described.route, described.url
    for name in sorted(params):
        texts += name, params[name]
    lengths, written = _written(texts)
    body_length = len(body)
    if body_length > BODY_BYTES_MAX or not _is_text(body):
        body, body_length = b"", _NO_BODY
    counts = len(headers), len(params), of_caller.members
    head = _HEAD.pack(*counts, flags, body_length)
    return b"".join((head, lengths, of_caller.lengths, written, of_caller.texts, body))


def encode_caller(caller: JsonObject) -> EncodedCaller:
    """Encode a caller.

    Most callers are described by texts alone, and call again and again: these are
    cached.
    """
    names, values = tuple(caller), tuple(caller.values())
    for value in values:
        if value is not None and not isinstance(value, str):
            return _members(names, values)
    return _members_of_texts(names, values)


def _members(names: tuple[str, ...], values: tuple[Json, ...]) -> EncodedCaller:
    flags = 0
    if "cose" in names or not isinstance(values[names.index("policy")], str):
        flags = _HAS_SIGNED
    elif set(names) == _USUAL:
        flags = _HAS_USUAL
    texts: list[str] = []
    json_at: list[int] = []
    for name, value in sorted(zip(names, values, strict=True), key=_name):
        if isinstance(value, str):
            texts += name, value
        else:
            json_at.append(len(texts) + 1)
            texts += name, _NULL if value is None else json.dumps(value).decode()
    lengths, written = _written(texts, json_at)
    return EncodedCaller(len(names), flags, lengths, written)


_members_of_texts = lru_cache(_CALLERS_KEPT)(_members)


def _name(member: tuple[str, Json]) -> str:
    return member[0]


def _written(texts: list[str], json_at: Sequence[int] = ()) -> tuple[bytes, bytes]:
    """Encode texts; return their lengths, and the texts."""
    data = "".join(texts)
    if data.isascii():
        written = data.encode()
        lengths = [len(text) for text in texts]
    else:
        pieces = [text.encode(errors="surrogatepass") for text in texts]
        written = b"".join(pieces)
        lengths = [len(piece) for piece in pieces]
    for at in json_at:
        lengths[at] |= _IS_JSON
    return struct.pack(f"<{len(lengths)}I", *lengths), written


def _is_text(body: bytes) -> bool:
    """Return whether a body is UTF-8."""
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


class CallStage(Enum):
    """How far a call has come, which decides on the message of its failure."""

    EXECUTING = "executing"
    WRITING_JSON = "writing_json"


class RequestView(Protocol):
    """The request that is being answered, as its script sees it."""

    def described(self) -> Description:
        """Return everything but the body."""
        ...

    @property
    def body(self) -> bytes:
        """The body."""
        ...

    @property
    def signed_content(self) -> bytes:
        """What the caller signed, if it authenticated by a signed request."""
        ...


_CONTENT_TYPES: Final = (
    None,
    "application/octet-stream",
    "text/plain",
    JSON_CONTENT_TYPE,
)
"""By the form of a body, as ``requests.h`` numbers forms."""
_OK: Final = 200
_WITHOUT_BODY: Final = frozenset({204, 304})
"""Statuses without a body: a client would take a body for the next answer."""
_STATUSES: Final = range(100, 1000)
_OURS: Final = frozenset({"connection", "content-length", "transfer-encoding"})
"""Headers that say how a response travels; scripts cannot set them."""


class RequestExtension:
    """The extension that makes the request and reads the response.

    Call ``begin`` before each call of a script; then the attributes hold the response.

    Attributes:
        stage: how far the script has come.
        is_answered: whether the script returned a whole response.
        status: the status of the response.
        headers: the headers of the response, by lower-case name.
        body: the body of the response.
    """

    source: Final = own_source(__name__)

    def __init__(self, request: RequestView) -> None:
        self._request = request
        self.begin()

    def begin(self) -> None:
        """Forget the last response."""
        self.stage = CallStage.EXECUTING
        self.is_answered = False
        self.status = _OK
        self.headers: dict[str, str] = {}
        self.body = b""

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {
            "text": self._text,
            "bytes": self._bytes,
            "signedContent": self._signed_content,
            "refuse": _refuse,
            "writingJson": self._writing_json,
            "answer": self._answer,
        }

    def ask(
        self,
        interpreter: "Interpreter",
        module: str,
        function: str,
        limits: "JsLimits",
    ) -> None:
        """Call a function to answer the request; raise as ``Interpreter.serve``."""
        request = self._request
        given = encode_request(request.described(), request.body)
        left = interpreter.serve(module, function, limits, given)
        if left:
            self._answer(*left)

    # The request

    def _text(self) -> str:
        """Return the body as text, with replacement characters as in QuickJS."""
        return self._request.body.decode(errors="replace")

    def _bytes(self) -> bytes:
        return self._request.body

    def _signed_content(self) -> bytes:
        return self._request.signed_content

    # The response

    def _writing_json(self) -> None:
        self.stage = CallStage.WRITING_JSON

    def _answer(
        self,
        form: ExtensionArgument,
        body: ExtensionArgument,
        status: ExtensionArgument,
        *headers: ExtensionArgument,
    ) -> None:
        """Keep a response: its body, the body's form, its status and its headers."""
        assert isinstance(form, int), "the engine numbers forms"
        content_type = _CONTENT_TYPES[form]
        if content_type is not None:
            self.body = body if isinstance(body, bytes) else _utf8(str(body))
            self.headers["content-type"] = content_type
        for at in range(0, len(headers), 2):
            self._add_header(str(headers[at]).lower(), str(headers[at + 1]))
        if status is not None:
            self._set_status(status)
        if self.status in _WITHOUT_BODY:
            self.body = b""
        self.is_answered = True

    def _add_header(self, name: str, value: str) -> None:
        if name in _OURS:
            return
        if not _is_token(name):
            _refuse("header type")
        value = _utf8(value).decode("latin-1")
        if not _is_field_value(value) or len(self.headers) >= JS_RESPONSE_HEADERS_MAX:
            _refuse("header value type")
        self.headers[name] = value

    def _set_status(self, status: ExtensionArgument) -> None:
        if not isinstance(status, int | float) or status not in _STATUSES:
            _refuse("status code type")
        self.status = int(status)


def _refuse(what: str) -> NoReturn:
    """End the call, as the script returned no valid response.

    Raises:
        ApiError: always; the script cannot catch it, and it answers the request.
    """
    raise internal_error(f"Invalid endpoint function return value ({what}).")


_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


def _is_token(name: str) -> bool:
    return bool(name) and all(c in _TOKEN for c in name)


def _is_field_value(value: str) -> bool:
    return all(c == "\t" or " " <= c != "\x7f" for c in value)


def _utf8(text: str) -> bytes:
    """Encode text, which may hold half a surrogate pair in JavaScript."""
    return text.encode(errors="surrogatepass")
