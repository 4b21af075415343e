"""``ccfpy compat``: stand-ins for CCF's own programs, at the paths they are looked for.

Each stand-in is a small script that names this installation's interpreter and calls
one function. A node's program is measured by the digest of its script: the scripts of
different apps therefore differ, in the line that names the app.

A file that does not carry our mark is never overwritten or removed.
"""

import compileall
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

import ccfpy
from ccfpy.base.version import VERSION
from ccfpy.cli.entries import Entry, Table
from ccfpy.cli.errors import CommandFailed, no_such_file
from ccfpy.cli.output import print_json, print_line
from ccfpy.cli.place import JsonOption

MARK = "# Written by `ccfpy compat install`; `ccfpy compat uninstall` removes it."
SHEBANG_BYTES_MAX = 127
"""Longer first lines are cut by some kernels."""
APPS: Mapping[str, str] = {
    "js_generic": "js_generic",
    **{
        f"samples/apps/{name}/{name}": name
        for name in ("logging", "programmability", "nobuiltins", "basic")
    },
}
"""Each node program's path below the prefix, and the app it serves."""
TOOLS: Mapping[str, tuple[str, str]] = {
    "bin/sandbox.sh": ("ccfpy.cli.main", "sandbox_script"),
    "bin/keygenerator.sh": ("ccfpy.cli.node", "keygen"),
}
"""Each tool's path, and the function that it calls with its arguments."""
VERSION_FILE = "share/VERSION"
_MODE = 0o755

PrefixOption: TypeAlias = Annotated[
    Path, typer.Option("--prefix", help="The folder that stands for CCF's.")
]


def install(*, prefix: PrefixOption, json: JsonOption = False) -> None:
    """Write the stand-ins below a folder; files of others are left alone."""
    wanted = _contents(prefix)
    foreign = [path for path in wanted if path.exists() and not is_ours(path)]
    if foreign:
        raise CommandFailed(
            f"{foreign[0]} is there already and was not written by ccfpy: move it away "
            "or choose another --prefix"
        )
    try:
        for path, text in wanted.items():
            _write(path, text)
    except OSError as error:
        raise no_such_file(str(error.filename or prefix), error) from error
    # Stand-ins run without writing bytecode: compile now what they would each time.
    compileall.compile_dir(Path(ccfpy.__file__).parent, quiet=2)
    _tell(list(wanted), as_json=json)


def uninstall(*, prefix: PrefixOption, json: JsonOption = False) -> None:
    """Remove the stand-ins that were written below a folder."""
    removed = [path for path in _contents(prefix) if path.exists() and is_ours(path)]
    try:
        for path in removed:
            path.unlink()
            _prune(path.parent, prefix)
    except OSError as error:
        raise no_such_file(str(error.filename or prefix), error) from error
    _tell(removed, as_json=json)


def node_script(app: str, interpreter: str = sys.executable) -> str:
    """Return the program that is a node serving ``app``."""
    call = f"main({app!r}, sys.argv[1:])"
    return _script(interpreter, "ccfpy.cli.node", "main", call)


def tool_script(module: str, function: str, interpreter: str = sys.executable) -> str:
    """Return the program that calls a function with its arguments."""
    return _script(interpreter, module, function, f"{function}(sys.argv[1:])")


def is_ours(path: Path) -> bool:
    """Return whether a file carries our mark."""
    try:
        return MARK in path.read_text(errors="replace").splitlines()
    except OSError:
        return False


def _script(interpreter: str, module: str, function: str, call: str) -> str:
    lines = [
        *_first_lines(interpreter),
        MARK,
        "import sys",
        f"from {module} import {function}",
        f"sys.exit({call})",
    ]
    return "\n".join(lines) + "\n"


def _first_lines(interpreter: str) -> Sequence[str]:
    """Name the interpreter, isolated from the environment and writing no bytecode."""
    shebang = f"#!{interpreter} -IB"
    if len(shebang.encode()) <= SHEBANG_BYTES_MAX and " " not in interpreter:
        return [shebang]
    # For the shell this is the command to run; for Python an unused string.
    return ["#!/bin/sh", f"""'''exec' "{interpreter}" -IB "$0" "$@"\n' '''"""]


def _contents(prefix: Path) -> dict[Path, str]:
    root = prefix.resolve()
    texts = {root / path: node_script(app) for path, app in APPS.items()}
    texts |= {root / path: tool_script(*called) for path, called in TOOLS.items()}
    texts[root / VERSION_FILE] = f"ccfpy-{VERSION}\n{MARK}\n"
    return texts


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text)
    unfinished.chmod(_MODE if text.startswith("#!") else 0o644)
    unfinished.replace(path)


def _prune(folder: Path, prefix: Path) -> None:
    """Remove folders that are empty now."""
    root = prefix.resolve()
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _tell(paths: Sequence[Path], *, as_json: bool) -> None:
    if as_json:
        print_json([str(path) for path in paths])
        return
    for path in paths:
        print_line(str(path))


compat: Table = {
    "install": Entry(
        "Write the stand-ins below a folder; files of others are left alone.",
        lambda: install,
    ),
    "uninstall": Entry(
        "Remove the stand-ins that were written below a folder.", lambda: uninstall
    ),
}
