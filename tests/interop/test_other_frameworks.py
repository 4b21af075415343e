"""The apps in FastAPI and in C++ that the pages for their users show are real.

The same pages show each app for ccfpy, which `tests/e2e/test_howtos.py` runs.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.interop.environments import Tools, install_locked
from tests.lab.moving.build import SOURCE
from tests.pages import PORT, ROOT, blocks

COMPILER = "clang++"


def _files(page: str, folder: str, into: Path) -> list[Path]:
    """Write the files of a page that are below one folder of its workspace."""
    written = []
    for block in blocks(ROOT / "docs/howto" / page, PORT):
        if block.note.startswith(f"workspace/{folder}/"):
            path = into / Path(block.note).name
            path.write_text(block.text)
            written.append(path)
    return written


def test_fastapi_passes_the_test_that_its_page_shows(tmp_path: Path) -> None:
    python = install_locked("fastapi", "fastapi.lock", "FastAPI")
    assert len(_files("coming-from-fastapi.md", "before", tmp_path)) == 2
    words = ["-W", "error", "-m", "pytest", "-p", "no:cacheprovider", "--rootdir"]
    told = Tools(line=6, bin=python.parent).ok("python", *words, tmp_path, tmp_path)
    assert b"1 passed" in told


def test_a_compiler_takes_the_app_in_cpp_by_ccfs_headers(tmp_path: Path) -> None:
    source, compiler = os.environ.get(SOURCE), shutil.which(COMPILER)
    if source is None or compiler is None:
        pytest.skip(f"{SOURCE} names no sources of CCF, or there is no {COMPILER}")
    files = _files("coming-from-ccf.md", "board", tmp_path)
    (app,) = (path for path in files if path.suffix == ".cpp")
    headers = ["-I", f"{source}/include", "-isystem", f"{source}/3rdparty/exported"]
    done = subprocess.run(
        [compiler, "-std=c++20", "-fsyntax-only", *headers, app],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
