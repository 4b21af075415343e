"""``ccfpy doctor``: what this machine lacks, and what to do about it.

A wheel's compiled modules lie beside their sources. Python silently runs the source if
the file is gone, or if its name does not end in the suffix of this Python and this
processor. So the question is what Python would load, not which files are there.
"""

import csv
import importlib
import importlib.metadata
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from enum import StrEnum
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

import ccfpy
from ccfpy import PURE_VARIABLE
from ccfpy.base.limits import SESSIONS_HARD_MAX
from ccfpy.cli.addresses import parse_node, require_free
from ccfpy.cli.errors import CommandFailed
from ccfpy.cli.output import print_json
from ccfpy.cli.place import JsonOption
from ccfpy.cli.terminal import Part, text_console
from ccfpy.client.share import share_root
from ccfpy.enclave.isolation.confinement import SWITCH

PYTHON_MIN = (3, 11)
FILES_MIN = SESSIONS_HARD_MAX + 100
SPACE_MIN_BYTES = 1 << 30
SHARED_MEMORY_MIN_BYTES = 64 << 20
CLOCK_MIN_UNIX_S = 1_700_000_000
PROGRAM_TIMEOUT_S = 5
NAMED_MAX = 3
"""How many of the modules that should run compiled, but do not, are named."""
ENGINE = "wasmtime"
"""The library that runs JavaScript, which pip also installs where it cannot run."""
CLOSE_AND_TELL = """
import os
from ccfpy.enclave.isolation import confine
told = os.dup(1)
os.write(told, str(confine(known=[told])).encode())
"""
ISOLATION_REMEDY = "let a container use seccomp and Landlock, on Linux 6.12 or newer"


class Verdict(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Check(NamedTuple):
    """One thing looked at.

    Attributes:
        remedy: what to do, unless all is well.
    """

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""


def doctor(
    *,
    node: Annotated[
        str, typer.Option("--node", "-n", help="Where the sandbox would listen.")
    ] = "local://127.0.0.1:8000",
    json: JsonOption = False,
) -> None:
    """Check that this machine has what ccfpy needs.

    Exits with 1 if it has not.
    """
    host, port = parse_node(node)
    checks = [
        _python(),
        *_dependencies(),
        _engine(),
        _shipped_files(),
        _port(host, port),
        _loopback(),
        _descriptors(),
        _space(),
        _shared_memory(),
        _clock(),
        _isolation(),
        _modules(),
        _program("openssl", "to look at certificates", "version"),
        _program("curl", "to paste the sandbox's examples", "--version"),
    ]
    if json:
        print_json([check._asdict() for check in checks])
    else:
        for check in checks:
            _print(check)
    if any(check.verdict is Verdict.FAIL for check in checks):
        raise typer.Exit(1)


def _python() -> Check:
    found = f"{platform.python_implementation()} {platform.python_version()}"
    if sys.version_info[:2] < PYTHON_MIN:
        return Check("python", Verdict.FAIL, found, "install Python 3.11 or newer")
    if sys.implementation.name != "cpython":
        return Check("python", Verdict.WARN, found, "ccfpy is tested on CPython only")
    return Check("python", Verdict.OK, f"{found}, {platform.machine()}")


def _dependencies() -> Sequence[Check]:
    try:
        wanted = importlib.metadata.requires("ccfpy") or []
    except importlib.metadata.PackageNotFoundError:
        remedy = "install it with pip, or make .venv in a checkout"
        return [Check("ccfpy", Verdict.FAIL, "it is not installed", remedy)]
    names = [_name(text) for text in wanted if "extra ==" not in text]
    missing = [name for name in names if not _is_installed(name)]
    optional = [name for name in missing if name == "uvloop"]
    needed = [name for name in missing if name != "uvloop"]
    checks = []
    if needed:
        remedy = f"pip install {' '.join(needed)}"
        found = f"missing: {', '.join(needed)}"
        checks.append(Check("dependencies", Verdict.FAIL, found, remedy))
    else:
        checks.append(
            Check("dependencies", Verdict.OK, f"all {len(names)} are installed")
        )
    if optional:
        checks.append(
            Check("uvloop", Verdict.WARN, "missing: the host is slower without it", "")
        )
    return checks


def _name(requirement: str) -> str:
    end = next(
        (i for i, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")),
        len(requirement),
    )
    return requirement[:end]


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _engine() -> Check:
    """Load the library that runs JavaScript: installed is not enough.

    Where no wheel fits, pip installs one without the library in machine code.
    """
    try:
        importlib.import_module(ENGINE)
    except Exception as error:  # noqa: BLE001  # whatever it says, scripts do not run
        remedy = (
            "use Linux, macOS or Windows on a processor that wasmtime has wheels for"
        )
        return Check(ENGINE, Verdict.FAIL, f"does not load: {error}", remedy)
    return Check(ENGINE, Verdict.OK, f"{importlib.metadata.version(ENGINE)} loads")


def _shipped_files() -> Check:
    try:
        root = share_root()
    except FileNotFoundError as error:
        return Check("shipped files", Verdict.FAIL, str(error), "install ccfpy again")
    return Check("shipped files", Verdict.OK, f"constitutions in {root / 'governance'}")


def _port(host: str, port: int) -> Check:
    try:
        require_free(host, port)
    except CommandFailed as error:
        found, _, remedy = str(error).partition(": ")
        return Check("port", Verdict.WARN, found, remedy)
    return Check("port", Verdict.OK, f"{host}:{port} is free")


def _loopback() -> Check:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.2", 0))
        except OSError:
            remedy = "services of several nodes on this machine need more ports"
            return Check("loopback", Verdict.WARN, "only 127.0.0.1 can be used", remedy)
    return Check("loopback", Verdict.OK, "all of 127.0.0.0/8 can be used")


def _descriptors() -> Check:
    try:
        import resource  # absent on Windows
    except ImportError:
        return Check("open files", Verdict.OK, "as many as memory holds")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = f"{soft} open files allowed"
    if 0 <= soft < FILES_MIN:
        remedy = f"ulimit -n {FILES_MIN}" + (f" (at most {hard})" if hard > 0 else "")
        return Check("open files", Verdict.WARN, found, remedy)
    return Check("open files", Verdict.OK, found)


def _space() -> Check:
    free = shutil.disk_usage(Path.cwd()).free
    found = f"{free >> 20} MiB free here"
    if free < SPACE_MIN_BYTES:
        return Check("disk", Verdict.WARN, found, "make room: ledgers only ever grow")
    return Check("disk", Verdict.OK, found)


def _shared_memory() -> Check:
    path = Path("/dev/shm")  # noqa: S108  # looked at, not written to
    if not path.is_dir():
        return Check("shared memory", Verdict.OK, "none here, and none is needed")
    free = shutil.disk_usage(path).free
    found = f"{free >> 20} MiB free in {path}"
    if free < SHARED_MEMORY_MIN_BYTES:
        remedy = "give a container more with --shm-size=256m"
        return Check("shared memory", Verdict.WARN, found, remedy)
    return Check("shared memory", Verdict.OK, found)


def _clock() -> Check:
    if time.time() < CLOCK_MIN_UNIX_S:
        remedy = "set the clock: certificates would not be valid"
        return Check("clock", Verdict.FAIL, time.ctime(), remedy)
    return Check("clock", Verdict.OK, time.strftime("%Y-%m-%d %H:%M:%S %Z"))


def _isolation() -> Check:
    """Isolate a process as the enclave's process is isolated, and report the result."""
    done = subprocess.run(  # noqa: S603  # fixed words
        [sys.executable, "-c", CLOSE_AND_TELL],
        capture_output=True,
        text=True,
        timeout=PROGRAM_TIMEOUT_S,
        check=False,
        env={
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            SWITCH: os.environ.get(SWITCH, ""),
        },
    )
    found = done.stdout.strip().removeprefix("Isolation: ")
    if done.returncode or not found:
        found = f"a closed process ended with code {done.returncode}"
        return Check("isolation", Verdict.WARN, found, ISOLATION_REMEDY)
    if found.startswith("Isolation is reduced"):
        return Check("isolation", Verdict.WARN, found, ISOLATION_REMEDY)
    return Check("isolation", Verdict.OK, found)


def _modules() -> Check:
    compiled = compiled_modules(Path(ccfpy.__file__).parent)
    if not compiled:
        return Check("modules", Verdict.OK, "none compiled: all run from their sources")
    if os.environ.get(PURE_VARIABLE) == "1":
        found = f"{len(compiled)} compiled, but {PURE_VARIABLE} is 1"
        return Check("modules", Verdict.OK, found)
    others = [name for name, runs_compiled in compiled.items() if not runs_compiled]
    found = f"{len(compiled) - len(others)} of {len(compiled)} compiled"
    if not others:
        return Check("modules", Verdict.OK, found)
    found += f"; run from their sources: {', '.join(others[:NAMED_MAX])}"
    if len(others) > NAMED_MAX:
        found += f" and {len(others) - NAMED_MAX} more"
    remedy = "install the wheel for this Python: pip install --force-reinstall ccfpy"
    return Check("modules", Verdict.WARN, found, remedy)


def _program(name: str, purpose: str, version_option: str) -> Check:
    path = shutil.which(name)
    if path is None:
        return Check(name, Verdict.WARN, "not found", f"install it {purpose}")
    try:
        done = subprocess.run(  # noqa: S603  # a program found by a fixed name
            [path, version_option],
            capture_output=True,
            text=True,
            timeout=PROGRAM_TIMEOUT_S,
            check=True,
            cwd=tempfile.gettempdir(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Check(name, Verdict.WARN, f"does not run: {error}", "install it again")
    return Check(name, Verdict.OK, done.stdout.splitlines()[0][:60])


_MARKS: dict[Verdict, Part] = {
    Verdict.OK: ("ok  ", "green"),
    Verdict.WARN: ("warn", "yellow"),
    Verdict.FAIL: ("fail", "red"),
}


def _print(check: Check) -> None:
    remedy = f": {check.remedy}" if check.remedy else ""
    found = f" {check.name}: {check.found}{remedy}"
    text_console().say(_MARKS[check.verdict], found)


SUFFIXES = (".so", ".pyd")
"""How names of compiled modules end, for whichever Python they were compiled."""


def compiled_modules(package: Path) -> dict[str, bool]:
    """Map each module that was compiled, as in ``kv/tx.py``, to whether it runs so.

    Args:
        package: the folder of the installed package.
    """
    root = package.parent
    files = {path.relative_to(root) for path in package.rglob("*")}
    sources = {
        path.with_name(f"{path.name.partition('.')[0]}.py")
        for path in files | _installed(root)
        if path.suffix in SUFFIXES and path.parts[0] == package.name
    }
    return {
        source.relative_to(package.name).as_posix(): _is_loaded_compiled(root, source)
        for source in sorted(sources)
    }


def _installed(root: Path) -> set[Path]:
    """Return the files that pip installed in this folder, also those that are gone."""
    found = importlib.metadata.distributions(name="ccfpy", path=[str(root)])
    # ``files`` leaves out those that are gone, from Python 3.12 on.
    records = [(each.read_text("RECORD") or "").splitlines() for each in found]
    return {Path(row[0]) for record in records for row in csv.reader(record)}


def _is_loaded_compiled(root: Path, source: Path) -> bool:
    name = ".".join(source.with_suffix("").parts)
    # A path of the package itself: its hook for CCFPY_PURE has a say.
    spec = PathFinder.find_spec(name, [str(root / source.parent)])
    return bool(
        spec and spec.origin and spec.origin.endswith(tuple(EXTENSION_SUFFIXES))
    )
