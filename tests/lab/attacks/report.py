"""What attacks came to, as a table and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ccfpy.base.json import Json, JsonObject
from tests.lab.attacks.bounds import Measured
from tests.lab.attacks.run import Outcome

COLUMNS = (
    *("attack", "sent", "connections", "attacker CPU", "nodes' CPU", "memory"),
    *("disk", "elections", "honest p99", "worst", "bounds", "verdict"),
)
_MEBIBYTE = 1 << 20


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Return a table of outcomes line by line, one row each."""
    rows = [COLUMNS, *map(row, outcomes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        yield "  ".join(padded).rstrip()


def row(outcome: Outcome) -> tuple[str, ...]:
    """Return the cells of one outcome."""
    measured = outcome.measured
    spend, toll, honest = measured.spend, measured.toll, measured.honest
    lost = f", {len(toll.nodes_lost)} nodes lost" if toll.nodes_lost else ""
    return (
        outcome.attack.name,
        size(spend.bytes_sent),
        str(spend.connections),
        f"{spend.cpu_s:.2f} s",
        f"{toll.cpu_s:.2f} s",
        memory(measured),
        f"{size(toll.disk_bytes)} of {size(measured.disk_allowed_bytes)}",
        f"{toll.elections}{lost}",
        f"{honest.p99_s * 1000:.0f} ms",
        f"{honest.worst_s * 1000:.0f} ms",
        f"{measured.p99_allowed_s:.2f}, {measured.bounds.answer_max_s:.2f} s",
        "within" if outcome.is_within else "NOT within",
    )


def memory(measured: Measured) -> str:
    """Return the memory before, at its peak and afterwards."""
    toll = measured.toll
    return " → ".join(
        f"{value / _MEBIBYTE:.0f}"
        for value in (
            toll.memory_before_bytes,
            toll.memory_peak_bytes,
            toll.memory_after_bytes,
        )
    )


def size(count: int) -> str:
    """Return a number of bytes for people."""
    if abs(count) < _MEBIBYTE:
        return f"{count / 1024:.1f} KiB"
    return f"{count / _MEBIBYTE:.1f} MiB"


def reasons(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the bounds that were broken, line by line."""
    for outcome in outcomes:
        for reason in outcome.excesses:
            yield f"{outcome.attack.name}: {reason}"


def as_json(outcomes: Sequence[Outcome]) -> Json:
    """Return all that was measured."""
    return [_fields(outcome) for outcome in outcomes]


def _fields(outcome: Outcome) -> JsonObject:
    attack, measured = outcome.attack, outcome.measured
    return {
        "attack": attack.name,
        "family": attack.family.value,
        "about": attack.about,
        **asdict(measured),
        "disk_allowed_bytes": measured.disk_allowed_bytes,
        "p99_allowed_s": measured.p99_allowed_s,
        "excesses": list(outcome.excesses),
        "is_within": outcome.is_within,
    }
