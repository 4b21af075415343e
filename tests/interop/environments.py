"""CCF's own Python tools, both lines, each in an environment of its own.

They read what we write, and their dependencies are not ours. An environment is made
once, from the line's lock, and kept in the repository's root.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PYTHONS = {
    6: ("python3.11", "python3.12", "python3.13", "python3"),
    7: ("python3.13", "python3.14", "python3.12", "python3"),
}
"""What may run a line's tools, the best first."""
OLDEST = {6: (3, 11), 7: (3, 12)}
INSTALL_TIMEOUT_S = 240
RUN_TIMEOUT_S = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """One line of the tools.

    Attributes:
        line: its major version.
        bin: the folder of its commands and its Python.
    """

    line: int
    bin: Path

    def run(
        self, command: str, *words: str | Path, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one of its commands to the end."""
        return self._run([str(self.bin / command), *map(str, words)], cwd=cwd)

    def ok(self, command: str, *words: str | Path, cwd: Path | None = None) -> bytes:
        """Run a command that must work; give what it printed."""
        return _output(self.run(command, *words, cwd=cwd))

    def program(
        self, name: str, *words: str | Path, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program of this folder on the line's Python."""
        command = [str(self.bin / "python"), "-I", str(HERE / name), *map(str, words)]
        return self._run(command, stdin=stdin)

    def answer(self, name: str, *words: str | Path, stdin: bytes = b"") -> bytes:
        """Run a program that must work; give what it printed."""
        return _output(self.program(name, *words, stdin=stdin))

    def _run(
        self, command: Sequence[str], *, stdin: bytes = b"", cwd: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        path = f"{self.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return subprocess.run(
            command,
            input=stdin,
            cwd=cwd,
            env={"PATH": path},
            capture_output=True,
            timeout=RUN_TIMEOUT_S,
            check=False,
        )


def install(line: int) -> Tools:
    """Make the environment of a line, unless it is there already.

    Where it cannot be made the test is skipped, or fails in CI, where it must be.
    """
    python = install_locked(
        f"ccf{line}", f"ccf-{line}.lock", f"CCF {line}'s tools", line
    )
    return Tools(line=line, bin=python.parent)


def install_locked(name: str, lock: str, what: str, line: int = 6) -> Path:
    """Make the environment of a lock, unless it is there already; give its Python.

    Args:
        name: what its folder's name ends with.
        lock: the file in this folder.
        what: is installed, for who must be told that it cannot be.
        line: of CCF, whose Pythons will do.
    """
    folder = ROOT / f".venv-{name}"
    marker = folder / "installed"  # the Makefile's: whoever comes first makes it
    if not _is_current(marker, HERE / lock):
        _make(folder, HERE / lock, what, line)
        marker.touch()
    return folder / "bin" / "python"


def _is_current(marker: Path, lock: Path) -> bool:
    return marker.is_file() and marker.stat().st_mtime >= lock.stat().st_mtime


def _make(folder: Path, lock: Path, what: str, line: int) -> None:
    python = folder / "bin" / "python"
    if not python.is_file():
        _do([_find_python(line), "-m", "venv", str(folder)], what)
    words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _do([str(python), *words, "--require-hashes", "-r", str(lock)], what)


def _find_python(line: int) -> str:
    fit = (p for p in _candidates(line) if _version_of(p) >= OLDEST[line])
    python = next(fit, None)
    if python is None:
        wanted = ".".join(map(str, OLDEST[line]))
        missing(f"CCF {line}'s tools need Python {wanted} or newer: none is here")
    return python


def _candidates(line: int) -> Iterator[str]:
    for name in PYTHONS[line]:
        if found := shutil.which(name):
            yield found
        minor = name.removeprefix("python")
        for path in sorted(Path.home().glob(f".pyenv/versions/{minor}.*/bin/python")):
            yield str(path)


def _version_of(python: str) -> tuple[int, ...]:
    """Return a Python's version; an empty one for what does not run."""
    done = subprocess.run(
        [python, "-c", "import sys; print(*sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=False,
    )
    return tuple(map(int, done.stdout.split())) if done.returncode == 0 else ()


def _do(command: Sequence[str], what: str) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        missing(f"{what} cannot be installed: {last}")


def missing(message: str) -> NoReturn:
    """Skip a test for what is not here; in CI, where it must be, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def _output(done: subprocess.CompletedProcess[bytes]) -> bytes:
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    return done.stdout
