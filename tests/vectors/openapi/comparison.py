"""Compares what our documents state with what CCF's state.

A file of facts has one fact a line: what both state, and, marked ``-`` and ``+``, what
CCF's alone states and what ours states in its place; ``docs/DIVERGENCE.md`` says why.
``python -m tests.vectors.openapi.comparison CCF`` compares the files with a checkout of
CCF, so that a newer one shows what it changed.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.vectors.openapi.facts import facts

FOLDER = Path(__file__).parent
SCHEMAS = "doc/schemas"
FILES = {
    "node": "node_openapi.json",
    "logging": "app_openapi.json",
    "gov-2023-06-01-preview": "gov/2023-06-01-preview/gov.json",
    "gov-2024-07-01": "gov/2024-07-01/gov.json",
    "gov-classic": "gov_openapi.json",
}
"""Each file of facts, and CCF's document beneath ``doc/schemas``.

The last is in CCF 6 and before (ours is of 03277cdfb^, document version 4.7.4)."""

NAMES = {
    "Endorsements": "LoggingGetCoseEndorsements__Out",
    "Entry": "LoggingGetHistoricalRange__Entry",
    "Entry_array": "LoggingGetHistoricalRange__Entry_array",
    "Message": "LoggingGet__Out",
    "Page": "LoggingGetHistoricalRange__Out",
    "Proved": "LoggingGetReceipt__Out",
    "Record": "LoggingRecord__In",
    "Recorded": "LoggingPut__Out",
    "Signature": "LoggingGetCoseSignature__Out",
}
"""What CCF's logging sample calls our sample's types."""
UNDOCUMENTED = ("query:scope?=string", "query:fail?=string")
"""Parameters that CCF's logging sample takes, and does not describe."""


def _marked(name: str) -> Iterator[tuple[str, str]]:
    for line in (FOLDER / f"{name}.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            yield line[0], line[2:]


def ours(name: str) -> list[str]:
    """Return what our document is to state."""
    return sorted(fact for mark, fact in _marked(name) if mark != "-")


def theirs(name: str) -> list[str]:
    """Return what CCF's document states."""
    return sorted(fact for mark, fact in _marked(name) if mark != "+")


def in_ccf_words(fact: str) -> str:
    """Put a fact of our logging sample into the words of CCF's."""
    kept = " ".join(word for word in fact.split(" ") if word not in UNDOCUMENTED)
    return re.sub(r"\w+", lambda word: NAMES.get(word[0], word[0]), kept)


def compare(checkout: Path) -> list[str]:
    """List what a checkout of CCF states otherwise than our files say it does."""
    changed: list[str] = []
    for name, file in FILES.items():
        path = checkout / SCHEMAS / file
        if name == "gov-classic" and not path.exists():
            continue  # CCF 7 has none
        document = json.loads(path.read_text())
        known, stated = set(theirs(name)), set(facts(document))
        changed += [f"{name}: - {fact}" for fact in sorted(known - stated)]
        changed += [f"{name}: + {fact}" for fact in sorted(stated - known)]
    return changed


if __name__ == "__main__":
    differences = compare(Path(sys.argv[1]))
    print("\n".join(differences) or "no difference")  # noqa: T201
    sys.exit(bool(differences))
