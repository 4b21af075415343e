"""The attacks that have a test, each with its defence, and the mark for these tests.

A mark names an attack that a test tries, and the cases of the test that try it. A house
test compares the table with the marks. The page docs/reference/attacks.md is made of
both, so that a test shows each statement of the page.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from tests.attack_table import PARTS

Test = TypeVar("Test", bound=Callable[..., None])

MARK = "attack"
"""The name of the mark below, as tests write it."""

STOPPED: Mapping[str, str] = {
    f"{part}: {name}": by
    for part, (_, attacks) in PARTS.items()
    for name, by in attacks.items()
}
"""The defence that stops each attack, by the whole name of the attack."""


def attack(name: str, *cases: str) -> Callable[[Test], Test]:
    """Mark a test that tries an attack.

    Args:
        name: the name of the part and the name in the table: ``"join: …"``.
        cases: the names of the test's cases that try the attack; all cases if empty.

    Raises:
        LookupError: the table has no such attack.
    """
    if name not in STOPPED:
        raise LookupError(f"no attack {name!r} in tests/attack_table")
    assert all(cases), "a case has a name"
    return lambda test: test
