"""Every attack that has a test of its own: its name, what stops it, and the mark.

A test is marked with the names of the attacks that it tries, and which of its cases do.
A house test holds table and marks against each other, and the page
docs/reference/attacks.md is made of both, so that it says nothing that no test shows.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from tests.attack_table import PARTS

Test = TypeVar("Test", bound=Callable[..., None])

MARK = "attack"
"""How the mark below is written where tests use it."""

STOPPED: Mapping[str, str] = {
    f"{part}: {name}": by
    for part, (_, attacks) in PARTS.items()
    for name, by in attacks.items()
}
"""What stops each attack, by its whole name."""


def attack(name: str, *cases: str) -> Callable[[Test], Test]:
    """Say that a test tries an attack.

    Args:
        name: as in the table, after its part: ``"join: …"``.
        cases: those of the test's cases that do, by their names; all if none is named.

    Raises:
        LookupError: the table has no such attack.
    """
    if name not in STOPPED:
        raise LookupError(f"no attack {name!r} in tests/attack_table.py")
    assert all(cases), "a case has a name"
    return lambda test: test
