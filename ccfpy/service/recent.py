"""A window of signed requests that were taken, so that none is taken twice.

A request is remembered under a *key*: the time its author signed, as ten digits, and
the digest of what identifies the request (CCF's form). Each author has a window: a new
request must not be older than the middle of it, and what the window has forgotten is
older than that. Nobody's times move the window of another.

A second is forgotten whole, so that no request of a forgotten second can be as young as
one that is remembered.

*Former* keys are those of which nobody recorded whose they are: CCF and earlier
versions have one window for all authors. These keys are never forgotten here, and their
middle bounds everybody. A former key that is ahead of the node's clock does not count
for the middle: such a key was taken before times were bounded, or the clock was set
back.
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
    """The keys that bound one author, as one moment of the node's clock finds them.

    Attributes:
        own: the author's, in order of time.
        former: those of no known author that are not ahead of the clock, in order.
        is_displaced: whether there are other former keys, which are ahead. What they
            pushed out cannot be told from what never was there.
    """

    own: tuple[str, ...]
    former: tuple[str, ...]
    is_displaced: bool

    @classmethod
    def of(
        cls, own: Iterable[str], *, former: Iterable[str] = (), latest_s: int
    ) -> Self:
        """Read a window.

        Args:
            own: the keys of the author.
            former: the keys of no known author.
            latest_s: the latest time that a request may have now, seconds since 1970.
        """
        known, latest = sorted(former), moment(latest_s)
        counted = tuple(key for key in known if moment_of(key) <= latest)
        return cls(tuple(sorted(own)), counted, len(counted) < len(known))

    @property
    def oldest_allowed(self) -> str | None:
        """The least time that a new request may have; ``None`` if nothing counts."""
        middles = [
            moment_of(keys[len(keys) // 2]) for keys in (self.own, self.former) if keys
        ]
        return max(middles, default=None)

    def is_full_at(self, time: str) -> bool:
        """Return whether as many requests of this second are known as may be."""
        same = sum(moment_of(key) == time for key in self.own)
        return same >= RECENT_PER_SECOND_MAX

    def surplus(self, key: str, size: int) -> tuple[str, ...]:
        """List the keys to forget once ``key`` joins a window of ``size`` keys."""
        joined = sorted((*self.own, key))
        first_kept = moment_of(joined[-max(size, 1) :][0])
        return tuple(known for known in joined if moment_of(known) < first_kept)
