"""Lines and tables with colours, drawn by rich.

A string is text here, and neither markup nor a control: styles are given beside it. So
a stranger's address in brackets is shown, and styles nothing.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from ccfpy.base.unseen import UNSEEN
from ccfpy.cli.output import is_terminal, one_line

TABLE_COLUMNS = 200
"""How wide a table may be in a file or a pipe."""
Part: TypeAlias = str | tuple[str, str]
"""A piece of a line, as it is or with a style."""
Styled: TypeAlias = Text
"""One line with its styles, made by ``styled``."""
_UNSEEN: Final = re.compile(rf"[\t{UNSEEN}]")
"""What no terminal may get, wherever it comes from."""


class Terminal(Console):
    """A console on which every string is text.

    Tables measure and draw their cells by ``render_str``. All that is drawn passes
    ``render``, which lets nothing through but what is seen, and rich's own controls.
    """

    def render_str(self, text: str, **_options: object) -> Text:
        """Return one line of text."""
        return Text(one_line(text))

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield what is drawn."""
        for segment in super().render(renderable, options):
            if segment.control or _UNSEEN.search(segment.text) is None:
                yield segment
            else:
                text = _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], segment.text)
                yield Segment(text, segment.style)

    def say(self, *parts: Part) -> None:
        """Print one line."""
        self.print(styled(*parts))

    def shown(
        self, text: str, style: str, emphases: Mapping[re.Pattern[str], str]
    ) -> None:
        """Print a line in which ``characters`` has written what others chose."""
        line = Text(text, style)
        for pattern, emphasis in emphases.items():
            line.highlight_regex(pattern, emphasis)
        self.print(line)


def text_console() -> Terminal:
    """Make the console for results."""
    return Terminal(highlight=False, soft_wrap=True, emoji=False)


def progress_console() -> Terminal:
    """Make the console for progress."""
    return Terminal(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def table_console(columns: int = TABLE_COLUMNS) -> Terminal:
    """Make the console for tables; in a file or a pipe they have so many columns."""
    width = None if is_terminal() else columns
    return Terminal(highlight=False, emoji=False, width=width)


def styled(*parts: Part) -> Text:
    """Return one line of text whose parts may have styles."""
    found = Text()
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        found.append(one_line(text), style)
    return found
