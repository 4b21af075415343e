"""A window of signed requests that were taken, so that none is taken twice.

A request is remembered under a *key*: the time its author signed, as ten digits, and
the digest of what identifies the request (CCF's form). A new request must not be older
than the middle of the window; what the window has forgotten is older than that.

Two rules keep the window from being moved. A key that is ahead of the node's clock
does not count for the middle: such a key was taken before times were bounded, or the
clock was set back. And a second is forgotten whole, so that no request of a forgotten
second can be as young as one that is remembered.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ccfpy.base.limits import RECENT_PER_SECOND_MAX


def moment(seconds: int) -> str:
    """Write a time so that the order of texts is the order of times."""
    return f"{seconds:010d}"


def key_of(seconds: int, digest: bytes) -> str:
    """Write the key under which a request is remembered."""
    return f"{moment(seconds)}:{digest.hex()}"


def moment_of(key: str) -> str:
    """Read the time from a key."""
    return key.partition(":")[0]


@dataclass(frozen=True, slots=True)
class RecentRequests:
    """The keys of a window, as one moment of the node's clock finds them.

    Attributes:
        counted: those that are not ahead of the clock, in order of time.
        is_displaced: whether there are others, which are ahead.
    """

    counted: tuple[str, ...]
    is_displaced: bool

    @classmethod
    def of(cls, keys: Iterable[str], *, latest_s: int) -> Self:
        """Read a window.

        Args:
            keys: all keys of the table.
            latest_s: the latest time that a request may have now, seconds since 1970.
        """
        known, latest = sorted(keys), moment(latest_s)
        counted = tuple(key for key in known if moment_of(key) <= latest)
        return cls(counted, is_displaced=len(counted) < len(known))

    @property
    def oldest_allowed(self) -> str | None:
        """The least time that a new request may have; ``None`` if nothing counts."""
        if not self.counted:
            return None
        return moment_of(self.counted[len(self.counted) // 2])

    def is_full_at(self, time: str) -> bool:
        """Return whether as many requests of this second are known as may be."""
        same = sum(moment_of(key) == time for key in self.counted)
        return same >= RECENT_PER_SECOND_MAX

    def surplus(self, key: str, size: int) -> tuple[str, ...]:
        """List the keys to forget once ``key`` joins a window of ``size`` keys."""
        joined = sorted((*self.counted, key))
        first_kept = moment_of(joined[-max(size, 1) :][0])
        return tuple(known for known in joined if moment_of(known) < first_kept)
