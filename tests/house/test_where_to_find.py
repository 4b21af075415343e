"""What docs/ARCHITECTURE.md says is to be found in a file is defined there."""

import re

import pytest

from tests.house.tree import ROOT

PAGE = (ROOT / "docs/ARCHITECTURE.md").read_text()
ROW = re.compile(r"^\| (.+) \| `(ccfpy/[\w/]+\.py)` \| `(\w+)` \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE)


def test_the_page_lists_what_people_look_for() -> None:
    section = PAGE.split("## Where to find it\n")[1].split("\n## ")[0]
    assert len(ROWS) == section.count("`ccfpy/")
    assert len({what for what, _, _ in ROWS}) == len(ROWS) > 0


@pytest.mark.parametrize(("what", "file", "name"), ROWS)
def test_it_is_there(what: str, file: str, name: str) -> None:
    defined = re.compile(rf"^ *(?:async )?(?:class|def) {name}\b", re.MULTILINE)
    assert defined.search((ROOT / file).read_text()), what
