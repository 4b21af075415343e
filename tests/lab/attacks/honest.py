"""The honest client of a service under attack: a program of its own.

It writes and reads over connections that it keeps, and reads over new ones, at a fixed
pace. Each answer is a line of standard output. It ends when standard input does.
"""

import asyncio
import base64
import json
import sys
import time
from collections.abc import (
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ccfpy.base.json import JsonObject
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError
from ccfpy.client.keys import KeyFiles
from tests.lab.attacks.attack import App
from tests.lab.attacks.bounds import Honest, percentile

PAUSE_S = 0.05
NEWCOMER_PAUSE_S = 0.2
TIMEOUT_S = 15.0
"""After this time an answer counts as failed."""
KINDS = ("write", "read", "newcomer")
_KEY = base64.b64encode(b"honest").decode()
WRITES: Mapping[App, tuple[str, str, JsonObject]] = {
    App.NOTES: ("PUT", "/app/notes/honest", {"text": "x"}),
    App.ETCD: ("POST", "/v3/kv/put", {"key": _KEY, "value": _KEY}),
}
"""How each application is asked to write: method, path and body."""
READS: Mapping[App, tuple[str, str, JsonObject | None]] = {
    App.NOTES: ("GET", "/app/notes/honest", None),
    App.ETCD: ("POST", "/v3/kv/range", {"key": _KEY, "serializable": True}),
}
"""How it is asked to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One request of the honest client.

    Attributes:
        kind: one of ``KINDS``.
        at_s: when it was sent, by the machine's monotonic clock.
        seconds: how long it took.
        trouble: why it has no good answer; None if it has one.
    """

    kind: str
    at_s: float
    seconds: float
    trouble: str | None = None

    def line(self) -> str:
        """Return the answer as a line of text."""
        return json.dumps([self.kind, self.at_s, self.seconds, self.trouble])

    @classmethod
    def parse(cls, line: str) -> "Answer":
        """Parse a line of text."""
        kind, at_s, seconds, trouble = json.loads(line)
        return cls(kind=kind, at_s=at_s, seconds=seconds, trouble=trouble)


def read_answers(path: Path) -> Iterator[Answer]:
    """Read the answers in a file so far; leave out a line that is being written."""
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            yield Answer.parse(line)


def is_caught_up(answers: Iterable[Answer], *, after_s: float) -> bool:
    """Return whether every request that was sent before that time is answered."""
    last: dict[str, float] = {}
    for answer in answers:
        last[answer.kind] = answer.at_s
    return all(last.get(kind, 0.0) > after_s for kind in KINDS)


def summarise(answers: Iterable[Answer], *, begin_s: float, end_s: float) -> Honest:
    """Return how the client fared with requests that it sent between two times."""
    chosen = [answer for answer in answers if begin_s <= answer.at_s <= end_s]
    times = [answer.seconds for answer in chosen]
    return Honest(
        answers=len(chosen),
        failures=[
            f"{answer.kind}: {answer.trouble}"
            for answer in chosen
            if answer.trouble is not None
        ],
        p99_s=percentile(times, 0.99) if times else 0.0,
        worst_s=max(times, default=0.0),
    )


class Client:
    """The requests, each measured.

    Args:
        url: of the node.
        service_certificate: as PEM.
        identity: the user's keys.
        app: which application the node serves.
        out: where answers go.
    """

    def __init__(
        self,
        url: str,
        *,
        service_certificate: str,
        identity: KeyFiles,
        app: App,
        out: TextIO,
    ) -> None:
        self._url = url
        self._certificate = service_certificate
        self._identity = identity
        self._app = app
        self._out = out

    async def run(self, is_over: asyncio.Event) -> None:
        """Send requests until standard input ends."""
        async with (
            self._connection() as writing,
            self._connection() as reading,
            asyncio.TaskGroup() as group,
        ):
            for kind, pause_s, once in (
                ("write", PAUSE_S, lambda: self._write(writing)),
                ("read", PAUSE_S, lambda: self._read(reading)),
                ("newcomer", NEWCOMER_PAUSE_S, self._come_anew),
            ):
                group.create_task(self._repeat(kind, pause_s, once, is_over))

    def _connection(self) -> Connection:
        return Connection(
            self._url,
            service_certificate=self._certificate,
            identity=self._identity,
            timeout_s=TIMEOUT_S,
            is_repeating=False,
        )

    async def _repeat(
        self,
        kind: str,
        pause_s: float,
        once: Callable[[], Awaitable[None]],
        is_over: asyncio.Event,
    ) -> None:
        while not is_over.is_set():
            begin_s, trouble = time.monotonic(), None
            try:
                await once()
            except ClientError as error:
                trouble = str(error)
            seconds = time.monotonic() - begin_s
            answer = Answer(kind=kind, at_s=begin_s, seconds=seconds, trouble=trouble)
            self._out.write(answer.line() + "\n")
            self._out.flush()
            await asyncio.sleep(pause_s)

    async def _write(self, connection: Connection) -> None:
        method, path, body = WRITES[self._app]
        (await connection.request(method, path, json=body)).raise_for_error()

    async def _read(self, connection: Connection) -> None:
        method, path, body = READS[self._app]
        (await connection.request(method, path, json=body)).raise_for_error()

    async def _come_anew(self) -> None:
        async with self._connection() as connection:
            await connection.get("/node/commit")


def command(
    url: str, *, service_certificate: Path, identity: KeyFiles, app: App
) -> Sequence[str]:
    """Return the command line of an honest client."""
    folder, name = str(identity.folder), identity.name
    return (
        *(sys.executable, "-m", "tests.lab.attacks.honest"),
        *(url, str(service_certificate), folder, name, app),
    )


async def _main(url: str, certificate: str, folder: str, name: str, app: str) -> None:
    client = Client(
        url,
        service_certificate=Path(certificate).read_text(),  # noqa: ASYNC240  # at once
        identity=KeyFiles(folder=Path(folder), name=name),
        app=App(app),
        out=sys.stdout,
    )
    is_over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), is_over.set)
    await client.run(is_over)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
