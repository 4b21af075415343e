"""``python -m tests.house.characters FOLDER``: which characters are shown as they are.

Writes ``ccfpy/client/review/characters.txt`` from Unicode's own files, which FOLDER
has: of ``Public/VERSION/ucd`` Scripts.txt, ScriptExtensions.txt,
DerivedCoreProperties.txt and, of its folder ``extracted``, DerivedGeneralCategory.txt
and DerivedBidiClass.txt; of ``Public/security`` IdentifierStatus.txt and
confusables.txt.

A line is a range and a word. ``Common`` is punctuation and other signs. The name of a
script is of its letters and digits; after ``~`` of those that look like letters of
other scripts, so that a word of these alone is not seen as what it is. All characters
beyond ASCII that no line has are shown by their numbers:

* what is not recommended for identifiers, or takes no room of its own;
* what is another form of other characters;
* what is written from right to left, or joins what stands before it;
* what another character of its script, or a sign, looks like.
"""

import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.house.tree import ROOT

TABLE = ROOT / "ccfpy" / "client" / "review" / "characters.txt"
COMMON = "Common"
LATIN = "Latin"
ASCII = 0x80
RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
SIGNS = (
    *range(0xA1, 0x100),
    *range(0x2010, 0x2028),
    *range(0x2030, 0x205F),
    *range(0x20A0, 0x20D0),
    *range(0x2190, 0x2300),
    *range(0x3001, 0x3021),
)
"""Blocks of signs that fonts have: Latin-1, punctuation, currencies, arrows, operators,
and the punctuation of Chinese, Japanese and Korean."""
JAMO = range(0x1100, 0x1200)
"""Letters of Hangul that join to syllables."""
_LINE = re.compile(r"^([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*([^#;]+?)\s*(?:;|#|$)")
_CONFUSABLE = re.compile(r"^([0-9A-F]+) ;\t([0-9A-F ]+) ;")


def read(file: Path) -> Iterator[tuple[int, str]]:
    """Yield each code point of a file of properties, with what the file says of it."""
    for line in file.read_text("utf-8").splitlines():
        if found := _LINE.match(line):
            first = int(found[1], 16)
            for code in range(first, int(found[2] or found[1], 16) + 1):
                yield code, found[3]


def main(folder: Path) -> None:
    """Write the table."""
    TABLE.write_text(table(folder), "utf-8")


def table(folder: Path) -> str:
    """Return the table's text."""
    head = (folder / "Scripts.txt").read_text("utf-8").partition("\n")[0]
    version = head.removeprefix("# Scripts-").removesuffix(".txt")
    lines = [f"# Unicode {version}, by python -m tests.house.characters"]
    shown = sorted(chosen(folder).items())
    while shown:
        first, word = shown[0]
        count = 1
        while count < len(shown) and shown[count] == (first + count, word):
            count += 1
        lines.append(f"{first:04X}..{first + count - 1:04X} {word}")
        del shown[:count]
    return "\n".join(lines) + "\n"


def chosen(folder: Path) -> dict[int, str]:
    """Return the characters that are shown as they are, each with its word."""
    category = dict(read(folder / "DerivedGeneralCategory.txt"))
    looks = skeletons(folder / "confusables.txt")
    found = candidates(folder, category)
    alike = defaultdict(set)
    for code in (*found, *(ord(looks(code)[0]) for code in found)):
        alike[looks(code)].add(code)
    # A sign is left out for whatever looks like it; letters for such signs as are left.
    found = {
        code: word
        for code, word in found.items()
        if word != COMMON
        or code < ASCII
        or (alike[looks(code)] == {code} and not looks(code).isascii())
    }

    def is_ambiguous(code: int, word: str) -> bool:
        """Return whether something else that may stand there looks like it."""
        look = looks(code)
        if word == COMMON or look == chr(code):
            return False
        if len(look) > 1 and all(found.get(ord(each)) == word for each in look):
            return True
        others = {found.get(other) for other in alike[look] - {code}}
        return word in others and (word == LATIN or not look.isascii())

    def is_foreign(code: int, word: str) -> bool:
        """Return whether it looks like letters of other scripts alone."""
        look = [each for each in looks(code) if category.get(ord(each), "L")[0] != "M"]
        return all(found.get(ord(each), word) != word for each in look)

    return {
        code: f"~{word}" if word != COMMON and is_foreign(code, word) else word
        for code, word in found.items()
        if code >= ASCII and not is_ambiguous(code, word)
    }


def candidates(folder: Path, category: Mapping[int, str]) -> dict[int, str]:
    """Return letters, digits and signs that take room, each with its word."""
    direction = dict(read(folder / "DerivedBidiClass.txt"))
    script = dict(read(folder / "Scripts.txt"))
    several = dict(read(folder / "ScriptExtensions.txt"))
    properties = read(folder / "DerivedCoreProperties.txt")
    hidden = {
        code for code, name in properties if name == "Default_Ignorable_Code_Point"
    }
    allowed = dict(read(folder / "IdentifierStatus.txt"))

    def word_of(code: int, kind: str) -> str | None:
        if code in hidden or direction.get(code, "L") in RIGHT_TO_LEFT:
            return None
        if unicodedata.normalize("NFKC", chr(code)) != chr(code):
            return None
        if kind[0] in "PS" and kind != "Sk" and code in SIGNS:
            return COMMON
        if (kind[0] != "L" and kind != "Nd") or code not in allowed or code in JAMO:
            return None
        if several.get(code, "").split() == ["Hira", "Kana"]:
            return "Katakana"
        name = script.get(code, COMMON)
        return None if name in {COMMON, "Inherited"} or code in several else name

    beyond = ((code, kind) for code, kind in category.items() if code >= ASCII)
    found = {code: word for code, kind in beyond if (word := word_of(code, kind))}
    letters = {code: LATIN for code in range(ASCII) if chr(code).isalpha()}
    return found | dict.fromkeys(range(0x21, 0x7F), COMMON) | letters


def skeletons(file: Path) -> Callable[[int], str]:
    """Return what tells how a character looks: Unicode's skeleton of it."""
    mapped = {}
    for line in file.read_text("utf-8-sig").splitlines():
        if found := _CONFUSABLE.match(line):
            target = (chr(int(each, 16)) for each in found[2].split())
            mapped[int(found[1], 16)] = "".join(target)

    def look(code: int) -> str:
        parts = unicodedata.normalize("NFD", chr(code))
        drawn = "".join(mapped.get(ord(each), each) for each in parts)
        return unicodedata.normalize("NFD", drawn)

    return look


if __name__ == "__main__":
    main(Path(sys.argv[1]))
