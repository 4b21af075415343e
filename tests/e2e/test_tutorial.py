"""The tutorial works as written, from an empty folder, and prints what it says.

A ``text`` block below a command is what that command prints. Numbers and ids differ
from run to run, and ``…`` stands for anything. Spaces are not compared: columns have
other widths, and ``ccfpy call`` ends an answer's line on a terminal only.
"""

import contextlib
import re
from pathlib import Path

from tests.lab.ports import free_ports
from tests.pages import PORTS, ROOT, Desk, alike, blocks, perform

FOLDER = ROOT / "docs/tutorial"
STEPS = sorted(FOLDER.glob("[0-9]-*.md"))


def test_the_steps_work_one_after_the_other(tmp_path: Path) -> None:
    port = free_ports(PORTS)[0]
    desk = Desk(tmp_path)
    told = 0
    with contextlib.ExitStack() as running:
        for page in STEPS:
            printed = ""
            for block in blocks(page, port):
                if block.language == "text":
                    assert alike(block.text, printed), f"{block.text}\n{printed}"
                    told += 1
                else:
                    printed = perform(desk, block, running)
    assert told > 2 * len(STEPS)


def test_what_varies_may_differ_and_nothing_else() -> None:
    assert alike("2.26: 61411d0a99fe …\nis  Open", "13.1: 0123456789ab or\nis Open")
    assert not alike("is Open", "is Accepted")
    assert not alike("is Open", "it is Open")
    assert not alike("is Open", "is Open, 0 ballots")
    assert not alike("is … Open", "is still Open, 0 ballots")


def test_every_step_is_in_the_list() -> None:
    listed = re.findall(r"\((\d-[\w-]+\.md)\)", (FOLDER / "README.md").read_text())
    assert listed == [page.name for page in STEPS]
