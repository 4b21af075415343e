"""Whether what is shown of two things keeps the invariant, found out independently."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from ccfpy.cli.description_text import lines
from ccfpy.client.review.description import (
    Change,
    Description,
    Diff,
    Fact,
    Section,
    Topic,
)

_MARK: Final = re.compile("⟦([^⟧]*)⟧")
_CODED: Final = re.compile(
    r"(?:U\+([0-9A-F]{4,6})|byte ([0-9A-F]{2})|(TAB))(?: ([0-9,]+) times)?"
)
_COUNTED: Final = re.compile(r"([0-9,]+) (spaces?|empty lines)")
_STAYS: Final = re.compile("⟦[0-9,]+ characters that stay⟧")
_PLACE: Final = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_END: Final = re.compile("\r\n|[\n\r\u2028\u2029]")
NO_END: Final = "⟦no line break at the end⟧"
FOREIGN: Final = re.compile(
    "[\u0391\u0392\u0395-\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u03bf\u03bd\u0405\u0406\u0408\u0410\u0412\u0415\u041a\u041c-\u041e\u0420-\u0422"
    "\u0425\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458]+"
)
"""Letters of Greek and Cyrillic that are drawn like Latin ones."""


class Misled(AssertionError):  # what a member would be
    """A member would be shown something else than what is there."""


def check(holds: object, why: str, *things: object) -> None:
    """Check one thing.

    Raises:
        Misled: it does not hold.
    """
    if not holds:
        raise Misled("\n".join([why, *(f"  {thing!a}" for thing in things)]))


def printed(facts: Sequence[Fact], diffs: Sequence[Diff]) -> list[str]:
    """Return what ``gov show --full`` prints of these."""
    section = Section(
        topic=Topic.OUTCOME, title="x", facts=tuple(facts), diffs=tuple(diffs)
    )
    told = lines(Description(title="x", sections=(section,)), full=True)
    return [line for _, line in told]


def seen(shown: str) -> None:
    """Check that each character that is shown is seen as itself."""
    for line in shown.split("\n"):
        check(not line.endswith(" "), "blanks at the end of a line", line)
        # A number and a blank may stand before a name that begins with blanks.
        check(" " * 42 not in line, "a long run of blanks", line)
        bare = _MARK.sub("\x01", line)
        check("⟦" not in bare, "a mark is cut", line)
        for character in bare:
            if character in "\x01⟪⟫" or " " <= character <= "~":
                continue
            kind = unicodedata.category(character)
            # Unicode knows characters that this Python does not.
            check(kind[0] in "LNPS" or kind == "Cn", "not seen", character, line)
            direction = unicodedata.bidirectional(character)
            check(direction not in {"R", "AL", "AN"}, "turns", character, line)
            folded = unicodedata.normalize("NFKC", character)
            check(folded == character, "is drawn as another", character, line)
        for word in re.findall(r"\w+", bare):
            _word(word, line)


def _word(word: str, line: str) -> None:
    if word.isascii():
        return
    letters = [each for each in word if each.isalpha()]
    check(
        not (letters and all(map(FOREIGN.fullmatch, letters))),
        "looks Latin",
        word,
        line,
    )
    scripts = {unicodedata.name(each, "UNKNOWN").split()[0] for each in letters} & {
        "LATIN",
        "CYRILLIC",
        "GREEK",
    }
    check(len(scripts) < 2, "letters of several scripts", word, line)


def read_back(shown: str) -> str:
    """Return the text that is shown so, on one line or several."""
    return _MARK.sub(lambda found: "".join(map(_one, found[1].split(", "))), shown)


def _one(word: str) -> str:
    if found := _COUNTED.fullmatch(word):
        count = int(found[1].replace(",", ""))
        return " " * count if found[2].startswith("space") else "\n" * (count - 1)
    found = _CODED.fullmatch(word)
    check(found, "a mark that is none", word)
    assert found is not None, "it was checked"
    code, byte, _, times = found.groups()
    if byte:
        character = chr(0xDC00 + int(byte, 16))
    else:
        character = chr(int(code, 16)) if code else "\t"
    return character * int((times or "1").replace(",", ""))


def text(given: str, shown: str) -> None:
    """Check that a text is shown as what it is."""
    seen(shown)
    # A mark for an end of JavaScript's stands before the break that it makes.
    told = re.sub("(⟦[^⟧]*(?:U\\+000D|U\\+000A|U\\+2028|U\\+2029)⟧)\n", _joined, shown)
    check(read_back(told) == given, "another text is shown", given, shown)


def _joined(found: re.Match[str]) -> str:
    return found[1]


def difference(before: str, after: str, diff: Diff) -> None:
    """Check that a difference leads from one file to the other."""
    check(
        (before == after) == (diff.change is Change.UNCHANGED),
        "unchanged is not the same bytes",
        before,
        after,
    )
    if before == after:
        check(not diff.lines, "lines of what stays", before)
        return
    for line in (*diff.lines, *diff.laid_out):
        seen(line[1:])
    gone = [line[1:] for line in diff.lines if line[0] in " -"]
    come = [line[1:] for line in diff.lines if line[0] in " +"]
    check(gone != come, "the two sides look the same", before, after, diff.lines)
    old, new = split(before), split(after)
    told = list(_applied(old, new, diff.lines))
    check(told == [], "the difference is of other files", before, after, told)


def split(given: str) -> list[str]:
    """Return the lines of a file, each with its end."""
    ends = [found.end() for found in _END.finditer(given)]
    begins = [0, *ends]
    found = [given[a:b] for a, b in zip(begins, [*ends, len(given)], strict=True)]
    return found if found[-1] else found[:-1]


def _applied(old: list[str], new: list[str], shown: Sequence[str]) -> Iterator[object]:
    """Yield what is wrong with the lines of a difference."""
    at = [0, 0]
    for line in shown:
        sign, rest = line[0], line[1:]
        if sign == "@":
            place = _PLACE.fullmatch(line)
            if place is None:
                yield line
                return
            begin = [_begin(place[1], place[2]), _begin(place[3], place[4])]
            # What is between two places stays.
            if old[at[0] : begin[0]] != new[at[1] : begin[1]]:
                yield "something else differs", line
            at = begin
            continue
        count = _count(rest)
        for side, (signs, given) in enumerate(((" -", old), (" +", new))):
            if sign not in signs:
                continue
            lines_there = given[at[side] : at[side] + count]
            at[side] += count
            if not _is_shown(lines_there, rest, count):
                yield line, lines_there
    if old[at[0] :] != new[at[1] :]:
        yield "the rest differs"


def _begin(first: str, count: str | None) -> int:
    # Of no lines, the place is before the next one.
    return int(first) - (0 if count == "0" else 1)


def _count(rest: str) -> int:
    found = re.fullmatch("⟦([0-9,]+) empty lines⟧", rest)
    return int(found[1].replace(",", "")) if found else 1


def _is_shown(given: list[str], rest: str, count: int) -> bool:
    if count > 1:
        return given == ["\n"] * count
    if not given:
        return False
    line = given[0] if given[0].endswith("\r\n") else given[0].removesuffix("\n")
    shown = re.sub("[⟪⟫]", "", rest)
    bare = shown.removesuffix(NO_END)
    is_cut = re.search(f"{_STAYS.pattern}$", shown) is not None
    if not is_cut and (bare != shown) != (_END.search(given[0]) is None):
        return False
    at = 0
    *parts, last = map(read_back, _STAYS.split(bare))
    for number, told in enumerate(parts):
        found = line.find(told, at)
        if found < 0 or (number == 0 and found > 0):
            return False
        at = found + len(told)
    return line[at:].endswith(last) and (bool(parts) or last == line)
