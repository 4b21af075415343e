"""The figures that ``docs/benchmarks.md`` shows, out of all that were measured.

The page has one table. A row holds one figure, or the same figure over several numbers
of connections or nodes. Other figures stay in ``results/`` and ``by_hand.csv``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.harness import table
from benchmarks.harness.by_hand import ByHand
from benchmarks.harness.figure import Better, Figure, Held
from benchmarks.harness.record import Record

COLUMNS: Final = ("figure", "measured", "scaled", "budget", "run")
CCF: Final = "CCF 7.0.0-dev5"
CONNECTIONS: Final = ("1 connection", "10 connections", "100 connections")
MANY: Final = (*CONNECTIONS, "1,000 connections")
PLOTS: Final = (
    ("requests", "Requests of the Python app: CPU, one core"),
    ("requests", "Requests of the Python app: answered"),
    ("beside_ccf", "Rate to that of CCF"),
    ("beside_ccf", "CPU of a request to that of CCF"),
    ("peers", "CPU of a put, beside peers"),
    ("keys", "CPU of a write by keys"),
    ("scale", "Between nodes, in batches: bytes a write"),
)
"""Of each plot, its question and its title."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table.

    Attributes:
        text: the first cell.
        question: the question whose last run has the figures.
        figures: the figures' names, in the order in which the cells show them.
    """

    text: str
    question: str
    figures: tuple[str, ...]


def _each(name: str, places: Sequence[str]) -> tuple[str, ...]:
    """Return a figure's name for each number of connections, nodes or keys."""
    return tuple(name.format(place) for place in places)


def _requests(what: str, question: str, name: str) -> list[Row]:
    over = f"{what} over 1 / 10 / 100 / 1,000 connections"
    return [
        Row(f"{over}: CPU", question, _each(f"{name}, {{}}: CPU, one core", MANY)),
        Row(f"{over}: answered", question, _each(f"{name}, {{}}: answered", MANY)),
    ]


def _beside(what: str, name: str, places: Sequence[str]) -> list[Row]:
    over = f"{what} over {' / '.join(place.split()[0] for place in places)} connections"
    return [
        Row(
            f"{over}: {label}",
            "beside_ccf",
            _each(f"{name}, {{}}: {label} to that of {CCF}", places),
        )
        for label in ("rate", "CPU")
    ]


GROUPS: Final[Mapping[str, Sequence[Row]]] = {
    "What a request costs, one node": [
        *_requests("a private write", "requests", "private write"),
        *_requests("a private read", "requests", "private read"),
        *_requests("a write by a script", "scripts", "JavaScript, private write"),
        *_requests("a read by a script", "scripts", "JavaScript, private read"),
        Row(
            "a write in the trusted node alone: CPU",
            "step",
            ("a write in the trusted node alone, one to a step, CPU",),
        ),
        Row(
            "a connection with a client's certificate: CPU",
            "newcomers",
            ("a connection with a client's certificate, CPU",),
        ),
        Row(
            "each further byte of a write: CPU",
            "payloads",
            ("each further byte of a write, one core",),
        ),
        Row(
            "half of the commits within, 1 / 3 / 5 nodes at rest",
            "commits",
            _each(
                "{}, at rest: half of the writes within",
                ("1 node", "3 nodes", "5 nodes"),
            ),
        ),
        Row(
            "half of the commits within, 1 / 3 / 5 nodes, 10 clients writing",
            "commits",
            _each(
                "{}, 10 clients writing: half of the writes within",
                ("1 node", "3 nodes", "5 nodes"),
            ),
        ),
    ],
    "Beside CCF: ccfpy's figure divided by CCF's": [
        *_beside("1 node, a private write", "1 node, private write", MANY),
        *_beside("1 node, a private read", "1 node, private read", MANY),
        *_beside(
            "1 node, a write by a script",
            "1 node, JavaScript, private write",
            CONNECTIONS,
        ),
        *_beside(
            "1 node, a read by a script",
            "1 node, JavaScript, private read",
            CONNECTIONS,
        ),
        *_beside("3 nodes, a private write", "3 nodes, private write", CONNECTIONS),
        *_beside("3 nodes, a private read", "3 nodes, private read", CONNECTIONS),
        *_beside("5 nodes, a private write", "5 nodes, private write", CONNECTIONS[1:]),
        *_beside("5 nodes, a private read", "5 nodes, private read", CONNECTIONS[1:]),
        Row(
            "half of the commits within, 1 / 3 nodes",
            "beside_ccf",
            _each(
                f"{{}}: half of the commits, to those of {CCF}", ("1 node", "3 nodes")
            ),
        ),
        Row(
            "a connection with a client's certificate: CPU",
            "newcomers",
            (f"a connection with a client's certificate: CPU to that of {CCF}",),
        ),
        Row(
            "until 900 new clients are served",
            "newcomers",
            (f"900 newcomers are served: time to that of {CCF}",),
        ),
    ],
    "Beside etcd 3.5, a put over JSON: ccfpy's CPU divided by etcd's": [
        Row(
            f"{nodes} over 1 / 10 / 100 connections",
            "peers",
            _each(f"CPU to that of etcd, JSON, {nodes}, {{}}", CONNECTIONS),
        )
        for nodes in ("1 node", "3 nodes")
    ],
    "How cost grows": [
        Row(
            "writes a second of 3 / 5 nodes to those of one node, on one machine",
            "network",
            _each("{}: writes a second, to one node's", ("3 nodes", "5 nodes")),
        ),
        Row(
            "bytes between nodes for a write in batches, 3 / 5 / 15 nodes",
            "scale",
            _each("{}, in batches: bytes a write", ("3 nodes", "5 nodes", "15 nodes")),
        ),
        Row(
            "CPU of a write, 1,000,000 keys to 1,000",
            "keys",
            ("CPU of a write, 1,000,000 keys to 1,000",),
        ),
        Row(
            "memory for a million keys of 100 bytes",
            "keys",
            ("memory for a million keys of 100 bytes",),
        ),
        Row(
            "a node joins from a snapshot of a million keys",
            "keys",
            ("a node joins from a snapshot of 1,000,000 keys, the vote included",),
        ),
        Row(
            "CPU of a write after many transactions, to a write after few",
            "length",
            ("CPU of a write, the last stretch to the second",),
        ),
        Row(
            "memory of a thousand sessions",
            "sessions",
            ("memory of a thousand sessions that say nothing",),
        ),
        *(
            Row(
                f"half an hour of writes to 3 nodes: their {process}s surely grow by",
                "soak",
                _each(
                    f"{{}}'s {process}: in the second half it surely grows by",
                    ("node 0", "node 1", "node 2"),
                ),
            )
            for process in ("host", "enclave")
        ),
    ],
    "Other work": [
        Row(
            "transactions audited by one process; every tenth a signature",
            "audit",
            (
                "transactions verified, one process",
                "every tenth a signature, one process",
            ),
        ),
        Row(
            "transactions recovered, public and private state",
            "recovery",
            ("transactions recovered, public and private state",),
        ),
        Row(
            "past transactions returned, cold",
            "history",
            ("transactions of the past told of, cold",),
        ),
        Row(
            "transactions indexed, half of them read from files",
            "indexing",
            ("transactions indexed, half of them read back from files",),
        ),
        Row(
            "from a primary's kill to the next write",
            "failover",
            ("from a primary's kill to the next write",),
        ),
        Row(
            "from start to an open service that answered a write",
            "startup",
            ("a service is open and a user's write is answered",),
        ),
        Row(
            "a statement registered, with its receipt (`scitt`): CPU",
            "scitt",
            ("a registration with its receipt, 10 connections: CPU, one core",),
        ),
        Row(
            "99 of 100 answers to others beside an endless script / handler",
            "slow_calls",
            (
                "p99 of others beside an endless script",
                "p99 of others beside an endless handler",
            ),
        ),
    ],
}
"""The rows of the table, under the titles of their groups."""


def summary(last: Mapping[str, Record]) -> str:
    """Return the table, of the questions that have a run."""
    lines = [table.row(COLUMNS), table.row("---" for _ in COLUMNS)]
    for title, rows in GROUPS.items():
        asked = [row for row in rows if row.question in last]
        if asked:
            lines.append(table.row((f"**{title}**", *("" for _ in COLUMNS[1:]))))
            lines += [_line(row, last[row.question]) for row in asked]
    return "\n".join(lines) + "\n"


def _line(row: Row, run: Record) -> str:
    by_name = {figure.name: figure for figure in run.figures}
    figures = [by_name[name] for name in row.figures]
    scaled = [figure.on_reference(run.machine.slowness) for figure in figures]
    return table.row(
        (
            row.text,
            f"{_values(figures)} {figures[0].unit}",
            _values(scaled) if figures[0].scales else table.NOTHING,
            _budgets(figures),
            _origin(run),
        )
    )


def _values(figures: Sequence[Figure]) -> str:
    return " / ".join(table.number(figure.held_value()) for figure in figures)


def _budgets(figures: Sequence[Figure]) -> str:
    """Return the budgets in the order of the figures, with one sign for all."""
    held = [figure for figure in figures if figure.budget is not None]
    if not held:
        return table.NOTHING
    sign = "≤" if held[0].better is Better.LESS else "≥"
    each = (
        table.NOTHING if figure.budget is None else table.number(figure.budget)
        for figure in figures
    )
    repeat = "" if held[0].held is Held.MEDIAN else f", the {held[0].held}"
    return f"{sign} {' / '.join(each)}{repeat}"


def _origin(run: Record) -> str:
    """Return commit, machine and slowness of a run, and how it differs from others."""
    processor = "Xeon" if "Xeon" in run.machine.processor else run.machine.processor
    name = run.commit.name + ("" if run.commit.is_clean else " and changes")
    marks = f"{' quick' if run.is_quick else ''}"
    marks += "" if run.machine.is_compiled else " interpreted"
    return f"`{name}` {processor} ×{table.number(run.machine.slowness)}{marks}"  # noqa: RUF001 - times


def verdict(runs: Sequence[Record]) -> str:
    """Return how many figures have a budget, and which exceed it."""
    held = [
        (run, figure)
        for run in runs
        for figure in run.figures
        if figure.budget is not None
    ]
    over = [
        f"* `{run.question}`, {figure.name}: "
        f"{table.number(figure.on_reference(run.machine.slowness).held_value())} "
        f"{figure.unit}, budget {table.bound(figure)}"
        for run, figure in held
        if figure.is_exceeded(run.machine.slowness)
    ]
    count = f"Of {len(held)} figures with a budget, {len(over) or 'none'} exceed"
    sentence = f"{count}{'s' if len(over) < 2 else ''} it"  # noqa: PLR2004 - one
    return "\n".join([sentence + (":\n" if over else "."), *over]) + "\n"


def slower(last: Mapping[str, Record], by_hand: Sequence[ByHand]) -> str:
    """Return a line for each figure in which CCF or another program is ahead."""
    lines = [*_behind_ccf(last), *_behind_peers(last), *_behind_by_hand(by_hand)]
    return "\n".join(lines) + "\n" if lines else "No figure.\n"


def _behind_ccf(last: Mapping[str, Record]) -> list[str]:
    return [
        f"* `{name}`: {figure.name}: {table.number(figure.median)}"
        for name, run in last.items()
        for figure in run.figures
        if CCF in figure.name and _is_behind(figure.better, figure.median, 1)
    ]


def _behind_peers(last: Mapping[str, Record]) -> list[str]:
    lines = []
    for name, run in last.items():
        for figure in run.figures:
            ahead = {
                peer: value
                for peer, value in figure.peers.items()
                if _is_behind(figure.better, figure.median, value)
            }
            if ahead:
                each = ", ".join(
                    f"{peer} {table.number(value)}" for peer, value in ahead.items()
                )
                own = f"{table.number(figure.median)} {figure.unit}".strip()
                lines.append(f"* `{name}`: {figure.name}: {own}; {each}")
    return lines


def _behind_by_hand(rows: Sequence[ByHand]) -> list[str]:
    lines = []
    for row in rows:
        if CCF in row.figure and _is_behind(row.better, row.value, 1):
            name = row.subject.removeprefix("beside CCF, ")
            lines.append(
                f"* {name}, `{row.commit}`: {row.figure}: {table.number(row.value)}"
            )
    return lines


def _is_behind(better: Better, ours: float, theirs: float) -> bool:
    return ours > theirs if better is Better.LESS else ours < theirs
