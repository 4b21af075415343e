"""Texts compared line by line, and long lines word by word, as a reader can see it.

Lines are compared as they are and shown as `characters` shows them, so lines that
differ look different. A line ends where one ends for JavaScript. In long lines that
differ, what differs stands in the brackets ``⟪`` and ``⟫``, which no text can write,
with what is around it; what stays is counted. A program with long lines is also laid
out: its characters stay in their order, and only line breaks and blanks differ.
"""

import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from ccfpy.client.review.characters import (
    EMPTY_LINES_SHOWN_MAX,
    LINE_END,
    MARK,
    folded,
    lines,
    mark,
)

CONTEXT_LINES = 3
LONG_LINE = 200
"""Of two lines that differ, if one is longer, the words that differ are shown."""
CONTEXT_CHARACTERS = 60
"""Of a long line, what is shown at least before and after what differs."""
PROGRAM_LINE = 500
"""A program that has a longer line was written by another program, and is laid out."""
BEGIN, END = "⟪", "⟫"
"""Around what differs within a line."""
CHANGED: Final = re.compile(f"{BEGIN}[^{END}]*{END}")
NO_END: Final = mark("no line break at the end")
END_LINE: Final = mark("a line break at the end")
"""Told of a row that is new or removed, and no file, where no break is expected."""
PIECES_MAX = 4_000
"""Of a long line, so many pieces are compared one by one; more are shown whole."""
INDENT = "  "
INDENT_DEPTH_MAX = 16

_PIECE: Final = re.compile(rf"(?:{MARK.pattern}|[^;{{}},⟦])*(?:[;{{}},]|$)")
_WORD: Final = re.compile(rf"{MARK.pattern}|\w+|[^\w]")
_TOKEN: Final = re.compile(
    # A text that nobody ends goes on to where its kind must have ended, the line's end
    # or the program's, so that nothing is looked at again.
    r"""(?P<text>"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|`(?:[^`\\]|\\.)*`?)"""
    r"|(?P<comment>/\*.*?\*/|//[^\n\r\u2028\u2029]*)"
    r"|(?P<other>[^;{}\"'`/]+|.)",
    re.DOTALL,
)


def compared(
    before: str, after: str, *, is_file: bool
) -> tuple[tuple[str, ...], int, int]:
    """Compare two texts.

    Args:
        before: the text as it is.
        after: the text as it would be.
        is_file: whether a line break belongs at its end, so that none is told of.

    Returns:
        Lines as ``diff -u`` has them, how many lines are added, and how many removed.
    """
    found = _unified(split(before), split(after))
    added = sum(line[0] == "+" for line in found)
    removed = sum(line[0] == "-" for line in found)
    ends_alike = before.endswith("\n") == after.endswith("\n")
    tells_end = is_file or (bool(before and after) and not ends_alike)
    shown = [
        line if line[0] == "@" else line[0] + _shown(line[1:], tells_end=tells_end)
        for line in found
    ]
    is_one_side = not (before and after) and not is_file
    # Of an empty last line, the number of lines tells.
    if is_one_side and (before or after).endswith("\n") and shown[-1][1:]:
        shown[-1] += END_LINE
    return tuple(_short_runs(_by_words(shown))), added, removed


def laid_out(before: str, after: str) -> tuple[str, ...]:
    """Compare two programs as they are laid out; nothing if no line of them is long."""
    if not any(has_long_lines(text) for text in (before, after)):
        return ()
    return compared(layout(before), layout(after), is_file=False)[0]


def has_long_lines(text: str) -> bool:
    """Return whether a text has a line that people do not write."""
    return any(len(line) > PROGRAM_LINE for line in LINE_END.split(text))


def layout(program: str) -> str:
    """Return a program with a line break after each statement and brace.

    Nobody parses the program here, so what a regular expression holds may be broken
    too: this is to be read beside the program itself, which alone counts.
    """
    told: list[str] = []
    depth, line = 0, ""

    def end() -> None:
        nonlocal line
        if line.strip():
            told.append(f"{INDENT * min(depth, INDENT_DEPTH_MAX)}{line}")
        line = ""

    for found in _TOKEN.finditer(program):
        part = found[0]
        if part == "}":
            end()
            depth = max(0, depth - 1)
        line += part
        if part in {";", "{", "}"} or "\n" in part:
            end()
            depth += part == "{"
    end()
    return "\n".join(told)


def split(text: str) -> list[str]:
    """Return the lines of a text as they are, each with its end."""
    found, start = [], 0
    for end in LINE_END.finditer(text):
        found.append(text[start : end.end()])
        start = end.end()
    return [*found, text[start:]] if start < len(text) else found


def _unified(old: Sequence[str], new: Sequence[str]) -> list[str]:
    return list(difflib.unified_diff(old, new, n=CONTEXT_LINES, lineterm=""))[2:]


def _shown(line: str, *, tells_end: bool) -> str:
    (shown, *_) = lines(line)
    has_end = LINE_END.search(line) is not None
    return shown if has_end or not tells_end else shown + NO_END


def _by_words(found: Sequence[str]) -> Iterator[str]:
    """Yield lines; of long ones that stand for one another what differs."""
    groups = [(sign, list(group)) for sign, group in itertools.groupby(found, _sign)]
    skip = False
    for number, (sign, group) in enumerate(groups):
        following = groups[number + 1] if number + 1 < len(groups) else ("", [])
        if skip:
            skip = False
        elif (sign, following[0]) == ("-", "+"):
            skip = True
            yield from _pairs(group, following[1])
        else:
            yield from group


def _sign(line: str) -> str:
    return line[:1]


def _pairs(removed: Sequence[str], added: Sequence[str]) -> Iterator[str]:
    if len(removed) != len(added) or all(
        len(line) <= LONG_LINE for line in (*removed, *added)
    ):
        yield from removed
        yield from added
        return
    for old, new in zip(removed, added, strict=True):
        if max(len(old), len(new)) <= LONG_LINE:
            yield from (old, new)
        else:
            yield from _words(old[1:], new[1:])


def _words(old: str, new: str) -> Iterator[str]:
    """Yield what differs in a line that is shown in two ways, with what is around."""
    parts = list(_parts(old, new))
    sides = (("-", 0), ("+", 1))
    for sign, side in sides:
        told = [sign]
        for number, (is_same, *texts) in enumerate(parts):
            text = texts[side]
            if not is_same:
                told.append(f"{BEGIN}{text}{END}")
            else:
                is_last = number == len(parts) - 1
                told.append(_around(text, is_first=number == 0, is_last=is_last))
        yield "".join(told)


def _around(text: str, *, is_first: bool, is_last: bool) -> str:
    """Return the ends of what stays, and how much there is between them."""
    words = _WORD.findall(text)
    head, tail = 0, len(words)
    room = 0 if is_first else CONTEXT_CHARACTERS
    while head < tail and room > 0:
        room -= len(words[head])
        head += 1
    room = 0 if is_last else CONTEXT_CHARACTERS
    while tail > head and room > 0:
        tail -= 1
        room -= len(words[tail])
    left = len("".join(words[head:tail]))
    if left <= CONTEXT_CHARACTERS:
        return text
    told = mark(f"{left:,} characters that stay")
    return f"{''.join(words[:head])}{told}{''.join(words[tail:])}"


def _parts(old: str, new: str) -> Iterator[tuple[bool, str, str]]:
    """Yield parts of two lines in order, and whether each is the same in both."""
    return _joined(
        _differences(_PIECE.findall(old), _PIECE.findall(new), is_whole=True)
    )


def _differences(
    old: list[str], new: list[str], *, is_whole: bool
) -> Iterator[tuple[bool, str, str]]:
    """Yield parts of two lists; what is replaced in whole lines goes on in words."""
    begin = _common(old, new)
    end = _common(old[begin:][::-1], new[begin:][::-1])
    middle = (old[begin : len(old) - end], new[begin : len(new) - end])
    same = "".join(old[:begin])
    yield True, same, same
    if max(map(len, middle)) > PIECES_MAX:
        yield False, "".join(middle[0]), "".join(middle[1])
    else:
        # It finds words that are all over a line beside others alone: if each of them
        # were compared with each, a proposer could make that take minutes.
        matcher = difflib.SequenceMatcher(None, *middle)
        for kind, a, b, c, d in matcher.get_opcodes():
            texts = "".join(middle[0][a:b]), "".join(middle[1][c:d])
            if kind == "equal" or not is_whole:
                yield kind == "equal", *texts
            else:
                words = (_WORD.findall(text) for text in texts)
                yield from _differences(*words, is_whole=False)
    same = "".join(old[len(old) - end :])
    yield True, same, same


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many elements two lists begin with in common."""
    pairs = enumerate(zip(old, new, strict=False))
    return next(
        (at for at, (one, other) in pairs if one != other), min(len(old), len(new))
    )


def _joined(
    parts: Iterator[tuple[bool, str, str]],
) -> Iterator[tuple[bool, str, str]]:
    """Yield parts of which none is empty, and no two of a kind stand together."""
    kept = (part for part in parts if part[1] or part[2])
    for is_same, group in itertools.groupby(kept, key=lambda part: part[0]):
        found = list(group)
        yield is_same, "".join(p[1] for p in found), "".join(p[2] for p in found)


def _short_runs(found: Iterator[str]) -> Iterator[str]:
    """Yield lines, of many empty ones their number."""
    for line, group in itertools.groupby(found):
        run = list(group)
        if line in {"+", "-", " "} and len(run) > EMPTY_LINES_SHOWN_MAX:
            yield line + folded(len(run))
        else:
            yield from run
