from dataclasses import replace

import pytest

from ccfpy.base.ids import UserId
from ccfpy.base.json import Json
from ccfpy.base.schema import schema_of
from ccfpy.client.governance import REJECT
from ccfpy.client.review.description import (
    UNFOLDED_LINES_MAX,
    Change,
    Description,
    Diff,
    Fact,
    Section,
    Topic,
    as_json,
    differences,
)
from ccfpy.client.review.proposal import AGE_US_MAX, describe
from ccfpy.client.review.public_state import PublicState
from ccfpy.service.tables import users
from tests.attacks import attack
from tests.unit.client.review.made import ADDS_USER, CAROL, PROPOSAL, USER, public_state


@pytest.mark.parametrize(
    ("before", "after", "title", "lines"),
    [
        (None, "a\nb", "x: new", ("@@ -0,0 +1,2 @@", "+a", "+b")),
        ("a", None, "x: removed", ("@@ -1 +0,0 @@", "-a")),
        (
            "a\n",
            None,
            "x: removed",
            ("@@ -1 +0,0 @@", "-a⟦a line break at the end⟧"),
        ),
        ("a\nb", "a\nc", "x: changed", ("@@ -1,2 +1,2 @@", " a", "-b", "+c")),
        (None, "", "x: new", ()),
    ],
)
def test_a_diff_says_what_happens_and_shows_it(
    before: str | None, after: str | None, title: str, lines: tuple[str, ...]
) -> None:
    found = Diff.of("x", before, after)
    assert (found.title, found.lines) == (title, lines)
    assert found.added == sum(line.startswith("+") for line in lines)
    assert found.removed == sum(line.startswith("-") for line in lines)


def test_what_stays_as_it_is_has_no_lines() -> None:
    assert Diff.of("x", "a", "a") == Diff(subject="x", change=Change.UNCHANGED)


@pytest.mark.parametrize(
    ("count", "may_fold", "folded"),
    [
        (UNFOLDED_LINES_MAX - 1, True, False),
        (UNFOLDED_LINES_MAX, True, True),
        (UNFOLDED_LINES_MAX, False, False),
    ],
)
def test_a_long_diff_is_folded_where_it_may(
    count: int, may_fold: bool, folded: bool
) -> None:
    # One line more says where the others are.
    diff = Diff.of("x", None, "line\n" * count, may_fold=may_fold)
    assert diff.is_folded is folded
    assert diff.added == count, "and none is missing"


def test_a_description_is_json_of_its_schema() -> None:
    shown = Description(
        title="Proposal x",
        sections=(
            Section(
                topic=Topic.OUTCOME,
                title="What would change",
                facts=(
                    Fact(label="it would fail", text="why", is_warning=True),
                    Fact(label="how", text="x…", whole="xy", is_unknown=True, depth=1),
                ),
                diffs=(
                    Diff.of("member", "a", "b"),
                    Diff(subject="other", change=Change.UNCHANGED),
                ),
            ),
        ),
    )
    written = as_json(shown)
    assert written == {
        "title": "Proposal x",
        "sections": [
            {
                "topic": "outcome",
                "title": "What would change",
                "facts": [
                    {"label": "it would fail", "text": "why", "is_warning": True},
                    {
                        "label": "how",
                        "text": "x…",
                        "depth": 1,
                        "whole": "xy",
                        "is_unknown": True,
                    },
                ],
                "diffs": [
                    {
                        "subject": "member",
                        "change": "changed",
                        "lines": ["@@ -1 +1 @@", "-a", "+b"],
                        "added": 1,
                        "removed": 1,
                    },
                    {"subject": "other", "change": "unchanged"},
                ],
            }
        ],
    }
    assert schema_of(Description).read(written) == shown


USER_ID = UserId(USER.digest_hex)


def _told(state: PublicState, shown: str = "") -> Description:
    return describe(state, PROPOSAL, {}, shown=shown)


def _with_user(data: Json) -> PublicState:
    state = public_state(ADDS_USER)
    tx = state.store.begin()
    users.INFO.of(tx).put(USER_ID, users.UserInfo(user_data=data))
    state.store.apply(2, tx.writes)
    return state


def test_nothing_is_different_where_only_votes_are() -> None:
    read = _told(public_state(ADDS_USER))
    now = _told(public_state(ADDS_USER, ballots={CAROL: REJECT}), read.outcome)
    assert now.sections != read.sections
    assert differences(read, now) == []


@attack("gov: another proposal is accepted while a member reads one")
def test_what_would_change_otherwise_is_named() -> None:
    read = _told(public_state(ADDS_USER))
    now = _told(_with_user({"role": "owner"}), read.outcome)
    assert differences(read, now) == [
        f"user {USER_ID}: would change otherwise than you read"
    ]
    assert len(differences(now, _told(public_state(), now.outcome))) == 3


def test_what_is_said_no_longer_is_named() -> None:
    failing: Json = {"name": "set_node_data", "args": {"node_id": "ab" * 32}}
    read = _told(public_state(failing))
    now = _told(public_state(ADDS_USER), read.outcome)
    gone, *new = differences(read, now)
    assert gone.startswith("no longer said: it would fail")
    assert new == [
        f"{kind} {USER_ID}: would be new, and was not to be touched"
        for kind in ("certificate of user", "user")
    ]


def test_the_time_of_a_run_alone_is_no_difference() -> None:
    read = _told(public_state(ADDS_USER))
    again = replace(read, outcome=f"1.{read.outcome.partition('.')[2]}")
    assert differences(read, again) == []


def test_bytes_that_a_description_shows_alike_are_a_difference() -> None:
    read = _told(public_state(ADDS_USER))
    assert differences(read, replace(read, outcome=f"1.{'0' * 64}")) == [
        "bytes of which the description shows the same"
    ]


def test_what_was_read_long_ago_is_found_out_for_now() -> None:
    """Also if nothing else has changed: scripts may ask for the time."""
    state = public_state(ADDS_USER)
    made, _, digest = _told(state).outcome.partition(".")
    old = f"{int(made) - AGE_US_MAX}.{digest}"
    assert _told(state, old).outcome != old
    recent = f"{int(made) - AGE_US_MAX // 2}.{digest}"
    assert _told(state, recent).outcome == recent
    later = f"{int(made) + AGE_US_MAX}.{digest}"
    assert _told(state, later).outcome != later
