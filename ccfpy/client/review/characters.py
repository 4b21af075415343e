"""Text that others chose, written so that each character is seen as itself.

A text in a proposal may hold characters that nobody sees, or that look like others.
What a reader sees as itself stays: ASCII, and the letters, digits and signs of
``characters.txt``, which is made of Unicode's data on identifiers and on what looks
alike. All else becomes a mark: its code point in the brackets ``⟦`` and ``⟧``. The
brackets are marked too where a text has them, so no text can imitate a mark, and a text
can be read back from what is shown of it: texts that differ are shown differently.

A letter counts within its word. In a word of several scripts, and in one all of whose
letters look like letters of other scripts, whatever is not ASCII is marked. Lines end
where they end for JavaScript. Long runs of blanks are counted.

Within a sentence of ccfpy's, others' words stand between the brackets ``⦅`` and ``⦆``,
on one line; a page puts them into elements of their own (``console/src/quoted.tsx``).
The brackets are written by their code points where the words themselves have them: no
words can end their quotation and go on in ccfpy's voice.
"""

import itertools
import pkgutil
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

OPEN, CLOSE = "⟦", "⟧"
"""Around what ccfpy says in place of a text."""
BLANKS_SHOWN_MAX = 40
"""A longer run of spaces is counted; so is any at a line's end."""
EMPTY_LINES_SHOWN_MAX = 8
LINE_END: Final = re.compile("\r\n|[\n\r\u2028\u2029]")
MARK: Final = re.compile(f"{OPEN}[^{CLOSE}]*{CLOSE}")

_COMMON, _LATIN = "Common", "Latin"
_BY_RUNS: Final = frozenset(
    {_LATIN, "Han", "Hiragana", "Katakana", "Bopomofo", "Hangul"}
)
"""Scripts that one word may have beside each other; each run of one is judged alone."""
_PLAIN: Final = re.compile("[ -~]*")
_PARTS: Final = re.compile(
    rf"(?P<blanks> {{{BLANKS_SHOWN_MAX + 1},}}| +$)"
    r"|(?P<word>[0-9A-Za-z_$\x80-\U0010ffff]+)"
    r"|(?P<control>[\x00-\x1f\x7f]+)"
)
_ADJACENT: Final = f"{CLOSE}{OPEN}"
_ESCAPED_BYTES: Final = range(0xDC80, 0xDD00)
"""What Python makes of bytes that are no UTF-8, with ``surrogateescape``."""


def mark(words: str) -> str:
    """Return what ccfpy says in place of a text, as no text can say it."""
    return f"{OPEN}{words}{CLOSE}"


def plain(text: str) -> str:
    """Return a text in which each character shows itself; it may have several lines."""
    return "\n".join(_folded(list(lines(text))))


def inline(text: str) -> str:
    """Return a text on one line; where it has line breaks, these are marked too."""
    return "".join(
        f"{line}{_coded(end) if end else ''}" for line, end in _ended(text)
    ).replace(_ADJACENT, ", ")


def lines(text: str) -> Iterator[str]:
    """Yield the lines of a text; an end that is no line feed alone is marked."""
    for line, end in _ended(text):
        # The line feed that a line ends with is the one thing that has no mark.
        told = _coded(end) if end not in {"", "\n"} else ""
        yield f"{line}{told}".replace(_ADJACENT, ", ")


def folded(count: int) -> str:
    """Return what stands for empty lines."""
    return mark(f"{count:,} empty lines")


def script(character: str) -> str:
    """Return the script of a character that is shown as it is; nothing of another.

    Before the name is ``~`` if the character looks like letters of other scripts.
    """
    code = ord(character)
    found = bisect_right(_FIRST, code) - 1
    return _WORDS[found] if found >= 0 and code <= _LAST[found] else ""


def _ended(text: str) -> Iterator[tuple[str, str]]:
    """Yield each line as it is shown, and its end as it is."""
    start = 0
    for end in LINE_END.finditer(text):
        yield _line(text[start : end.start()]), end[0]
        start = end.end()
    yield _line(text[start:]), ""


def _line(line: str) -> str:
    has_blanks = line.endswith(" ") or " " * (BLANKS_SHOWN_MAX + 1) in line
    if not has_blanks and _PLAIN.fullmatch(line):
        return line
    return _PARTS.sub(_part, line).replace(_ADJACENT, ", ")


def _part(found: re.Match[str]) -> str:
    text = found[0]
    if found["blanks"]:
        count = len(text)
        return mark("1 space" if count == 1 else f"{count:,} spaces")
    if found["control"]:
        return _coded(text)
    return text if text.isascii() else "".join(_words(text))


def _words(text: str) -> Iterator[str]:
    """Write words that stand together, with signs and what is not seen between them."""
    kinds = [_kind(each) for each in text]
    at = 0
    for kind, group in itertools.groupby(kinds, key=_place):
        count = len(list(group))
        part = text[at : at + count]
        if kind is None:
            yield _coded(part)
        elif kind:
            yield _word(part, kinds[at : at + count])
        else:
            yield part
        at += count


def _place(kind: str) -> bool | None:
    """Return whether a character is of a word; nothing of one that is not shown."""
    return None if not kind else kind != _COMMON


def _kind(character: str) -> str:
    if character < "\x80":
        return _LATIN if character.isalpha() else "-"
    return script(character)


def _word(word: str, kinds: Sequence[str]) -> str:
    """Write a word; of its characters all are shown somewhere, but maybe not here."""
    found = {kind.removeprefix("~") for kind in kinds} - {"-"}
    if found <= _BY_RUNS:
        return "".join(_runs(word, kinds))
    if len(found) > 1 or not _has_own(kinds):
        return _beyond_ascii(word)
    return word


def _runs(word: str, kinds: Sequence[str]) -> Iterator[str]:
    at = 0
    for _, group in itertools.groupby(kinds, key=lambda kind: kind.removeprefix("~")):
        run = list(group)
        part = word[at : at + len(run)]
        yield part if _has_own(run) else _beyond_ascii(part)
        at += len(run)


def _has_own(kinds: Sequence[str]) -> bool:
    """Return whether a letter looks like none of another script."""
    return any(kind != "-" and not kind.startswith("~") for kind in kinds)


def _beyond_ascii(text: str) -> str:
    return re.sub("[^\x00-\x7f]+", lambda found: _coded(found[0]), text)


def _coded(text: str) -> str:
    told = []
    for character, group in itertools.groupby(text):
        count = len(list(group))
        times = f" {count:,} times" if count > 1 else ""
        told.append(f"{_name(ord(character))}{times}")
    return mark(", ".join(told))


def _name(code: int) -> str:
    if code == ord("\t"):
        return "TAB"
    if code in _ESCAPED_BYTES:
        return f"byte {code & 0xFF:02X}"
    return f"U+{code:04X}"


def _folded(shown: list[str]) -> Iterator[str]:
    for is_empty, group in itertools.groupby(shown, key=lambda line: not line):
        found = list(group)
        if is_empty and len(found) > EMPTY_LINES_SHOWN_MAX:
            yield folded(len(found))
        else:
            yield from found


def _read_table() -> tuple[list[int], list[int], list[str]]:
    table = pkgutil.get_data("ccfpy.client.review", "characters.txt")
    assert table is not None, "the file is installed with the module"
    first, last, words = [], [], []
    for line in table.decode().splitlines()[1:]:
        ends, _, word = line.partition(" ")
        begin, _, end = ends.partition("..")
        first.append(int(begin, 16))
        last.append(int(end, 16))
        words.append(word)
    return first, last, words


_FIRST, _LAST, _WORDS = _read_table()


QUOTE_OPEN, QUOTE_CLOSE = "⦅", "⦆"
NAME_CHARACTERS_MAX: Final = 80
"""A longer name is cut within a title, and its length is said."""
_MARKED: Final = {
    ord(each): mark(f"U+{ord(each):04X}") for each in (QUOTE_OPEN, QUOTE_CLOSE)
}


def quoted(text: str) -> str:
    """Return others' words as a part of a sentence."""
    return f"{QUOTE_OPEN}{inline(text).translate(_MARKED)}{QUOTE_CLOSE}"


def quoted_name(name: str) -> str:
    """Return a name that others chose as a part of a title, cut where it is long.

    Args:
        name: as `characters.inline` shows it.
    """
    begun = name[:NAME_CHARACTERS_MAX]
    if begun.rfind("⟦") > begun.rfind("⟧"):  # no mark is cut in two
        begun = begun[: begun.rfind("⟦")]
    shown = f"{QUOTE_OPEN}{begun.translate(_MARKED)}{QUOTE_CLOSE}"
    if len(name) <= NAME_CHARACTERS_MAX:
        return shown
    return f"{shown}… of {len(name):,} characters"
