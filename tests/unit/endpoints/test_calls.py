"""Calls of an application's code: their limits, and whose share of them they take."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ccfpy.base import limits
from ccfpy.base.app_threads import AppThreads
from ccfpy.base.errors import Unwritable
from ccfpy.base.ids import MemberId, NodeId, UserId
from ccfpy.base.ports import Given, Result
from ccfpy.endpoints.app_calls import (
    THE_NODE,
    UNLIMITED,
    AppCalls,
    Escaped,
    caller_named,
    caller_of,
    check_answer,
    check_size,
)
from ccfpy.endpoints.auth import (
    AnyCertCaller,
    AppCaller,
    CallerOfAll,
    JwtCaller,
    MemberCertCaller,
    NodeCertCaller,
    UserCertCaller,
)
from ccfpy.endpoints.auth.policy import Identity, Nobody
from ccfpy.endpoints.call_shares import (
    CallShares,
    Taking,
    Waiting,
    largest,
    may_begin,
    next_turn,
)
from ccfpy.endpoints.pending import Answer, Awaited
from ccfpy.http.messages import Response
from tests.attacks import attack


@dataclass
class Noted(AppThreads):
    """Threads that note the limits of each call."""

    limits: list[tuple[int, int]] = field(default_factory=list)

    def call(
        self,
        function: Callable[[Given], Result],
        given: Given,
        execution_ms_max: int,
        memory_bytes_max: int,
        taken_up_ns: int = 0,
    ) -> Result:
        del taken_up_ns
        self.limits.append((execution_ms_max, memory_bytes_max))
        return function(given)


def test_a_call_has_its_own_limit_or_everybodys() -> None:
    threads = Noted()
    calls = AppCalls(threads)
    memory = limits.APP_MEMORY_BYTES_MAX
    assert calls.call(len, "four") == 4
    assert calls.call(len, "four", 7) == 4
    calls.limits.execution_ms_max = 9
    assert calls.call(len, "four") == 4
    assert threads.limits == [(1000, memory), (7, memory), (9, memory)]


def test_what_is_limited_elsewhere_is_not_watched() -> None:
    threads = Noted()
    assert AppCalls(threads).call(len, "four", UNLIMITED) == 4
    assert threads.limits == []


@attack("applications: a handler that ends the program")
@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit, BaseException])
def test_what_ends_a_program_is_an_error_as_any(kind: type[BaseException]) -> None:
    def leave(_: object) -> None:
        raise kind("private")

    with pytest.raises(Escaped, match=f"^{kind.__name__}$"):
        AppCalls().call(leave, None)


def test_whoever_debugs_may_interrupt_it() -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        AppCalls().call(interrupted, None)


def test_an_answer_may_be_so_large() -> None:
    check_size(Response(status=200, body=b"four"), 4)
    with pytest.raises(Unwritable, match="5 bytes, where 4 are allowed"):
        check_size(Response(status=200, body=b"fives"), 4)


@pytest.mark.parametrize("answer", [Response(status=200), Awaited()])
def test_what_is_an_answer_is_returned(answer: Answer) -> None:
    assert check_answer(answer) is answer


@attack("applications: an answer that nobody can send")
@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        {"status": 200, "body": "text"},
        {"status": "200"},
        {"status": 200, "headers": {"a": 1}},
        {"status": 200, "headers": {1: "a"}},
        {"status": 200, "headers": [("a", "b")]},
        {"status": 200, "trailers": {"a": 1}},
        {"status": 200, "trailers": {1: "a"}},
        {"status": 200, "trailers": [("a", "b")]},
    ],
)
def test_what_is_no_answer_is_refused(answer: Any) -> None:  # noqa: ANN401 - anything
    # Compiled, a response does not even take values of other types.
    with pytest.raises((Unwritable, TypeError)):
        check_answer(Response(**answer) if isinstance(answer, dict) else answer)


@pytest.mark.parametrize(
    ("own", "free", "may"),
    [
        (0, 16, True),
        (0, 1, True),
        (0, 0, False),
        (1, 2, True),
        (1, 1, False),
        (7, 8, True),
        (8, 8, False),
        (8, 9, True),
    ],
)
def test_a_call_may_begin_while_more_places_are_free_than_its_caller_has(
    own: int, free: int, *, may: bool
) -> None:
    assert may_begin(own, free) is may


@pytest.mark.parametrize("places", range(2, limits.SLOW_CALLS_CEILING + 1))
def test_however_many_places_there_are_one_caller_leaves_one(places: int) -> None:
    own = 0
    while may_begin(own, places - own):
        own += 1
    assert own == (places + 1) // 2
    assert own < places


@pytest.mark.parametrize(
    ("waiting", "turns_ns", "place"),
    [
        ([("a", 5)], {}, 0),
        ([("a", 5), ("a", 3), ("a", 4)], {"a": 9}, 1),
        ([("a", 1), ("a", 2), ("b", 3)], {"a": 9, "b": 8}, 2),
        ([("a", 1), ("b", 3)], {"a": 9}, 1),
        ([("a", 4), ("b", 4)], {}, 0),
    ],
)
def test_callers_take_turns_and_then_the_calls_of_each(
    waiting: Sequence[tuple[str, int]], turns_ns: Mapping[str, int], place: int
) -> None:
    assert next_turn([Waiting(*each) for each in waiting], turns_ns) == place


def test_a_caller_with_many_calls_has_no_more_turns_than_one_with_one() -> None:
    waiting = [Waiting("many", number) for number in range(8)] + [Waiting("one", 8)]
    turns_ns: dict[str, int] = {}
    had: list[str] = []
    for now_ns in range(10, 30):
        chosen = waiting.pop(next_turn(waiting, turns_ns))
        turns_ns[chosen.caller] = now_ns
        had.append(chosen.caller)
        waiting.append(Waiting(chosen.caller, now_ns))
    assert had.count("one") == had.count("many")


@pytest.mark.parametrize(
    ("taking", "place"),
    [
        ([("a", 1)], 0),
        ([("a", 1), ("b", 2)], 1),
        ([("a", 3), ("b", 2), ("b", 2)], 1),
        ([("a", 5), ("b", 2), ("b", 2)], 0),
        ([("a", 3), ("b", 1), ("b", 4), ("b", -1)], 2),
    ],
)
def test_the_largest_call_of_the_largest_caller_is_ended(
    taking: Sequence[tuple[str, int]], place: int
) -> None:
    assert largest([Taking(*each) for each in taking]) == place


@dataclass
class Room:
    """Places for slow calls."""

    free: int
    free_to_hang: int = 16


def test_who_has_slow_calls_is_counted_until_they_are_over() -> None:
    shares, last_place = CallShares(), Room(free=1)
    quiet = [shares.is_quiet]
    shares.began("a")
    quiet.append(shares.is_quiet)
    assert not shares.may_begin("a", last_place, in_python=True)
    assert shares.may_begin("b", last_place, in_python=True)
    shares.ended("a")
    quiet.append(shares.is_quiet)
    assert shares.may_begin("a", last_place, in_python=True)
    assert quiet == [True, False, True]


def test_calls_that_may_hang_have_places_of_their_own() -> None:
    shares = CallShares()
    shares.began("a")
    room = Room(free=9, free_to_hang=1)
    assert not shares.may_begin("a", room, in_python=True)
    assert shares.may_begin("a", room, in_python=False)
    assert shares.may_begin("b", room, in_python=True)
    assert not shares.may_begin("b", Room(free=9, free_to_hang=0), in_python=True)


SOMEBODY = "somebody at 10.0.0.1"
CERTIFICATE: Any = None
USER = UserCertCaller(user_id=UserId("u1"))
TOKEN = JwtCaller(key_issuer="issuer", header={}, payload={"sub": "ann"})


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        (USER, "user u1"),
        (MemberCertCaller(member_id=MemberId("m1")), "member m1"),
        (TOKEN, "subject 'ann' of issuer"),
        (AppCaller(policy="key", id="ann", data={"x": 1}), "key ann"),
        (CallerOfAll(policy="a+b", identities={"a": Nobody(), "b": USER}), "user u1"),
        (CallerOfAll(policy="a", identities={"a": Nobody()}), SOMEBODY),
        (None, SOMEBODY),
        (Nobody(), SOMEBODY),
        (AnyCertCaller(certificate=CERTIFICATE), SOMEBODY),
        (NodeCertCaller(node_id=NodeId("n1")), SOMEBODY),
    ],
)
def test_a_caller_is_who_is_vouched_for_or_else_an_address(
    identity: Identity | None, name: str
) -> None:
    assert caller_named(identity, "10.0.0.1") == name


@pytest.mark.parametrize(
    ("origin", "place"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("node n1", "node n1"),
        ("", ""),
    ],
)
def test_a_network_of_version_6_is_one_place(origin: str, place: str) -> None:
    assert caller_named(None, origin) == f"somebody at {place}"


def test_what_a_node_does_by_itself_has_a_caller_too() -> None:
    assert caller_of(None) == THE_NODE
