"""A request as it crosses into the engine: in one piece.

It consists of numbers, the lengths of texts, and the texts, as ``requests.h`` reads
them. Numbers and lengths have 32 bits, little-endian. The highest bit of a length says
that the text is JSON for a value. The limits of HTTP bound all lengths.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject

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
