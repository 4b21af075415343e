"""The places of primes for keys that tests make from seeds: a table spares the search.

``python -m pytest -p tests.primes tests/unit`` runs these tests and adds to the table
the primes that they had to search for. Without an entry a test is slower, and has the
same result.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

import pytest

TABLE: Final = Path(__file__).with_name("primes.txt")
FOUND: Final = pytest.StashKey[dict[str, int]]()
"""The table, and what tests add to it."""


def distances() -> dict[str, int]:
    """Return the distance to each prime, by the place where the search begins."""
    rows = (line.split() for line in TABLE.read_text().splitlines())
    return {place: int(distance) for place, distance in rows}


def pytest_configure(config: pytest.Config) -> None:
    """Search for each prime, whatever the table has, and note its distance."""
    # Imported when all plugins are, so that pytest can rewrite the asserts of this one.
    from ccfpy.testing import entropy  # noqa: PLC0415

    found = config.stash.setdefault(FOUND, distances())
    search = entropy.next_prime.__wrapped__

    @lru_cache(maxsize=1024)
    def noted(candidate: int) -> int:
        prime = search(candidate)
        found[entropy.place_of(candidate)] = prime - candidate
        return prime

    entropy.next_prime = noted


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write the table."""
    found = sorted(config.stash[FOUND].items())
    rows = (f"{place} {distance}\n" for place, distance in found)
    TABLE.write_text("".join(rows))
