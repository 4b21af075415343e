"""What verifications tell of their steps to whoever wants each explained.

A verification takes its steps in one order and stops at the first that fails. It names
each step once it is taken, so whoever listens knows the one that failed too: it is the
first that was not named.
"""

from collections.abc import Callable
from typing import TypeAlias

Took: TypeAlias = Callable[[str], None]
"""Told the name of each step that was taken."""


def untold(step: str, /) -> None:
    """Report to nobody."""
    del step
