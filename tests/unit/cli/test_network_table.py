from dataclasses import replace
from datetime import timedelta

from ccfpy.cli.network_table import COLUMNS, as_json, table
from ccfpy.cli.terminal import Terminal
from ccfpy.client.survey import Survey
from tests.unit.client.networked import UNTIL, answered, node_id, reported

NODES = [
    reported("a", answered(leads=True, view=3, seqno=20, heard={"b": 40, "d": 9000})),
    reported("b", answered(view=3, seqno=15)),
    reported("c", status="Pending"),
    reported("d"),
    reported("e", status="Retired", is_removable=True),
    reported("f", answered(leads=True, view=2)),
]
SURVEY = Survey(status="Open", valid_until=UNTIL, nodes=NODES)


def _shown(survey: Survey, *, days: float = -30) -> list[str]:
    console = Terminal(width=200)
    with console.capture() as shown:
        console.print(table(survey, now=UNTIL + timedelta(days=days)))
    return [" ".join(line.split()) for line in shown.get().splitlines()]


def test_each_node_is_a_line() -> None:
    title, _, _, *lines = _shown(SURVEY)
    until = "2030-01-01"
    assert title == f"service Open, certificate until {until}, primary aaaaaaaa"
    assert lines == [
        f"aaaaaaaa Trusted primary 3 3.20 0 - {until} 127.0.0.1:97",
        f"bbbbbbbb Trusted backup 3 3.15 5 40 ms {until} 127.0.0.1:98",
        f"cccccccc Pending joining - - - - {until} 127.0.0.1:99",
        f"dddddddd Trusted no answer - - - 9 s {until} 127.0.0.1:100",
        f"eeeeeeee Retired, may stop - - - - - {until} 127.0.0.1:101",
        f"ffffffff Trusted primary, behind 2 2.10 10 - {until} 127.0.0.1:102",
    ]


def test_what_is_wrong_is_said_first() -> None:
    lost = Survey(status="Open", valid_until=UNTIL, nodes=NODES[3:4])
    assert _shown(lost)[0].endswith("no majority of its nodes answers")
    backups = [reported(letter, answered()) for letter in "abc"]
    leaderless = Survey(status="Open", valid_until=UNTIL, nodes=backups)
    assert _shown(leaderless)[0].endswith("no primary")
    assert "certificate expired, " in _shown(SURVEY, days=1)[0]


def test_a_table_fits_a_terminal_and_loses_no_word() -> None:
    far = reported("f", answered(leads=True, view=123, seqno=98_765_432))
    survey = Survey(
        status="Open",
        valid_until=UNTIL,
        nodes=[
            *NODES,
            replace(far, interfaces={"api": "node-7.ledger.example.com:8000"}),
        ],
    )
    console = Terminal(width=COLUMNS)
    for days in (-30, 1):
        with console.capture() as shown:
            console.print(table(survey, now=UNTIL + timedelta(days=days)))
        lines = shown.get().splitlines()
        assert max(map(len, lines)) <= COLUMNS
        assert "…" not in shown.get()
        assert "123.98765432" in shown.get()
    with console.capture() as shown:
        usual = Survey(status="Open", valid_until=UNTIL, nodes=NODES[:4])
        console.print(table(usual, now=UNTIL - timedelta(days=30)))
    assert len(shown.get().splitlines()) == 3 + 4  # one line for each node


def test_a_program_is_told_the_same() -> None:
    told = as_json(SURVEY)
    assert (told["primary_id"], told["has_majority"]) == (node_id("a"), True)
    nodes = told["nodes"]
    assert isinstance(nodes, list)
    assert nodes[1]["role"] == "backup"
    assert (nodes[1]["lag"], nodes[1]["heard_ms_ago"]) == (5, 40)
    assert (nodes[3]["is_reachable"], nodes[3]["trouble"]) == (False, "no answer")
    assert nodes[3]["commit"] is None
    assert [node["is_behind"] for node in nodes] == [*(False,) * 5, True]
