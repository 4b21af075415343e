"""The counts of a load generator, in a file that the generator shares with its reader.

The file contains 64-bit numbers in the machine's own order: the number of handshakes,
the number of sent requests, and a histogram of the answers' times. Times are counted in
buckets: one for each microsecond below 16, then 16 for each doubling, so that a bucket
is never wider than a sixteenth of its times. ``wrk/client.c`` writes the same format.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Final

STEPS: Final = 16
"""The buckets for each doubling, a power of two."""

BUCKETS: Final = 464
"""Enough for 2**32 microseconds, more than an hour."""

FILE_BYTES: Final = 8 * (2 + BUCKETS)
_STEP_BITS: Final = STEPS.bit_length() - 1


def bucket(us: int) -> int:
    """Return the bucket of a time in microseconds; the last bucket has all longer
    times."""
    if us < STEPS:
        return us
    doublings = us.bit_length() - 1 - _STEP_BITS
    return min(STEPS * doublings + (us >> doublings), BUCKETS - 1)


def middle_us(index: int) -> float:
    """Return the time in the middle of a bucket."""
    if index < STEPS:
        return index + 0.5
    doublings = index // STEPS - 1
    return (index % STEPS + STEPS + 0.5) * (1 << doublings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The counts at some moment."""

    connected: int
    sent: int
    answers: tuple[int, ...]

    def since(self, before: "Counts") -> "Counts":
        """Return the counts between an earlier moment and this one."""
        return Counts(
            connected=self.connected - before.connected,
            sent=self.sent - before.sent,
            answers=tuple(
                after - earlier
                for after, earlier in zip(self.answers, before.answers, strict=True)
            ),
        )

    def quantile_ms(self, part: float) -> float:
        """Return the time within which this part of the answers came.

        Raises:
            ValueError: there was no answer.
        """
        total = sum(self.answers)
        if not total:
            raise ValueError("no answer came")
        wanted = part * total
        index = next(
            index
            for index, count in enumerate(accumulate(self.answers))
            if count >= wanted and count
        )
        return middle_us(index) / 1000


def read(view: memoryview) -> Counts:
    """Read the counts from a file's bytes, cast to 64-bit numbers."""
    connected, sent, *answers = view
    return Counts(connected=connected, sent=sent, answers=tuple(answers))
