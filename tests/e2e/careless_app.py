"""An application that makes mistakes on request, which would otherwise end its node."""

import sys
import time
from collections.abc import Callable

from ccfpy.app import STRING, ApiError, App, Context, ErrorCode, Map

app = App("careless")

NOTES = Map("notes", STRING, STRING)


def _loop() -> None:
    while True:
        len("")


def _sleep() -> None:
    time.sleep(3600)


def _catch() -> None:
    while True:
        try:
            len("")
        except BaseException:  # noqa: BLE001 - the mistake
            continue


def _leave() -> None:
    sys.exit(0)


def _hoard() -> None:
    hoarded: list[bytes] = []
    while True:
        hoarded.append(b"x" * 2**20)


MISTAKES: dict[str, Callable[[], None]] = {
    "loop": _loop,
    "sleep": _sleep,
    "catch": _catch,
    "leave": _leave,
    "hoard": _hoard,
}


@app.put("/mistake", execution_ms_max=300)
def make(ctx: Context, how: str) -> bool:
    """Write, and then make a mistake."""
    NOTES.of(ctx.tx).put("mistake", how)
    mistake = MISTAKES.get(how)
    if mistake is None:
        raise ApiError(404, ErrorCode.ResourceNotFound, f"no mistake {how}")
    mistake()
    return True


@app.get("/large")
def answer_at_length(ctx: Context, count: int) -> list[str]:
    """Answer with one text again and again."""
    del ctx
    return ["up"] * count


@app.get("/mistake")
def made(ctx: Context) -> str | None:
    """Return the mistake that was written."""
    return NOTES.of(ctx.tx).get("mistake")
