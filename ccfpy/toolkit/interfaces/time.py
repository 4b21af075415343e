"""What a host says the time is, as a type that cannot be mistaken for the time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UntrustedTime:
    """A host's word for the time: it may be early, late, or the same for ever.

    It is no number, and is neither before nor after another one: who would decide
    something by it has to name ``claimed_unix_us``.

    Attributes:
        claimed_unix_us: microseconds since 1970.
    """

    claimed_unix_us: int
