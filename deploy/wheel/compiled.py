"""Compiles the modules that every request runs through into the wheel, with mypyc.

A build hook of hatchling's, off unless asked for::

    HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 pip wheel --no-deps .

The wheel holds every source as well: what is compiled lies beside it, and Python takes
it first. ``CCFPY_PURE=1`` has it take the sources. Nothing is written into the
checkout: the compiler sees a copy. ``CCFPY_WHEEL_PLATFORM`` names the platform that the
wheel is for, where the C compiler compiles for another than this machine's.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "ccfpy"
PARTS = "deploy/wheel/sboms/compiled.cdx.json"
"""What compiled modules hold besides ours, as the wheel says it (PEP 770)."""
_COMPILER = Path(__file__).with_name("compile.py")
_SETTINGS = """[mypy]
ignore_missing_imports = True
local_partial_types = True
strict_bytes = True
"""
AFTER_FAILURE = """#include <Python.h>
#define SELDOM __attribute__((cold))
SELDOM void CPy_AddTraceback(const char *, const char *, int, PyObject *);
SELDOM void CPy_TypeErrorTraceback(
    const char *, const char *, int, PyObject *, const char *, PyObject *);
SELDOM void CPy_AttributeError(
    const char *, const char *, const char *, const char *, int, PyObject *);
SELDOM void CPy_TypeError(const char *, PyObject *);
SELDOM void PyErr_SetString(PyObject *, const char *);
"""
"""What mypyc's code calls when something has failed, as C declares it. A quarter of
the compiled code leads only to such calls, and the compiler puts that quarter apart
from the rest: a request fetches a thirtieth less of code and data."""
_FLAGS = (
    # As Python itself is compiled: setuptools leaves those flags out where others are
    # given. Assertions in C would cost time, and hold paths of this machine.
    "-DNDEBUG",
    "-fwrapv",
    # Debugging data would hold paths of this machine.
    "-g0",
    # Modules find each other in a table that the library hands to Python, none by its
    # name: what nobody else can name or replace is called straight, and put in place
    # where it is small. A request fetches a thirteenth less of code and data so.
    "-fvisibility=hidden",
    "-fno-plt",
    "-includeseldom.h",
)


class NotCompiled(Exception):
    """The compiler refused; the text is what it said."""


class CompiledModules(BuildHookInterface[Any]):
    """Puts compiled forms of the configured ``modules`` beside their sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, unless the sources stay where they are and are edited."""
        if version == "editable":
            return
        self._place = Path(tempfile.mkdtemp(prefix="ccfpy-wheel-"))
        root = Path(self.root)
        ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
        with contextlib.ExitStack() as undoing:
            # No wheel is made then, so nobody would remove the copy later.
            undoing.callback(shutil.rmtree, self._place, ignore_errors=True)
            shutil.copytree(root / PACKAGE, self._place / PACKAGE, ignore=ignored)
            libraries = compiled(self._place, modules(root, self.config))
            undoing.pop_all()
        for library in libraries:
            name = library.relative_to(self._place).as_posix()
            build_data["force_include"][str(library)] = name
        build_data["pure_python"] = False
        build_data["sbom_files"].append(PARTS)
        if platform := os.environ.get("CCFPY_WHEEL_PLATFORM"):
            python = f"cp{sys.version_info.major}{sys.version_info.minor}"
            build_data["tag"] = f"{python}-{python}-{platform}"
        else:
            build_data["infer_tag"] = True

    def finalize(
        self, version: str, build_data: dict[str, Any], artifact_path: str
    ) -> None:
        """Remove the copy, now that the wheel is written."""
        del build_data, artifact_path
        if version != "editable":
            shutil.rmtree(self._place, ignore_errors=True)


def modules(root: Path, settings: dict[str, Any]) -> list[str]:
    """List the files that are to be compiled.

    Raises:
        NotCompiled: one of them is not there.
    """
    files: list[str] = settings["modules"]
    for name in files:
        if not (root / name).is_file():
            raise NotCompiled(f"modules: there is no {name}")
    return files


def compiled(place: Path, files: list[str]) -> list[Path]:
    """Compile files of a copy of the sources, and give the libraries that it made.

    Raises:
        NotCompiled: it did not work.
    """
    (place / "mypy.ini").write_text(_SETTINGS)
    (place / "seldom.h").write_text(AFTER_FAILURE)
    flags = f"{os.environ.get('CFLAGS', '')} {' '.join(_FLAGS)}".strip()
    made = subprocess.run(  # noqa: S603
        [sys.executable, str(_COMPILER), json.dumps(files), "build_ext", "--inplace"],
        cwd=place,
        env={**os.environ, "CFLAGS": flags, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode:
        raise NotCompiled(made.stdout)
    made_of = (*place.glob("*"), *(place / PACKAGE).rglob("*"))
    return sorted(path for path in made_of if path.suffix in (".so", ".pyd"))
