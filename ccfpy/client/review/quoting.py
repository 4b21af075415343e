"""Others' words within ccfpy's own sentences, so that both can be told apart.

Names and messages come from proposals, constitutions and scripts. Within a sentence of
ccfpy's they stand between the brackets ``⦅`` and ``⦆``, on one line; a page puts them
into elements of their own (``console/src/quoted.tsx``). The brackets are written by
their code points where the words themselves have them: no words can end their quotation
and go on in ccfpy's voice.
"""

from typing import Final

from ccfpy.client.review.characters import inline, mark

OPEN, CLOSE = "⦅", "⦆"
NAME_CHARACTERS_MAX: Final = 80
"""A longer name is cut within a title, and its length is said."""
_MARKED: Final = {ord(each): mark(f"U+{ord(each):04X}") for each in (OPEN, CLOSE)}


def quoted(text: str) -> str:
    """Return others' words as a part of a sentence."""
    return f"{OPEN}{inline(text).translate(_MARKED)}{CLOSE}"


def quoted_name(name: str) -> str:
    """Return a name that others chose as a part of a title, cut where it is long.

    Args:
        name: as `characters.inline` shows it.
    """
    begun = name[:NAME_CHARACTERS_MAX]
    if begun.rfind("⟦") > begun.rfind("⟧"):  # no mark is cut in two
        begun = begun[: begun.rfind("⟦")]
    shown = f"{OPEN}{begun.translate(_MARKED)}{CLOSE}"
    if len(name) <= NAME_CHARACTERS_MAX:
        return shown
    return f"{shown}… of {len(name):,} characters"
