"""The places of primes for keys that tests make from seeds: a table spares the search.

``python -m tests.primes tests/unit`` runs these tests and adds to the table the primes
that they had to search for. Without an entry a test is slower, and has the same result.
"""

import sys
from pathlib import Path
from typing import Final

import pytest

from ccfpy.testing import entropy

TABLE: Final = Path(__file__).with_name("primes.txt")


def distances() -> dict[str, int]:
    """Return the distance to each prime, by the place where the search begins."""
    rows = (line.split() for line in TABLE.read_text().splitlines())
    return {place: int(distance) for place, distance in rows}


def main(words: list[str]) -> int:
    """Run tests, add their searches to the table, and return pytest's code."""
    found = distances()
    search = entropy.next_prime.__wrapped__

    def noted(candidate: int) -> int:
        prime = search(candidate)
        found[entropy.place_of(candidate)] = prime - candidate
        return prime

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entropy, "next_prime", noted)
        code = pytest.main(words)
    rows = (f"{place} {distance}\n" for place, distance in sorted(found.items()))
    TABLE.write_text("".join(rows))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
