"""Figures as a table that can be pasted into a page."""

from collections.abc import Iterable, Sequence

from benchmarks.harness.figure import Better, Figure, Held

COLUMNS = ("figure", "median", "range", "scaled", "budget")
NOTHING = "–"  # noqa: RUF001 - a dash, as in the pages
_BELOW_HUNDRED, _BELOW_TEN, _BELOW_ONE = 100, 10, 1


def number(value: float) -> str:
    """Write a number with three significant digits and separated thousands."""
    size = abs(value)
    if size >= _BELOW_HUNDRED or value == int(value):
        return f"{value:,.0f}"
    if size >= _BELOW_TEN:
        return f"{value:.1f}"
    if size >= _BELOW_ONE:
        return f"{value:.2f}"
    return f"{value:.3f}"


def head() -> str:
    """Return the table's first two lines."""
    return row(COLUMNS) + "\n" + row("---" for _ in COLUMNS)


def row(cells: Iterable[str]) -> str:
    """Return one line of a table."""
    return "| " + " | ".join(cells) + " |"


def figure_row(figure: Figure, slowness: float) -> str:
    """Return the lines of a figure and of its peers."""
    return "\n".join(row(cells) for cells in figure_cells(figure, slowness))


def figure_cells(figure: Figure, slowness: float) -> list[Sequence[str]]:
    """Return the cells of a figure's line, and of one for each peer."""
    spread = f"{number(figure.low)} to {number(figure.high)}"
    scaled = figure.on_reference(slowness)

    def reference(value: float) -> str:
        return number(value) if figure.scales else NOTHING

    own: Sequence[str] = (
        figure.name,
        f"{number(figure.median)} {figure.unit}",
        spread if len(figure.values) > 1 else NOTHING,
        reference(scaled.median),
        bound(figure),
    )
    peers = (
        (
            f"{NOTHING} {name}",
            f"{number(value)} {figure.unit}",
            NOTHING,
            reference(scaled.peers[name]),
            NOTHING,
        )
        for name, value in figure.peers.items()
    )
    return [own, *peers]


def bound(figure: Figure) -> str:
    """Return a budget, its good side, and the repeat that it applies to.

    If this is not the median, the budget does not judge the number in the other
    columns.
    """
    if figure.budget is None:
        return NOTHING
    sign = "≤" if figure.better is Better.LESS else "≥"
    held = "" if figure.held is Held.MEDIAN else f", the {figure.held}"
    return f"{sign} {number(figure.budget)}{held}"


def exceeded(figures: Iterable[Figure], slowness: float) -> list[str]:
    """Return a sentence for each figure that is worse than its budget."""
    return [
        f"over budget: {figure.name}: "
        f"{number(figure.on_reference(slowness).held_value())} {figure.unit} "
        f"({figure.held} of {len(figure.values)}), budget {number(figure.budget)}"
        for figure in figures
        if figure.budget is not None and figure.is_exceeded(slowness)
    ]
