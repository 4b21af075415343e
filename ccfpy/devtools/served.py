"""A request that a development service answered, with all data to run it again.

The service writes each request as one line of text to its log, and a file keeps these
lines.

The requests that a development service answered, in a file beside its keys.

They are there with their bodies, for its owner alone to read.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import Seqno
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.limits import DEV_BODY_BYTES_MAX, DEV_REQUESTS_KEPT_MAX
from ccfpy.http.messages import Request, Response

MARK = "ccfpy-served "
"""What such a line begins with among others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRequest:
    """A request and its answer.

    Attributes:
        number: which it was of those a run of the service has answered, from 1.
        unix_time_us: when, by the service's clock.
        body: nothing where it is larger than ``DEV_BODY_BYTES_MAX``.
        caller: the certificate that was shown, as PEM.
        endpoint: the path's template.
        read_version: the seqno of the state that it saw; nothing if it read no table.
        txid: the transaction that it became, or read.
        elapsed_ms: in the script; nothing if none ran.
        answer: nothing where it is too large.
        lines: what the script logged, each with its level.
        thrown: what it threw.
        trace: the stack then, as the engine tells it.
    """

    number: int = 0
    unix_time_us: int
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = b""
    caller: str | None = None
    endpoint: str = ""
    read_version: Seqno | None = None
    txid: str | None = None
    elapsed_ms: int | None = None
    status: int
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer: bytes | None = b""
    lines: tuple[tuple[str, str], ...] = ()
    thrown: str | None = None
    trace: str | None = None

    @property
    def url(self) -> str:
        """The target as the client wrote it."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def numbered(self, number: int) -> "ServedRequest":
        """Return the request with its number."""
        return replace(self, number=number)

    def is_called(self, name: str) -> bool:
        """Return whether a number or a transaction's id names this request."""
        return name in (str(self.number), self.txid)

    def request(self) -> Request:
        """Return the request.

        Raises:
            Malformed: its body was too large to be kept.
        """
        if self.body is None:
            raise Malformed(f"a body of more than {DEV_BODY_BYTES_MAX} bytes")
        return Request(
            method=self.method,
            path=self.path,
            query=self.query,
            headers=dict(self.headers),
            body=self.body,
        )

    def with_answer(self, response: Response) -> "ServedRequest":
        """Return the request with its answer."""
        return replace(
            self,
            status=response.status,
            answer_headers=dict(response.headers),
            answer=bounded(response.body),
        )

    def to_line(self) -> str:
        """Write it as one line, without its end."""
        written: JsonObject = {}
        for name, value in asdict(self).items():
            written[name] = (
                base64.b64encode(value).decode() if isinstance(value, bytes) else value
            )
        return json.dumps(written).decode()

    @classmethod
    def parse(cls, line: str) -> "ServedRequest":
        """Read what ``to_line`` writes.

        Raises:
            Malformed: it is something else.
        """
        given = json.loads_object(line)
        if set(given) != _KINDS.keys():
            raise Malformed("not a request that was served")
        read: dict[str, Any] = {}
        for name, kinds in _KINDS.items():
            value = given[name]
            if type(value) not in kinds:
                raise Malformed(f"not a request that was served: {name} is {value!r}")
            read[name] = value
        for name in ("body", "answer"):
            read[name] = _bytes(read[name])
        read["lines"] = tuple(_line(item) for item in read["lines"])
        return cls(**read)


def bounded(body: bytes) -> bytes | None:
    """Return a body if it may be kept."""
    return body if len(body) <= DEV_BODY_BYTES_MAX else None


_TEXTS = frozenset({"method", "path", "query", "endpoint"})
_COUNTS = frozenset({"number", "unix_time_us", "status"})
_MAPPINGS = frozenset({"headers", "answer_headers"})
_PERHAPS_COUNTS = frozenset({"read_version", "elapsed_ms"})
_NONE = type(None)


def _kinds_of(name: str) -> tuple[type, ...]:
    if name in _TEXTS:
        return (str,)
    if name in _COUNTS:
        return (int,)
    if name in _MAPPINGS:
        return (dict,)
    if name == "lines":
        return (list,)
    return (int, _NONE) if name in _PERHAPS_COUNTS else (str, _NONE)


_KINDS = {item.name: _kinds_of(item.name) for item in fields(ServedRequest)}


def _bytes(text: str | None) -> bytes | None:
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Malformed(f"not base64: {error}") from error


def _line(item: Json) -> tuple[str, str]:
    match item:
        case [str() as level, str() as text]:
            return level, text
        case _:
            raise Malformed(f"not a line that was logged: {item!r}")


def read_line(line: str) -> ServedRequest | None:
    """Find a served request in a line of a node's log; nothing if there is none.

    Raises:
        Malformed: there is the beginning of one.
    """
    _, mark, rest = line.partition(MARK)
    return ServedRequest.parse(rest) if mark else None


NAME = "requests.jsonl"


class NoRequest(CcfpyError):
    """There is no such request; the text says which there are."""


@dataclass(slots=True)
class KeptRequests:
    """A file of requests, one a line; when it is full the older half is dropped."""

    path: Path
    _count: int = 0
    _in_file: int = 0

    def begin(self) -> None:
        """Forget those of an earlier run."""
        self.path.unlink(missing_ok=True)
        self.path.touch(mode=0o600)
        self._count = self._in_file = 0

    def keep(self, served: ServedRequest) -> ServedRequest:
        """Number a request, and keep it."""
        self._count += 1
        numbered = served.numbered(self._count)
        if self._in_file >= DEV_REQUESTS_KEPT_MAX:
            self._halve()
        with self.path.open("a", encoding="utf-8") as file:
            file.write(numbered.to_line() + "\n")
        self._in_file += 1
        return numbered

    def all(self) -> list[ServedRequest]:
        """Read all of them, oldest first.

        Raises:
            NoRequest: there is no such file, or it is something else.
        """
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
            return [ServedRequest.parse(line) for line in lines]
        except FileNotFoundError as error:
            raise NoRequest(
                f"no requests at {self.path}: send some to a service that "
                "ccfpy app dev runs"
            ) from error
        except (Malformed, UnicodeDecodeError) as error:
            raise NoRequest(f"{self.path} holds no requests: {error}") from error

    def find(self, name: str | None) -> ServedRequest:
        """Find a request by its number or its transaction; the last if none is named.

        Raises:
            NoRequest: there is none such.
        """
        kept = self.all()
        if not kept:
            raise NoRequest(f"{self.path} is empty: no request was answered yet")
        if name is None:
            return kept[-1]
        for served in reversed(kept):
            if served.is_called(name):
                return served
        first, last = kept[0].number, kept[-1].number
        raise NoRequest(
            f"no request {name!r}: give a number from {first} to {last}, or the id of "
            "a transaction that one of them became"
        )

    def _halve(self) -> None:
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = lines[len(lines) // 2 :]
        self.path.write_text("".join(kept), encoding="utf-8")
        self._in_file = len(kept)
