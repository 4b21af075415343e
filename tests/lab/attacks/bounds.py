"""What an attack may cost a service and its honest client, and the verdict on it.

The rules, for every attack:

1. No node ends, and no node loses its place: there is no election.
2. The honest client gets every answer, each within ``ANSWER_MAX_S``.
3. Memory returns to within ``MEMORY_GROWTH_MAX`` of what it was.
4. The ledger grows by what honest and authenticated requests account for, and by at
   most ``DISK_SLACK_BYTES`` beside that.
5. The attack itself does not succeed: what its author hoped for is a *breach*.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

ANSWER_MAX_S = 1.0
MEMORY_GROWTH_MAX = 0.10
DISK_SLACK_BYTES = 256 * 1024
"""For signatures, written as time passes, and for bounded records of strangers."""
DISK_PER_AUTHENTICATED_BYTE = 3.0
"""An entry holds a signed request whole, what it says, and what follows from that."""
CROWDED_SHARE = 5
"""The short form is a test, which may run beside others."""
REFUSAL = "503 TooManyPendingTransactions"
"""How an honest client reads that too many calls are slow."""
HONEST_DISK_SHARE_MAX = 1.5
"""The honest client's pace, and with it the ledger's growth, varies."""


@dataclass(slots=True, kw_only=True)
class Spend:
    """What an attack cost the attacker.

    Attributes:
        bytes_sent: to nodes, before encryption.
        bytes_authenticated: those of them that a member or a user answers for.
        connections: how many were opened.
        cpu_s: of the attacking thread.
    """

    bytes_sent: int = 0
    bytes_authenticated: int = 0
    connections: int = 0
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """What an attack cost the service.

    Attributes:
        cpu_s: of all nodes' processes.
        memory_before_bytes: resident, of all nodes' processes.
        memory_peak_bytes: the most of it that was seen.
        memory_after_bytes: once it had time to return.
        disk_bytes: by how much the primary's folder grew.
        disk_honest_bytes: how much of that the honest client's requests explain.
        elections: how many views began.
        nodes_lost: names of the nodes that ended.
    """

    cpu_s: float
    memory_before_bytes: int
    memory_peak_bytes: int
    memory_after_bytes: int
    disk_bytes: int
    disk_honest_bytes: int
    elections: int
    nodes_lost: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Honest:
    """How the honest client fared.

    Attributes:
        answers: how many requests it made while the attack ran.
        failures: what went wrong with those that had no good answer.
        p99_s: the time within which 99 of 100 were answered.
        worst_s: the longest time that one took.
    """

    answers: int
    failures: Sequence[str]
    p99_s: float
    worst_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What differs from the common bounds for one attack.

    Attributes:
        answer_max_s: the longest that an honest answer may take.
        p99_max_s: by how much longer 99 of 100 honest answers may take than the
            slowest did before the attack, as a machine may be busy with other work.
        may_refuse: whether the application's endpoints may refuse honest requests
            meanwhile, with 503 and the request to try again.
        memory_peak_growth_max_bytes: by how much memory may grow meanwhile, where
            that is bounded.
    """

    answer_max_s: float = ANSWER_MAX_S
    p99_max_s: float = ANSWER_MAX_S
    may_refuse: bool = False
    memory_peak_growth_max_bytes: int | None = None

    def when_crowded(self) -> "Bounds":
        """Return the bounds for a machine that has other work meanwhile."""
        return replace(self, p99_max_s=CROWDED_SHARE * self.p99_max_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one attack came to.

    Attributes:
        alone: how the honest client fared before the attack.
        breaches: what the attacker achieved, each in a sentence.
    """

    seconds: float
    spend: Spend
    toll: Toll
    honest: Honest
    alone: Honest
    breaches: Sequence[str] = ()
    bounds: Bounds = field(default_factory=Bounds)

    @property
    def disk_allowed_bytes(self) -> int:
        """Return how many bytes the ledger may have grown by."""
        honest = HONEST_DISK_SHARE_MAX * self.toll.disk_honest_bytes
        signed = DISK_PER_AUTHENTICATED_BYTE * self.spend.bytes_authenticated
        return int(honest + signed) + DISK_SLACK_BYTES

    @property
    def p99_allowed_s(self) -> float:
        """Return within which time 99 of 100 honest answers must come."""
        return self.bounds.p99_max_s + self.alone.worst_s


def excesses(measured: Measured) -> Iterator[str]:
    """Return the bounds that an attack broke; empty if it is within all of them."""
    yield from measured.breaches
    toll, honest, bounds = measured.toll, measured.honest, measured.bounds
    for name in toll.nodes_lost:
        yield f"{name} ended"
    if toll.elections:
        yield f"{toll.elections} elections"
    if not honest.answers:
        yield "the honest client got no answer at all"
    failures = [
        each for each in honest.failures if not (bounds.may_refuse and REFUSAL in each)
    ]
    if failures:
        yield f"{len(failures)} honest requests failed: {failures[0]}"
    if honest.worst_s > bounds.answer_max_s:
        yield (
            f"an honest answer took {honest.worst_s:.2f} s of at most "
            f"{bounds.answer_max_s:g} s"
        )
    if honest.p99_s > measured.p99_allowed_s:
        yield (
            f"one in a hundred honest answers took {honest.p99_s:.3f} s of at most "
            f"{measured.p99_allowed_s:.3f} s"
        )
    if toll.memory_after_bytes > (1 + MEMORY_GROWTH_MAX) * toll.memory_before_bytes:
        share = toll.memory_after_bytes / toll.memory_before_bytes - 1
        yield f"memory stays {share:.0%} above what it was"
    growth = toll.memory_peak_bytes - toll.memory_before_bytes
    growth_max = bounds.memory_peak_growth_max_bytes
    if growth_max is not None and growth > growth_max:
        yield f"memory grew by {growth} bytes of at most {growth_max}"
    if toll.disk_bytes > measured.disk_allowed_bytes:
        yield (
            f"the ledger grew by {toll.disk_bytes} bytes of at most "
            f"{measured.disk_allowed_bytes}"
        )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of the values do not exceed."""
    ordered = sorted(values)
    place = -int(-share * len(ordered) // 1) - 1
    return ordered[max(0, min(place, len(ordered) - 1))]
