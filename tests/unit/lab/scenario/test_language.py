"""The language of scenarios: lines, words and what a wrong one says."""

import pytest

from tests.lab.scenario import ScenarioFailed, run
from tests.lab.scenario.language import Command, commands, parse

BEGIN = "start_node,0\nemit_signature,2\n"


def test_comments_blank_lines_and_the_end_are_no_commands() -> None:
    text = "# a story\n\nstate_all  # of all\n   \nstate_one,0\n==== the end\nnonsense"
    assert list(parse(text)) == [
        Command(line=3, text="state_all"),
        Command(line=5, text="state_one,0"),
    ]
    assert Command(line=1, text="a,b,").words == ["a", "b", ""]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("sing", "line 3: sing: no such command"),
        (" state_all", "no such command"),
        ("connect,0", "1 arguments, expected 2"),
        ("replicate,2,a,b", "3 arguments, expected 2"),
        ("start_node,1", "begun already"),
        ("trust_node,2,0", "exists already"),
        ("periodic_one,7,10", "no node 7"),
        ("periodic_one,0,soon", "not a number"),
        ("replicate,9,data", "nobody leads view 9"),
        ("pre_vote_enabled,maybe", "neither true nor false"),
        ("swap_nodes,2,for,1", "expected in or out"),
        ("assert_commit_idx,0,5", "found 2"),
        ("assert_detail,0,current_view,3", "found 2"),
        ("assert_detail,0,mood,good", "no detail mood"),
        ("assert_!detail,0,ticking,true", "it is"),
        ("assert_config,0,1,1", r"found \['0'\]"),
        ("assert_config,0,7,0", "found None"),
        ("assert_absent_config,0,1", "there is one"),
    ],
)
def test_a_line_that_does_not_hold_is_named(line: str, complaint: str) -> None:
    with pytest.raises(ScenarioFailed, match=complaint):
        run(BEGIN + line)


def test_a_cluster_that_cannot_find_together_fails_after_the_last_line() -> None:
    with pytest.raises(ScenarioFailed, match="after the last line: nobody leads"):
        run("create_new_node,0")


def test_reports_and_traces_go_where_they_are_asked_to() -> None:
    said: list[str] = []
    traced: list[str] = []
    run(BEGIN + "state_all\nsummarise_log,0", say=said.append, trace=traced.append)
    assert said == [
        "0: leadership P membership A @2.2 (committed 2)",
        "0: 2.1, [2.2]",
    ]
    assert traced[0] == '{"tag": "raft_trace", "cmd": "start_node,0"}'
    assert all('"raft_trace"' in line for line in traced)


def test_every_command_has_a_meaning_with_an_explanation() -> None:
    for meaning in commands(lambda _: None).values():
        assert meaning.action.__doc__
