"""An app is loaded in a process of its own, and what comes of it is told."""

import asyncio
from pathlib import Path

import pytest

from ccfpy.devtools.python_check import check

GOOD = """\
from checked_tables import word
from ccfpy.app import App, Context

app = App("checked")


@app.get("/x")
def read(ctx: Context) -> str:
    return word


@app.default_endpoint()
def anything(ctx: Context) -> str:
    return ctx.request.path
"""


@pytest.mark.slow
def test_an_app_that_loads_is_told_by_its_endpoints_and_files(tmp_path: Path) -> None:
    app = tmp_path / "checked_app.py"
    app.write_text(GOOD)
    (tmp_path / "checked_tables.py").write_text("word = 'x'\nprint('loaded')")
    checked = asyncio.run(check(app))
    assert (checked.fault, checked.endpoints) == (
        "",
        ("GET /app/x", "* /app/{path}"),
    )
    assert [Path(file).name for file in checked.files] == [
        "checked_app.py",
        "checked_tables.py",
    ]


@pytest.mark.slow
def test_an_app_that_ends_its_process_is_told_by_a_sentence(tmp_path: Path) -> None:
    app = tmp_path / "faulty_app.py"
    app.write_text("import os; os._exit(3)")
    fault = asyncio.run(check(app)).fault
    assert fault == f"{app} ends the process that loads it: it says nothing"
