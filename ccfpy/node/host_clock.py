"""The node's time, which is what its host last said."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ccfpy.base.errors import Malformed


@dataclass(slots=True, kw_only=True)
class HostClock:
    """What the host last said of the time; nothing that needs trust rests on it."""

    monotonic_ms: int
    unix_us: int

    @property
    def now(self) -> datetime:
        """Wall time, as certificates state it.

        Raises:
            Malformed: no calendar goes so far.
        """
        try:
            return datetime.fromtimestamp(self.unix_us / 1e6, tz=UTC)
        except (ValueError, OverflowError) as error:
            raise Malformed(f"the host's clock is wrong: {error}") from error
