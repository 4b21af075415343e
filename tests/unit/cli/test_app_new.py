import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Command


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("template", ["ts", "js", "python"])
def test_a_project_is_written_and_what_comes_next_is_told(
    command: Command, template: str
) -> None:
    ended = command("app", "new", "my-app", "-t", template)
    assert (ended.code, ended.err) == (0, "")
    assert "cd my-app" in ended.out
    assert Path("my-app/README.md").read_text().startswith("# my-app")


@pytest.mark.parametrize("option", ["--out", "-o", "--dir"])
def test_programs_are_told_as_json(command: Command, option: str) -> None:
    ended = command("app", "new", "a", "-t", "js", option, "b/c", "--json")
    told = json.loads(ended.out)
    assert told["folder"] == "b/c"
    assert all((Path("b/c") / name).is_file() for name in told["files"])


def test_nothing_is_overwritten(command: Command) -> None:
    Path("a").mkdir()
    Path("a/mine").write_text("x")
    Path("b").write_text("x")
    for name in ("a", "b"):
        ended = command("app", "new", name, "-t", "js")
        assert ended.code == 2
        assert "is there already" in ended.err
    assert [path.name for path in Path("a").iterdir()] == ["mine"]


def test_an_empty_folder_may_be_there(command: Command) -> None:
    Path("a").mkdir()
    assert command("app", "new", "a", "-t", "js").code == 0


@pytest.mark.parametrize("words", [("A!",), ("a", "-t", "rust")])
def test_a_wish_that_makes_no_sense_is_refused(
    command: Command, words: tuple[str, ...]
) -> None:
    ended = command("app", "new", *words)
    assert ended.code == 2
    assert list(Path().iterdir()) == []
