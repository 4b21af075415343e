"""Makes a failure short by leaving out steps."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Step = TypeVar("Step")
ATTEMPTS_MAX = 5000
"""How often a shorter list is tried, at most."""


def shrink(
    steps: Sequence[Step], fails: Callable[[Sequence[Step]], bool]
) -> list[Step]:
    """Leave out steps, many at once and then fewer, as long as what is left fails.

    The given steps must fail. The result fails too, and no single step of it can be
    left out (unless `ATTEMPTS_MAX` is reached first).
    """
    left = list(steps)
    size = max(len(left) // 2, 1)
    attempts = 0
    while attempts < ATTEMPTS_MAX:
        before = len(left)
        end = len(left)
        while end > 0 and attempts < ATTEMPTS_MAX:
            start = max(end - size, 0)
            shorter = left[:start] + left[end:]
            attempts += 1
            if fails(shorter):
                left = shorter
            end = start
        if size > 1:
            size //= 2
        elif len(left) == before:
            break
    return left
