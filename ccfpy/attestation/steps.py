"""How verifications report their steps to a caller that explains each.

A verification takes its steps in one order and stops at the first that fails. It names
each step that succeeded, so a listener also knows the step that failed: it is the first
step that was not named.
"""

from collections.abc import Callable
from typing import TypeAlias

Took: TypeAlias = Callable[[str], None]
"""Told the name of each step that was taken."""


def untold(step: str, /) -> None:
    """Report to nobody."""
    del step
