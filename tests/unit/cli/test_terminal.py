"""Strings are text on a terminal: no markup, no controls but rich's own."""

import re

import pytest
from rich.table import Table
from rich.text import Text

from ccfpy.cli.terminal import Terminal, styled
from tests.attacks import attack
from tests.unit.cli.test_output import HOSTILE


def _drawn(what: object, *, width: int = 60) -> str:
    console = Terminal(width=width, force_terminal=True, color_system="standard")
    with console.capture() as shown:
        console.print(what)
    return shown.get()


def _table(text: str) -> Table:
    table = Table(box=None)
    table.add_column(text)
    table.add_row(text)
    return table


@attack("tools: text that styles a table, or ends it in a traceback")
@pytest.mark.parametrize(
    "text", ["[/x]y:1", "[bold red]", "[link=a]b[/link]", ":boom:"]
)
def test_markup_is_text(text: str) -> None:
    for drawn in (_drawn(text), _drawn(_table(text)), _drawn(styled((text, "bold")))):
        assert text in drawn


@attack("tools: text that moves the cursor, hides or turns a line around")
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_control_passes_but_styles(text: str) -> None:
    for what in (text, _table(text), styled((text, "red")), Text(text, "red")):
        drawn = re.sub(r"\x1b\[[0-9;]*m", "", _drawn(what))
        lines = drawn.removesuffix("\n").split("\n")
        unseen = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066]")
        assert not any(map(unseen.search, lines))


def test_a_line_keeps_its_own_styles() -> None:
    drawn = _drawn(styled(("ok", "green"), " a\nb"))
    assert drawn == "\x1b[32mok\x1b[0m a⟦U+000A⟧b\n"
