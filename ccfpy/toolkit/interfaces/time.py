"""What a host says the time is, as a type that cannot be mistaken for the time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UntrustedTime:
    """A host's claim about the time: it may be early, late, or the same for ever.

    The value is not a number, and has no order: code that decides by the time must name
    ``claimed_unix_us``.

    Attributes:
        claimed_unix_us: microseconds since 1970.
    """

    claimed_unix_us: int
