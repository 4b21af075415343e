"""Print the test files that a change can break, for `make quick SINCE=main`.

The graph of imports says which modules depend on a changed one, directly or not; the
tests among them are printed. A test that finds its subject in another way, such as by
starting processes, is slow, and `make quick` leaves slow tests out.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from grimp import ImportGraph, build_graph

from tests.house.tree import ROOT

TOPS: Final = ("ccfpy", "apps", "tests", "benchmarks", "deploy")
"""The folders whose imports are followed."""

QUICK: Final = ("unit", "vectors", "governance", "scenarios", "fuzz")
"""The folders below ``tests`` that have quick tests, beside ``house``."""

EVERYTHING: Final = ("pyproject.toml", "requirements-dev.lock", "Makefile")
"""Files that every test depends on."""

_CONFTEST = "conftest"


def affected_tests(changed: Iterable[str], graph: ImportGraph) -> list[str]:
    """Return the paths of the test files and folders that a change can break.

    Those that import a changed module themselves come first: they fail soonest.

    Args:
        changed: paths from the root of the repository.
        graph: what imports what, as :func:`imports` returns it.
    """
    modules: set[str] = set()
    for path in map(PurePosixPath, changed):
        if path.as_posix() in EVERYTHING or path.parts[0] == "governance":
            return [f"tests/{folder}" for folder in QUICK]
        modules |= _modules_of(path, graph)
    near = modules.union(*map(graph.find_modules_that_directly_import, modules))
    dependents = modules.union(*map(graph.find_downstream_modules, modules))
    found = {name for name in dependents if _is_quick_test(name)}
    ordered = sorted(found, key=lambda name: (name not in near, name))
    return [f"{name.replace('.', '/')}.py" for name in ordered]


def imports() -> ImportGraph:
    """Return the graph of imports, in which a test also depends on its ``conftest``."""
    graph = build_graph(*TOPS, cache_dir=None)
    conftests = [name for name in graph.modules if name.endswith(f".{_CONFTEST}")]
    for conftest in conftests:
        folder = conftest.removesuffix(_CONFTEST)
        for name in graph.modules:
            if name.startswith(folder) and _is_test(name):
                graph.add_import(importer=name, imported=conftest)
    return graph


def changed_since(commit: str, root: Path = ROOT) -> list[str]:
    """Return the files that differ from where this branch left a commit.

    Files that are not under version control yet are among them.

    Raises:
        subprocess.CalledProcessError: there is no such commit.
    """
    base = _git(root, "merge-base", commit, "HEAD")[0]
    new = _git(root, "ls-files", "--others", "--exclude-standard")
    return sorted({*_git(root, "diff", "--name-only", "--no-renames", base), *new})


def _git(root: Path, *arguments: str) -> list[str]:
    return subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout.splitlines()


def _modules_of(path: PurePosixPath, graph: ImportGraph) -> set[str]:
    """Return the modules that a file is, or that may read the file.

    A package's ``__init__.py`` runs before any module of the package. A file that is
    neither Python nor prose is read by some module beside it.
    """
    if path.suffix == ".md" or path.parts[0] not in TOPS:
        return set()
    if path.suffix == ".py" and path.name != "__init__.py":
        return {".".join(path.with_suffix("").parts)} & graph.modules
    return set(_below(".".join(path.parent.parts), graph))


def _below(package: str, graph: ImportGraph) -> Iterator[str]:
    for name in graph.modules:
        if name == package or name.startswith(f"{package}."):
            yield name


def _is_test(module: str) -> bool:
    return module.rpartition(".")[2].startswith("test_")


def _is_quick_test(module: str) -> bool:
    return _is_test(module) and module.split(".")[1] in QUICK


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the paths on one line, as ``make`` passes them to pytest."""
    parser = argparse.ArgumentParser(prog="python -m tests.house.since")
    parser.add_argument("commit", help="what to compare the files here with")
    commit: str = parser.parse_args(arguments).commit
    try:
        changed = changed_since(commit)
    except subprocess.CalledProcessError as error:
        sys.exit(f"git does not know {commit}: {error.stderr.strip()}")
    sys.stdout.write(" ".join(affected_tests(changed, imports())) + "\n")


if __name__ == "__main__":
    main()
