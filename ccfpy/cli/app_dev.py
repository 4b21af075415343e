"""``ccfpy app dev``: a service on this machine that follows an app's sources."""

from pathlib import Path
from typing import Annotated

import typer

USERS_MAX = 100


def dev(
    project: Annotated[
        Path,
        typer.Argument(
            help="A project, a folder with app.json and src, or an app in Python."
        ),
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

    JavaScript: a change is built by the project's script dev, or build, is
    checked, and is in force in less than a second. Each request is shown with its
    status, the time in the script, what it logged, and, where it threw, the stack
    in the author's files. Requests are kept with their bodies for ccfpy app
    replay: send it no secrets.

    Python: a change is loaded once to check it. Then the node restarts and
    recovers its service from the ledger, in a few seconds. Tables are kept, and
    the service has a new certificate. Exceptions are shown with the author's lines.

    Ctrl-C stops it.
    """
    from ccfpy.cli.app_dev_run import run

    run(
        project,
        node=node,
        users=users,
        workspace=workspace,
        label=label,
        as_json=json,
    )
