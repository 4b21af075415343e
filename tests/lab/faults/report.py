"""A run's report as text."""

from collections import Counter
from collections.abc import Iterator
from statistics import median

from tests.lab.faults.faults import FaultKind
from tests.lab.faults.run import Report


def resumptions(report: Report, kind: FaultKind) -> list[float]:
    """Return the times after which writes resumed, in election timeouts."""
    return [
        fault.resumed_s / report.plan.election_timeout_s
        for fault in report.faults
        if fault.kind is kind and fault.resumed_s is not None
    ]


def render(report: Report) -> Iterator[str]:
    """Yield the report line by line."""
    plan, checked, evidence = report.plan, report.checked, report.evidence
    yield f"{plan.nodes} nodes, seed {plan.seed}, {report.seconds:.0f} s"
    yield (
        f"writes     {checked.writes}: {checked.committed} committed, "
        f"{checked.invalid} invalid, {checked.unknown} unknown; {checked.reads} reads"
    )
    views = ", ".join(str(view) for view in report.views)
    yield f"leaders    {len(report.views)}: views {views}"
    counts = Counter(
        f"{fault.kind} of {'the primary' if fault.was_primary else 'a backup'}"
        for fault in report.faults
    )
    made = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    yield f"faults     {len(report.faults)}: {made}"
    yield f"longest pause in writes  {report.longest_pause_s:.2f} s"
    for kind in FaultKind:
        times = resumptions(report, kind)
        if times:
            yield (
                f"writes resumed after {kind} of a primary  "
                f"median {median(times):.2f}, most {max(times):.2f} election timeouts "
                f"of {plan.election_timeout_s:g} s ({len(times)} times)"
            )
    yield (
        f"ledgers verify up to {evidence.last_signed}; {evidence.copies} copies of "
        f"{evidence.chunks} committed files are identical; {report.ivs} IVs, each for "
        "one entry"
    )
    yield f"{checked.events} events are consistent"
    if (seen := report.witnessed) is not None:
        yield (
            f"{seen.nodes} nodes showed every committed write in the end, at revision "
            f"{seen.revisions}"
        )
        yield (
            f"{seen.watchers} watchers were told all of it by {seen.streams} streams: "
            f"{seen.events} events, each once and in order"
        )
        yield (
            f"{seen.leases_ended} leases ended in time; {seen.leases_kept_over} times "
            "one was kept alive over a change of primary"
        )
