"""Leases of etcd: kept alive they keep their keys, and left alone they end in time.

All times are by the clock of the one who recorded them. A lease was granted or renewed
at some moment between a request and its answer, so it lasts its time from the request
on at least, and from the answer on at most. A request without an answer may have been
carried out a while after its client gave up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tests.lab.consistency.properties import Inconsistent, Property


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """A client asks for a lease, or for more time for one.

    Attributes:
        lease: which.
        sent_s: when the client asked.
        ended_s: when it was answered, or gave up.
        ttl_s: for how long the lease was granted.
        is_answered: whether the client knows that it was.
    """

    lease: int
    sent_s: float
    ended_s: float
    ttl_s: float
    is_answered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A client is told whether a lease, or the key of one, is there.

    Attributes:
        lease: which.
        sent_s: when the client asked.
        answered_s: when it was told.
        is_there: what it was told.
    """

    lease: int
    sent_s: float
    answered_s: float
    is_there: bool


LeaseEvent: TypeAlias = Renewal | Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How exact leases are.

    Attributes:
        early_s: how long the clock may stand still by which a node grants a lease.
        late_s: how long after its time a lease may be there.
        lingering_s: how long a call may be carried out after its client gave up.
    """

    early_s: float
    late_s: float
    lingering_s: float


def check_leases(events: Sequence[LeaseEvent], tolerance: Tolerance) -> int:
    """Check what clients saw of leases; return how many leases were seen to end.

    Raises:
        Inconsistent: a lease was gone before its time, or there after it.
    """
    renewals: dict[int, list[Renewal]] = {}
    for event in events:
        if isinstance(event, Renewal):
            renewals.setdefault(event.lease, []).append(event)
    ended: set[int] = set()
    for event in events:
        if not isinstance(event, Look):
            continue
        renewed = renewals.get(event.lease, [])
        if event.is_there:
            _check_is_due(event, renewed, tolerance)
        else:
            _check_has_ended(event, renewed, tolerance)
            ended.add(event.lease)
    return len(ended)


def _check_has_ended(
    look: Look, renewals: Sequence[Renewal], tolerance: Tolerance
) -> None:
    """Check that the time of a lease that is gone was over."""
    for renewal in renewals:
        if not renewal.is_answered:
            continue
        until_s = renewal.sent_s + renewal.ttl_s
        if look.answered_s < until_s - tolerance.early_s:
            raise Inconsistent(
                Property.LEASE_LASTS,
                f"lease {look.lease} was gone at {look.answered_s:.3f} s, and was to "
                f"last until {until_s:.3f} s: {renewal}",
            )


def _check_is_due(
    look: Look, renewals: Sequence[Renewal], tolerance: Tolerance
) -> None:
    """Check that a lease that is there may be."""
    until_s = max(
        (
            each.ended_s
            + each.ttl_s
            + (0 if each.is_answered else tolerance.lingering_s)
            for each in renewals
        ),
        default=float("-inf"),
    )
    if look.sent_s > until_s + tolerance.late_s:
        raise Inconsistent(
            Property.LEASE_ENDS,
            f"lease {look.lease} was there at {look.sent_s:.3f} s, and was to end at "
            f"{until_s:.3f} s",
        )
