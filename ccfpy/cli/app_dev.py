"""``ccfpy app dev``: a service on this machine that follows an app's sources."""

import asyncio
import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccfpy.cli.addresses import placements
from ccfpy.cli.errors import Misused
from ccfpy.cli.output import print_json, text_console
from ccfpy.client.share import constitution
from ccfpy.devtools.kept_requests import NAME, KeptRequests

if TYPE_CHECKING:
    from ccfpy.cli.app_show import Show
    from ccfpy.devtools.desk import Desk


USERS_MAX = 100
ELECTION_TIMEOUT_MS = 20_000
"""Of a service of one node, which a debugger may stop: no other node waits for it."""


def dev(
    project: Annotated[
        Path, typer.Argument(help="A project, or a folder with app.json and src.")
    ] = Path(),
    *,
    node: Annotated[
        str | None,
        typer.Option("--node", "-n", help="Where it listens: local://HOST:PORT."),
    ] = None,
    users: Annotated[
        int, typer.Option(min=0, max=USERS_MAX, help="How many users it has.")
    ] = 2,
    workspace: Annotated[
        Path, typer.Option(help="Where everything is kept.", envvar="WORKSPACE")
    ] = Path("workspace"),
    label: Annotated[str, typer.Option(help="Begins the folders' names.")] = "sandbox",
    json: Annotated[
        bool, typer.Option("--json", help="Tell each event as a JSON value.")
    ] = False,
) -> None:
    """Serve an app on this machine, and follow every change of its sources.

    A change is built by the project's script dev, or build, is checked, and is in
    force in less than a second. Each request is shown with its status, the time in
    the script, what it logged, and, where it threw, the stack in the author's files.
    Requests are kept with their bodies for ccfpy app replay: send it no secrets.
    Ctrl-C stops it.
    """
    from ccfpy.cli.app_show import Show
    from ccfpy.devtools import recording_app
    from ccfpy.devtools.desk import Desk
    from ccfpy.local.configuration import ServiceOptions
    from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork

    if not project.is_dir():
        raise Misused(f"{project} is no folder: give the one with app.json")
    listening = placements([] if node is None else [node])
    if len(listening) > 1:
        raise Misused("a development service has one node: write local://HOST:PORT")
    options = ServiceOptions(
        workspace=workspace,
        label=label,
        app=recording_app.__file__,
        program=NODE_PROGRAM,
        members=["member0"],
        users=[f"user{number}" for number in range(users)],
        constitution=constitution("sandbox"),
        election_timeout_ms=ELECTION_TIMEOUT_MS,
        extra={
            "ledger_signatures": {"tx_count": 5000, "early": True},
            "logging": {"tracebacks": True},
        },
    )
    show = Show(project, text_console(), as_json=json)
    desk = Desk(
        folder=project,
        network=ProcessNetwork(options),
        placement=listening[0],
        kept=KeptRequests(options.shared / NAME),
        tell=show.tell,
    )
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(_run(desk, show, as_json=json))


async def _run(desk: "Desk", show: "Show", *, as_json: bool) -> None:
    from ccfpy.cli.earlier_run import set_aside
    from ccfpy.cli.sandbox_run import cancel_on_signals

    cancel_on_signals()
    network = desk.network
    options = network.options
    set_aside(options)
    try:
        await desk.begin()
        for name in (*options.members, *options.users):
            show.know_caller(options.keys(name).certificate.read_text(), name)
        addresses = desk.node.folder / f"{desk.node.number}.rpc_addresses"
        shutil.copy(addresses, options.shared)
        if as_json:
            print_json(_facts(desk))
        else:
            _tell_how(desk)
        await desk.follow()
    finally:
        network.stop()


def _facts(desk: "Desk") -> dict[str, object]:
    options = desk.network.options
    return {
        "event": "started",
        "url": desk.node.url,
        "common": str(options.shared.resolve()),
        "node": str(desk.node.folder.resolve()),
        "pid": desk.node.pid,
        "users": list(options.users),
    }


def _tell_how(desk: "Desk") -> None:
    options = desk.network.options
    console = text_console()
    console.print(f"\n{desk.node.url}, keys in {options.shared}\n", markup=False)
    endpoints = [] if desk.bundle is None else desk.bundle.endpoints()
    for path, verb, _ in endpoints:
        console.print(f"  {verb.upper():<7}/app{path}", markup=False)
    who = f" --as {options.users[0]}" if options.users else ""
    console.print(f"\nAsk it: ccfpy call /app/...{who}", markup=False)
    console.print("Run a request again: ccfpy app replay NUMBER")
    console.print("\nEdit a source and see. Press Ctrl-C to stop.\n")
