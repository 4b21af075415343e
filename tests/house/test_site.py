"""The site has every page of the documentation, and links that hold there."""

import json
import re
from pathlib import Path

import pytest

from deploy.site.build import find_fetched, publish
from deploy.site.pages import (
    MODULES,
    NAVIGATION,
    PAGES,
    Repository,
    place_of,
    rewritten,
)
from tests.house.tree import ROOT

NAMED = Repository(address="https://forge.example/ccfpy", ref="v1.2.3")
UNNAMED = Repository(address="", ref="main")


def _html(folder: Path) -> Path:
    folder.mkdir()
    (folder / "index.html").write_text("a page")
    return folder


def test_every_page_that_is_copied_exists() -> None:
    assert [page for page in PAGES if not (ROOT / page).is_file()] == []
    folders = {folder for _, folder in NAVIGATION} - {"modules"}
    assert [
        it for it in folders if not (ROOT / "docs" / it / "README.md").is_file()
    ] == []


def test_modules_with_pages_are_public() -> None:
    public = (ROOT / "docs/reference/public-modules.md").read_text()
    assert [name for name in MODULES if f"| `{name}` |" not in public] == []


@pytest.mark.parametrize(
    ("page", "link", "there"),
    [
        ("README.md", "docs/howto/README.md", "howto/README.md"),
        ("README.md", "docs/howto", "howto/README.md"),
        ("README.md", "SECURITY.md#what", "SECURITY.md#what"),
        ("docs/howto/govern.md", "keep-member-keys.md", "keep-member-keys.md"),
        ("docs/howto/govern.md", "../adr/README.md#a", "../adr/README.md#a"),
        ("docs/howto/govern.md", "../../SECURITY.md", "../SECURITY.md"),
        ("docs/howto/govern.md", "../../governance/README.md", "../governance.md"),
        ("docs/howto/govern.md", "../../governance", "../governance.md"),
        ("docs/howto/govern.md", "#vote", "#vote"),
        ("docs/howto/govern.md", "https://example.org/a", "https://example.org/a"),
        ("governance/README.md", "../docs/howto/govern.md", "howto/govern.md"),
    ],
)
def test_a_link_within_the_documentation_holds_on_the_site(
    page: str, link: str, there: str
) -> None:
    assert rewritten(f"[a `b`\nc]({link}).", page, UNNAMED) == f"[a `b`\nc]({there})."


@pytest.mark.parametrize(
    ("link", "there"),
    [
        ("../../tests/pace.py", "blob/v1.2.3/tests/pace.py"),
        ("../../tests/pace.py#L3", "blob/v1.2.3/tests/pace.py#L3"),
        ("../../apps/hello", "tree/v1.2.3/apps/hello"),
    ],
)
def test_a_link_that_leaves_it_leads_to_the_repository_or_nowhere(
    link: str, there: str
) -> None:
    text = f"See [the `file`]({link})."
    page = "docs/howto/govern.md"
    wanted = f"See [the `file`]({NAMED.address}/{there})."
    assert rewritten(text, page, NAMED) == wanted
    assert rewritten(text, page, UNNAMED) == "See the `file`."


def test_a_picture_of_the_readme_is_where_the_site_has_it() -> None:
    text = '<source srcset="docs/howto/pictures/a.png"><img src="docs/b.png">'
    there = '<source srcset="howto/pictures/a.png"><img src="b.png">'
    assert rewritten(text, "README.md", UNNAMED) == there
    assert rewritten(text, "docs/howto/govern.md", UNNAMED) == text


def test_code_stays_as_it_is() -> None:
    text = "`[a](../x.py)`\n\n```md\n[a](../x.py)\n```\n\n~~~\n[a](../x.py)\n~~~\n"
    assert rewritten(text, "docs/adr/README.md", NAMED) == text


def test_every_link_of_the_pages_is_seen() -> None:
    outside = re.compile(r"\]\((?:\.\./)+(?:ccfpy|tests|apps|benchmarks|deploy)/")
    left = []
    for path in (ROOT / "docs").rglob("*.md"):
        page = path.relative_to(ROOT).as_posix()
        assert place_of(page) is not None
        if outside.search(rewritten(path.read_text(), page, NAMED)):
            left.append(page)
    assert left == []


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://cdn.example/a.js">',
        "<script defer src=//cdn.example/a.js>",
        '<link rel="stylesheet" href="https://fonts.example/css">',
        '<img alt="x" src="http://example.org/a.png">',
    ],
)
def test_a_page_that_loads_from_another_host_is_found(tag: str) -> None:
    found = find_fetched(f"<p>{tag}</p>")
    assert found is not None
    assert "example" in found


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="../a.js">',
        '<a href="https://example.org">',
        '<link rel="canonical" href="https://example.org/a">',
        '<svg xmlns="http://www.w3.org/2000/svg">',
    ],
)
def test_a_page_may_link_to_other_hosts(tag: str) -> None:
    assert find_fetched(f"<p>{tag}</p>") is None


def test_each_minor_version_has_a_folder_and_the_newest_is_first(
    tmp_path: Path,
) -> None:
    into = tmp_path / "public"
    into.mkdir()
    for number, version in enumerate(("0.9.1", "0.10.0", "0.9.2")):
        publish(_html(tmp_path / str(number)), into, version)
    folders = sorted(it.name for it in into.iterdir() if it.is_dir())
    assert folders == ["0.10", "0.9"]
    listed = json.loads((into / "versions.json").read_text())
    assert [it["version"] for it in listed] == ["0.10", "0.9"]
    assert "url=0.10/index.html" in (into / "index.html").read_text()
