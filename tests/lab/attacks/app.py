"""The application of a service under attack: notes for honest users, and bad handlers.

The bad handlers are those that an attacker finds in an app, or that its author wrote by
mistake. Anybody may call them.
"""

import time
from dataclasses import dataclass
from threading import Lock

from ccfpy.app import GOVERNED, App, Context, Json, Map, Scripts, json_codec

app = App(
    "attacks",
    title="Notes under attack",
    description="Keeps notes, and has handlers that misbehave.",
    auth=["user_cert"],
)
app.serve_scripts(Scripts(tables=GOVERNED))

NOTES = Map("notes", json_codec(str), json_codec(str))
HOSTILE_MS_MAX = 500
"""Half of the default, so that attacks end soon."""
WAIT_S = 2.5
WAIT_MS_MAX = 10_000
HUGE_COUNT = 121_909_581
"""So many short texts made the JSON library end its process."""
SLEEP_S = 8
DEEP_COUNT = 100_000
_LOCK = Lock()
_LOCK.acquire()


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A private text."""

    text: str


@app.put("/notes/{name}")
def write_note(ctx: Context, name: str, body: Note) -> bool:
    """Keep a note."""
    NOTES.of(ctx.tx).put(name, body.text)
    return True


@app.get("/notes/{name}")
def read_note(ctx: Context, name: str) -> str:
    """Read a note."""
    return NOTES.of(ctx.tx).get(name) or ""


@app.get("/hostile/loop", auth=[], execution_ms_max=HOSTILE_MS_MAX)
def loop(ctx: Context) -> bool:
    """Never end."""
    del ctx
    while True:
        pass


@app.get("/hostile/sleep", auth=[], execution_ms_max=HOSTILE_MS_MAX)
def sleep(ctx: Context) -> bool:
    """Wait in the system for a long time."""
    del ctx
    time.sleep(SLEEP_S)
    return True


@app.get("/hostile/hang", auth=[], execution_ms_max=HOSTILE_MS_MAX)
def hang(ctx: Context) -> bool:
    """Wait for a lock that nobody ever releases."""
    del ctx
    return _LOCK.acquire()


@app.get("/hostile/wait", auth=[], execution_ms_max=WAIT_MS_MAX)
def wait(ctx: Context) -> bool:
    """Wait in the system for a long time that is allowed."""
    del ctx
    time.sleep(WAIT_S)
    return True


@app.get("/hostile/huge", auth=[], execution_ms_max=HOSTILE_MS_MAX)
def answer_hugely(ctx: Context) -> list[str]:
    """Answer with far more than fits anywhere."""
    del ctx
    return ["up"] * HUGE_COUNT


@app.get("/hostile/deep", auth=[], execution_ms_max=HOSTILE_MS_MAX)
def answer_deeply(ctx: Context) -> Json:
    """Answer with a list in a list, and so on."""
    del ctx
    value: Json = []
    for _ in range(DEEP_COUNT):
        value = [value]
    return value


@app.get("/hostile/raise/{name}", auth=[], execution_ms_max=HOSTILE_MS_MAX)
def fail(ctx: Context, name: str) -> bool:
    """Fail with a private value in the error, as a missing key does."""
    empty: dict[str, bool] = {}
    return empty[NOTES.of(ctx.tx).get(name) or ""]
