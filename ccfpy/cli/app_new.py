"""``ccfpy app new``: a small app that works, to go on from."""

from pathlib import Path
from typing import Annotated

import typer

from ccfpy.cli.errors import Misused
from ccfpy.cli.output import print_json, print_line
from ccfpy.cli.place import JsonOption
from ccfpy.devtools import templates
from ccfpy.devtools.templates import NoTemplate

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
