"""``ccfpy app replay``: a past request on the state it saw, by the code of today."""

import asyncio
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccfpy.base.json import JsonObject, dumps, loads
from ccfpy.cli.app_bundle import checked
from ccfpy.cli.errors import CommandFailed, ExitCode
from ccfpy.cli.output import note, print_json
from ccfpy.cli.place import JsonOption
from ccfpy.cli.terminal import text_console
from ccfpy.cli.values import as_text, value_as_json, value_line, writes_as_json
from ccfpy.client.bundle import Bundle
from ccfpy.devtools.project import BUILD, REBUILD, Project
from ccfpy.devtools.served import NAME, KeptRequests

if TYPE_CHECKING:
    from ccfpy.cli.app_show import Show
    from ccfpy.devtools.replay import Outcome, Replay


_STYLES = {"+": "green", "-": "red"}
_HEADING_LINES = 3
"""Of a unified difference, before its one part."""


def replay(
    which: Annotated[
        str | None,
        typer.Argument(
            metavar="[REQUEST]", help="Its number or transaction; the last if not said."
        ),
    ] = None,
    *,
    app: Annotated[
        Path, typer.Option("--app", help="The project, or its bundle.")
    ] = Path(),
    as_deployed: Annotated[
        bool, typer.Option("--as-deployed", help="Run the code that it ran then.")
    ] = False,
    workspace: Annotated[
        Path, typer.Option(help="Where ccfpy app dev keeps all.", envvar="WORKSPACE")
    ] = Path("workspace"),
    label: Annotated[str, typer.Option(help="Begins the folders' names.")] = "sandbox",
    json: JsonOption = False,
) -> None:
    """Run a request that ccfpy app dev served again, on the state it saw.

    The state is read from the service's ledger; the service itself is not asked, and
    nothing is changed. The answer and the writes are shown as a difference from those
    of the first time. Exits with 1 if they differ.
    """
    from ccfpy.cli.app_show import Show
    from ccfpy.client.keys import read_text
    from ccfpy.crypto.rsa import RsaKeyPair
    from ccfpy.devtools.ledger_state import read_state
    from ccfpy.devtools.replay import installed
    from ccfpy.devtools.replay import replay as run_again
    from ccfpy.local.configuration import ServiceOptions

    options = ServiceOptions(
        workspace=workspace, label=label, app="", constitution=(), program=()
    )
    served = KeptRequests(options.shared / NAME).find(which)
    if served.read_version is None:
        raise CommandFailed(
            f"request {served.number} saw no state: nothing of the app ran"
        )
    bundle = None if as_deployed else _made(app)
    keys = options.keys(options.members[0])
    key = RsaKeyPair.from_pem(read_text(keys.encryption_private_key))
    state = read_state(options.ledger(0), [key], served.read_version)
    known = bundle or installed(state.store)
    done = run_again(served, state, bundle)
    show = Show(app if app.is_dir() else app.parent, text_console(), as_json=json)
    show.know(known)
    if json:
        print_json(_as_json(done, show))
    else:
        _show(done, show)
    raise typer.Exit(ExitCode.OK if done.is_same else ExitCode.FAILED)


def _made(app: Path) -> Bundle:
    """Make the app of today as ``ccfpy app dev`` does."""
    if app.is_dir():
        asyncio.run(Project.of(app).build(REBUILD, BUILD))
    return checked(app, build=False)


def _show(done: "Replay", show: "Show") -> None:
    console, served, performance = text_console(), done.served, done.performance
    state = f"at {served.read_version}"
    console.say(f"#{served.number} {served.method} {served.url}, {state}")
    show.lines(performance.lines)
    if performance.thrown is not None:
        frames = show.stack(performance.trace)
        show.failure(performance.thrown, frames)
    for line in _difference(done):
        console.say((line, _STYLES.get(line[0], "")))
    if done.is_same:
        note("the same came of it")


def _difference(done: "Replay") -> list[str]:
    """Compare line by line; what is the same begins with two blanks."""
    then, now = _lines(done.then), _lines(done.now)
    if done.then.body is None:
        note("its answer of then is not known: only status and writes are compared")
    whole = max(len(then), len(now))
    lines = list(difflib.unified_diff(then, now, n=whole, lineterm=""))
    return lines[_HEADING_LINES:] or [f" {line}" for line in now]


def _lines(outcome: "Outcome") -> list[str]:
    lines = [str(outcome.status)]
    lines += [f"{name}: {value}" for name, value in sorted(outcome.headers.items())]
    if outcome.body:
        lines += ["", *_body_lines(outcome.body)]
    for table, writes in sorted(outcome.writes.items()):
        lines += ["", f"writes to {table}"]
        lines += [f"  {as_text(k)}: {value_line(v, None)}" for k, v in writes.items()]
    return lines


def _body_lines(body: bytes) -> list[str]:
    shown = value_as_json(body)
    return shown.splitlines() if isinstance(shown, str) else _pretty(shown)


def _pretty(value: object) -> list[str]:
    """Write JSON with a line for each field of an object that is the whole."""
    if not isinstance(value, dict) or not value:
        return [dumps(value).decode()]
    inner = [f"  {dumps(k).decode()}: {dumps(v).decode()}" for k, v in value.items()]
    return ["{", *inner, "}"]


def _as_json(done: "Replay", show: "Show") -> JsonObject:
    served, performance = done.served, done.performance
    return {
        "number": served.number,
        "method": served.method,
        "url": served.url,
        "read_version": served.read_version,
        "transaction": served.txid,
        "is_same": done.is_same,
        "then": _outcome(done.then),
        "now": _outcome(done.now),
        "lines": [{"level": k, "text": v} for k, v in performance.lines],
        "thrown": performance.thrown,
        "trace": [str(frame) for frame in show.stack(performance.trace)],
    }


def _outcome(outcome: "Outcome") -> JsonObject:
    body = None if outcome.body is None else loads(dumps(value_as_json(outcome.body)))
    writes = {name: writes_as_json(each) for name, each in outcome.writes.items()}
    return {
        "status": outcome.status,
        "headers": dict(outcome.headers),
        "body": body,
        "writes": loads(dumps(writes)),
    }
