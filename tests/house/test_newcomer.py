"""`make newcomer` finds what it needs in the pages, and ends with 1 where it fails."""

import zipfile
from pathlib import Path

import pytest

from tests import newcomer
from tests.house.tree import ROOT
from tests.pages import blocks, sections


@pytest.mark.parametrize(
    "page",
    sorted([*newcomer.TUTORIAL.glob("*.md"), newcomer.CLIENT]),
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_the_parts_of_a_page_have_all_its_blocks(page: Path) -> None:
    parts = sections(page, 8000)
    assert [block for _, found in parts for block in found] == blocks(page, 8000)
    assert len({title for title, _ in parts}) == len(parts) > 0


def test_the_tutorial_installs_from_the_index_in_three_lines() -> None:
    found = blocks(newcomer.TUTORIAL / "README.md", 8000)
    (install,) = (block.text for block in found if newcomer.FROM_INDEX in block.text)
    assert len(install.splitlines()) == 3


def test_a_wheel_of_other_sources_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert newcomer.main(["--wheels", str(tmp_path)]) == 1
    assert "make wheel" in capsys.readouterr().err
    name = "ccfpy/base/version.py"
    wheel = tmp_path / "ccfpy-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(ROOT / name, name)
    assert newcomer.find_wheel(tmp_path) == wheel
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(name, "VERSION = 'another'\n")
    assert newcomer.main(["--wheels", str(tmp_path)]) == 1
    assert f"another {name}" in capsys.readouterr().err


def test_nothing_of_the_checkout_is_on_the_path_of_a_newcomer(tmp_path: Path) -> None:
    variables = newcomer.surroundings(tmp_path)
    assert "PYTHONPATH" not in variables
    path = variables["PATH"].split(":")
    assert not [each for each in path if each.startswith(str(ROOT / ".venv/"))]


def test_the_table_ends_with_the_sum() -> None:
    parts = [newcomer.Part("a.md", "One", 1.25), newcomer.Part("a.md", "Two", 2.5)]
    assert newcomer.table(parts).splitlines()[2:] == [
        "| a.md | One | 1.2 |",
        "| a.md | Two | 2.5 |",
        "| | **all** | **4** |",
    ]
