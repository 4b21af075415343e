"""How fast a server did some work, and what CPU each piece of it took."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a load came to.

    Attributes:
        cpu_us: of all the server's processes, for each request.
        per_s: requests that were answered in a second.
    """

    cpu_us: float
    per_s: float

    @classmethod
    def of(cls, requests: int, *, spent_s: float, took_s: float) -> Self:
        """Divide; a load that nothing answered is a mistake, not a slow server."""
        assert requests > 0, "nothing was answered"
        return cls(cpu_us=1e6 * spent_s / requests, per_s=requests / took_s)
