"""Which of the modules that were compiled for this installation run compiled.

A wheel's compiled modules lie beside their sources. Python silently runs the source if
the file is gone, or if its name does not end in the suffix of this Python and this
processor. So the question is what Python would load, not which files are there.
"""

import csv
import importlib.metadata
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from pathlib import Path

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
