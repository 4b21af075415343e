"""The documents hold together, and their examples are true."""

import re
import textwrap
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.house.tree import ROOT, texts

PAGES = {path: text for path, text in texts() if path.endswith(".md")}
_EXAMPLE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)


def _examples(text: str, language: str) -> list[str]:
    return [
        textwrap.dedent(body) for tag, body in _EXAMPLE.findall(text) if tag == language
    ]


def _anchors(text: str) -> set[str]:
    titles = _HEADING.findall(_EXAMPLE.sub("", text))
    kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.replace(" ", "-") for title in kept}


def test_every_row_of_a_table_has_a_cell_for_each_column() -> None:
    wrong = []
    for path, text in PAGES.items():
        columns = 0
        for line in _EXAMPLE.sub("", text).splitlines():
            bare = re.sub(r"`[^`]*`", "", line).replace(r"\|", "")
            cells = bare.count("|") if line.startswith("|") else 0
            if cells and columns and cells != columns:
                wrong.append(f"{path}: {line}")
            columns = columns if cells and columns else cells
    assert not wrong


def test_every_link_leads_somewhere() -> None:
    broken = []
    for path, text in PAGES.items():
        for link in _LINK.findall(_EXAMPLE.sub("", text)):
            if link.startswith(("https://", "http://", "mailto:")):
                continue
            target, _, anchor = link.partition("#")
            file = (ROOT / path).parent.joinpath(target) if target else ROOT / path
            anchors = _anchors(file.read_text()) if file.suffix == ".md" else {anchor}
            if not file.exists() or (anchor and anchor not in anchors):
                broken.append(f"{path}: {link}")
    assert not broken


def test_every_python_example_is_python() -> None:
    for path, text in PAGES.items():
        for example in _examples(text, "python"):
            compile(example, path, "exec")


@pytest.mark.parametrize(
    "page", sorted(path for path in PAGES if path.startswith("docs/formats/"))
)
def test_a_formats_page_tells_the_truth(page: str) -> None:
    examples = _examples(PAGES[page], "python")
    assert bool(examples) is (Path(page).name != "README.md")
    for example in examples:
        exec(compile(example, page, "exec"), {"__name__": "example"})


def test_every_formats_page_is_in_the_list() -> None:
    listed = set(
        re.findall(
            r"^\| \[([\w-]+\.md)\]", PAGES["docs/formats/README.md"], re.MULTILINE
        )
    )
    pages = {path.name for path in (ROOT / "docs/formats").glob("*.md")}
    assert listed == pages - {"README.md"}


def test_every_page_and_folder_of_the_documentation_is_in_its_list() -> None:
    docs = ROOT / "docs"
    pages = {path.name for path in docs.glob("*.md")} - {"README.md"}
    folders = {f"{path.parent.name}/README.md" for path in docs.glob("*/README.md")}
    listed = set(_LINK.findall(PAGES["docs/README.md"]))
    assert pages | folders <= listed


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md"))
    numbers = [int(name[:4]) for name in names]
    assert numbers
    assert numbers == list(range(1, len(numbers) + 1))
    index = PAGES["docs/adr/README.md"]
    assert [name for name in names if f"({name})" not in index] == []


def test_every_decision_says_what_it_costs() -> None:
    order = ["## Context", "## Options", "## Decision", "## Consequences"]
    for path in sorted((ROOT / "docs/adr").glob("[0-9]*.md")):
        text = path.read_text()
        places = [text.find(title) for title in order]
        assert min(places) > 0, path.name
        assert all(before < after for before, after in pairwise(places)), path.name
        assert re.search(r"^\* Status: (accepted|superseded)", text, re.MULTILINE), path
        assert "Bad:" in text, f"{path.name} names no negative consequence"


def test_the_glossary_is_in_order_and_says_each_word_once() -> None:
    words = re.findall(r"^\*\*(.+?)\*\*", PAGES["docs/GLOSSARY.md"], re.MULTILINE)
    assert words
    assert words == sorted(set(words), key=str.lower)


def _layers() -> list[str]:
    """Return the packages in the order of the layer contract."""
    contracts: list[dict[str, Any]] = tomllib.loads(
        (ROOT / "pyproject.toml").read_text()
    )["tool"]["importlinter"]["contracts"]
    layers = next(item["layers"] for item in contracts if item["id"] == "layers")
    return [name.strip("() ") for layer in layers for name in layer.split("|")]


def test_the_architecture_page_names_every_layer_in_the_contracts_order() -> None:
    table = re.findall(r"^\| `(\w+)` \|", PAGES["docs/ARCHITECTURE.md"], re.MULTILINE)
    assert table == _layers()


def test_the_readme_begins_with_what_needs_no_checkout() -> None:
    first = _examples(PAGES["README.md"], "sh")[0]
    assert first == "pip install ccfpy && ccfpy sandbox\n"


def test_the_readme_shows_both_commands() -> None:
    shown = "\n".join(_examples(PAGES["README.md"], "sh")).split("\n")
    assert "make sandbox" in shown
    assert "make test" in shown


@pytest.mark.parametrize("package", sorted(set(_layers()) - {"app"}))
def test_every_layer_has_a_short_page_that_names_its_files(package: str) -> None:
    page = PAGES.get(f"ccfpy/{package}/README.md", "")
    assert 10 <= page.count("\n") <= 80
    names = {path.stem for path in (ROOT / "ccfpy" / package).glob("*.py")}
    named = set(re.findall(r"`(\w+)(?:\.py)?`", page))
    assert names - named == {"__init__"}
