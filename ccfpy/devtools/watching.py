"""Files that others write, looked at again: sources that change, logs that grow.

A file's size and time tell whether to read it, and its content whether it changed: a
build that writes a source anew as it was does not begin another build.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ccfpy.client.bundle import BUILT, SOURCES

OUTPUTS = frozenset({"bundle.json", "package-lock.json"})
"""Files beside the sources that tools write."""
TESTS = ".py"


class _Seen(NamedTuple):
    changed_ns: int
    size_bytes: int
    digest: bytes


@dataclass(slots=True)
class Watch:
    """Some files, which may come and go.

    Args:
        listed: lists those that are there now.
    """

    listed: Callable[[], Iterable[Path]]
    _seen: dict[Path, _Seen] = field(default_factory=dict)

    def changed(self) -> list[Path]:
        """List files that came, went or have other content than when last asked."""
        found: dict[Path, _Seen] = {}
        changed = []
        for path in self.listed():
            before = self._seen.get(path)
            now = _look(path, before)
            if now is None:
                continue
            found[path] = now
            if before is None or before.digest != now.digest:
                changed.append(path)
        changed += [path for path in self._seen if path not in found]
        self._seen = found
        return sorted(changed)


def project_files(folder: Path) -> Iterator[Path]:
    """Return the sources of a project: files beside ``src``, and all below it.

    In CCF's layout without a build these are the modules themselves; what a build makes
    is not looked at.
    """
    sources = folder / SOURCES
    if not sources.is_dir():
        sources = folder / BUILT / SOURCES
    for path in folder.iterdir():
        if (
            path.is_file()
            and not path.name.startswith(".")
            and path.suffix != TESTS
            and path.name not in OUTPUTS
        ):
            yield path
    for place, folders, names in os.walk(sources):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(place, name)


def python_files(app: Path) -> Iterator[Path]:
    """Return the sources of an app in Python: its package, or the modules beside it."""
    is_package = app.is_dir()
    for path in (app.rglob if is_package else app.parent.glob)("*.py"):
        if not path.name.startswith(("test_", "conftest.", ".")):
            yield path


def _look(path: Path, before: _Seen | None) -> _Seen | None:
    """Look at a file; nothing if it has gone meanwhile."""
    try:
        stat = path.stat()
        if before is not None and before[:2] == (stat.st_mtime_ns, stat.st_size):
            return before
        digest = hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None
    return _Seen(stat.st_mtime_ns, stat.st_size, digest)


@dataclass(slots=True)
class LogTail:
    """A file that grows, read as it does."""

    path: Path
    _at: int = 0
    _rest: bytes = b""

    def lines(self) -> list[str]:
        """Return the whole lines that were written since the last call."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except FileNotFoundError:
            return []
        self._at += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace") for line in whole]
