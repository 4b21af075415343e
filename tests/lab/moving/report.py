"""A run's report as text: a table of the swaps, and what was found."""

from collections.abc import Iterator

from tests.lab.moving.run import Report, Swap

HEADING = (
    f"{'at':>7}  {'old node':<12}  {'':<8} {'end':<8} {'new node':<12} {'took':>7}  "
    f"{'answers':>7}  {'worst gap':>9}  decided before"
)


def row(swap: Swap) -> str:
    """Return a swap as a line of the table."""
    role = "primary" if swap.was_primary else "backup"
    end = "killed" if swap.was_killed else "retired"
    return (
        f"{swap.at_s:5.1f} s  {swap.old:<12}  {role:<8} {end:<8} {swap.new:<12} "
        f"{swap.took_s:5.2f} s  {swap.answered:>7}  {swap.worst_gap_s:7.2f} s  "
        f"{swap.decided}"
    )


def render(report: Report) -> Iterator[str]:
    """Yield the report below the table, line by line."""
    plan = report.plan
    yield (
        f"{plan.nodes} nodes of CCF {report.version} and of ccfpy, "
        f"{plan.clients} clients, {report.seconds:.0f} s, {len(report.swaps)} swaps"
    )
    yield (
        f"writes     {report.answered} answered, {report.acknowledged} acknowledged "
        f"as committed and all found; {report.uncertain} without that word, of them "
        f"{report.invalid} called invalid"
    )
    for trouble, count in report.troubles.items():
        yield f"reads      {count} repeated: {trouble}"
    yield (
        f"worst gap between answers  {report.worst_gap_s:.2f} s; the machine itself "
        f"stood still for {report.worst_stall_s:.2f} s"
    )
    yield (
        f"the ledger verifies up to {report.last_signed}; {report.copies} copies of "
        f"{report.chunks} committed files are identical"
    )
