"""``ccfpy app new`` and ``dev``: a small app begun, and served while it is written."""

from pathlib import Path
from typing import Annotated

import typer

from ccfpy.cli.errors import Misused
from ccfpy.cli.output import print_json, print_line
from ccfpy.cli.place import JsonOption
from ccfpy.devtools import templates
from ccfpy.devtools.templates import NoTemplate

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


NEXT = {
    "ts": ("npm ci", "ccfpy app dev"),
    "js": ("ccfpy app dev",),
    "python": ("pytest",),
}


def new(
    name: Annotated[str, typer.Argument(help="The app's name; its folder has it too.")],
    *,
    template: Annotated[
        str, typer.Option("--template", "-t", help="ts, js or python.")
    ] = "ts",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A folder of another name.")
    ] = None,
    directory: Annotated[Path | None, typer.Option("--dir", hidden=True)] = None,
    json: JsonOption = False,
) -> None:
    """Write a new app into a folder of its own: source, tests, README.

    Templates: ts, TypeScript made into one module by esbuild; js, JavaScript without
    any tools; python, an app in Python.
    """
    try:
        files = templates.files(template, name)
    except NoTemplate as error:
        raise Misused(str(error)) from error
    folder = out or directory or Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Misused(f"{folder} is there already: choose another name, or --out")
    for path, text in files:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    if json:
        written: list[str] = [path.as_posix() for path, _ in files]
        print_json({"folder": str(folder), "files": written})
        return
    print_line(f"{folder}: {len(files)} files. Go on with:")
    for command in (f"cd {folder}", *NEXT[template]):
        print_line(f"  {command}")
