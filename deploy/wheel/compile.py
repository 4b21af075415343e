"""Compiles modules of ccfpy where they lie, in the working directory.

    python compile.py '["ccfpy/kv/tx.py", …]' build_ext --inplace

A setup script, which ``compiled.py`` runs in a process of its own. ``MYPYC_OPT_LEVEL``
is the C compiler's level of optimisation, as for mypyc itself; by default 2.
"""

import json
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

# A compiled module names its file itself. For another processor, setuptools takes the
# suffix from this variable; mypyc takes the first of these, when it is imported.
if suffix := os.environ.get("SETUPTOOLS_EXT_SUFFIX"):
    EXTENSION_SUFFIXES.insert(0, suffix)

from mypyc.build import mypycify
from setuptools import setup  # type: ignore[import-untyped]

GROUP = "ccfpy_compiled"
"""All share one library, whose name begins so: they call each other without Python. It
lies beside the package, where mypyc looks for it."""

files: list[str] = json.loads(sys.argv.pop(1))
# Packages are read with their modules: types flow through them.
packages = {
    path.as_posix()
    for name in files
    for path in [Path(name).parent / "__init__.py"]
    if path.is_file()
}
setup(
    name="ccfpy",
    packages=[],
    py_modules=[],
    ext_modules=mypycify(
        [
            "--explicit-package-bases",
            "--config-file=mypy.ini",
            *sorted({*files, *packages}),
        ],
        only_compile_paths=files,
        opt_level=os.environ.get("MYPYC_OPT_LEVEL", "2"),
        debug_level="0",
        target_dir="build",
        group_name=GROUP,
    ),
)
