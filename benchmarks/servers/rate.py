"""How fast a server did some work, and the CPU time of each unit of work."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The results of a load.

    Attributes:
        cpu_us: the CPU time of all the server's processes, for each request.
        per_s: requests that were answered in a second.
    """

    cpu_us: float
    per_s: float

    @classmethod
    def of(cls, requests: int, *, spent_s: float, took_s: float) -> Self:
        """Divide, and raise if the server answered nothing: this is a mistake, not a
        slow server."""
        assert requests > 0, "nothing was answered"
        return cls(cpu_us=1e6 * spent_s / requests, per_s=requests / took_s)
