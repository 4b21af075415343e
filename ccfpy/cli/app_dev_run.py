"""One development service, from its first sources to Ctrl-C."""

import asyncio
import contextlib
import os
import shutil
from pathlib import Path

from ccfpy.cli.addresses import placements, python_app
from ccfpy.cli.app_show import Show
from ccfpy.cli.earlier_run import set_aside
from ccfpy.cli.errors import Misused
from ccfpy.cli.output import print_json
from ccfpy.cli.sandbox_run import cancel_on_signals
from ccfpy.cli.terminal import text_console
from ccfpy.client.share import constitution
from ccfpy.devtools import recording_app
from ccfpy.devtools.desk import Desk
from ccfpy.devtools.python_desk import PythonDesk
from ccfpy.devtools.served import NAME, KeptRequests
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork

ELECTION_TIMEOUT_MS = 20_000
"""Of a service of one node, which a debugger may stop: no other node waits for it."""


def run(
    project: Path,
    *,
    node: str | None,
    users: int,
    workspace: Path,
    label: str,
    as_json: bool,
) -> None:
    """Serve a project, and follow its sources until Ctrl-C.

    Raises:
        Misused: there is no app, or the node's place is wrong.
    """
    app = python_app(project)
    listening = placements([] if node is None else [node])
    if len(listening) > 1:
        raise Misused("a development service has one node: write local://HOST:PORT")
    options = ServiceOptions(
        workspace=workspace,
        label=label,
        app=str(app or recording_app.__file__),
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
    show = Show(project, text_console(), as_json=as_json)
    desk = _desk(app, project, ProcessNetwork(options), listening[0], show)
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(_run(desk, show, as_json=as_json))


def _desk(
    app: Path | None,
    project: Path,
    network: ProcessNetwork,
    placement: Placement,
    show: Show,
) -> Desk | PythonDesk:
    if app is not None:
        # Compiled files tell two versions of one second and one size not apart.
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        return PythonDesk(app=app, network=network, placement=placement, tell=show.tell)
    return Desk(
        folder=project,
        network=network,
        placement=placement,
        kept=KeptRequests(network.options.shared / NAME),
        tell=show.tell,
    )


async def _run(desk: Desk | PythonDesk, show: Show, *, as_json: bool) -> None:
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


def _facts(desk: Desk | PythonDesk) -> dict[str, object]:
    options = desk.network.options
    return {
        "event": "started",
        "url": desk.node.url,
        "common": str(options.shared.resolve()),
        "node": str(desk.node.folder.resolve()),
        "pid": desk.node.pid,
        "users": list(options.users),
    }


def _tell_how(desk: Desk | PythonDesk) -> None:
    options = desk.network.options
    console = text_console()
    console.say()
    console.say(f"{desk.node.url}, keys in {options.shared}")
    console.say()
    is_python = isinstance(desk, PythonDesk)
    for endpoint in desk.endpoints:
        verb, _, path = endpoint.partition(" ")
        console.say(f"  {verb:<7}{path}")
    who = f" --as {options.users[0]}" if options.users else ""
    console.say()
    console.say(f"Ask it: ccfpy call /app/...{who}")
    if not is_python:
        console.say("Run a request again: ccfpy app replay NUMBER")
    console.say()
    console.say("Edit a source and see. Press Ctrl-C to stop.")
    console.say()
