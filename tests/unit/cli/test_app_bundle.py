import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Command


@pytest.fixture
def app(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The app that ``ccfpy app new`` writes, beside the working folder."""
    monkeypatch.chdir(tmp_path)
    command("app", "new", "app", "-t", "js")
    return tmp_path / "app"


def test_a_bundle_and_a_proposal_are_written(command: Command, app: Path) -> None:
    ended = command("app", "bundle", app, "--proposal", "p.json")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        f"{app}/bundle.json: 3 endpoints, 1 module",
        "p.json: propose it with ccfpy gov propose p.json",
    ]
    bundle = json.loads((app / "bundle.json").read_text())
    assert [module["name"] for module in bundle["modules"]] == ["app.js"]
    (action,) = json.loads(Path("p.json").read_text())["actions"]
    assert action == {"name": "set_js_app", "args": {"bundle": bundle}}


def test_it_goes_where_it_is_wanted(command: Command, app: Path) -> None:
    to_stdout = command("app", "bundle", app, "-o", "-")
    assert set(json.loads(to_stdout.out)) == {"metadata", "modules"}
    told = json.loads(command("app", "bundle", app, "-o", "b.json", "--json").out)
    assert told == {
        "bundle": "b.json",
        "proposal": None,
        "endpoints": ["PUT /notes/{number}", "GET /notes/{number}", "GET /count"],
        "modules": ["app.js"],
    }
    assert not (app / "bundle.json").exists()
    assert command("app", "bundle", app, "-o", "-", "--json").code == 2


def test_a_bundle_is_written_anew_and_nothing_else_is(
    command: Command, app: Path
) -> None:
    for _ in range(2):
        assert command("app", "bundle", app).code == 0
    for text in ("mine", "{}"):
        Path("mine").write_text(text)
        assert command("app", "bundle", app, "-o", "mine").code == 2
        assert Path("mine").read_text() == text


def test_a_bundle_that_is_there_is_looked_over(command: Command, app: Path) -> None:
    command("app", "bundle", app)
    before = (app / "bundle.json").read_bytes()
    ended = command("app", "bundle", app / "bundle.json")
    assert ended.code == 0
    assert (app / "bundle.json").read_bytes() == before


def test_every_fault_is_told_and_nothing_is_written(
    command: Command, app: Path
) -> None:
    metadata = json.loads((app / "app.json").read_text())
    metadata["endpoints"]["/count"]["get"] |= {"mode": "fast", "js_function": "sum"}
    (app / "app.json").write_text(json.dumps({**metadata, "version": 1}))
    ended = command("app", "bundle", app)
    assert ended.code == 1
    lines = ended.err.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["remark", "fault", "fault"]
    assert lines[-1] == f"ccfpy: {app} cannot be used as it is: correct 2 faults"
    assert not (app / "bundle.json").exists()


def test_a_project_is_built_first(command: Command, app: Path) -> None:
    (app / "package.json").write_text('{"scripts": {"build": "echo broken; exit 1"}}')
    ended = command("app", "bundle", app)
    assert ended.code == 1
    assert "the build failed" in ended.err
    assert "broken" in ended.err
    assert command("app", "bundle", app, "--no-build").code == 0


def test_a_folder_without_an_app_says_how_to_begin(
    command: Command, tmp_path: Path
) -> None:
    ended = command("app", "bundle", tmp_path)
    assert ended.code == 1
    assert "ccfpy app new" in ended.err
