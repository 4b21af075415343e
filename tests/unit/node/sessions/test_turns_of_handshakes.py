"""Turns of handshakes: in which step each is served, beside requests and each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.boundary.events import SessionData, Woken
from ccfpy.node.sessions.sessions import Turns
from ccfpy.testing.node import InProcessNode, listener
from tests.attacks import attack
from tests.unit.node.watched import GET, Newcomer, Watched, hello, new_connection


@pytest.fixture
def watched(node: InProcessNode) -> Watched:
    return Watched(node)


@attack("fairness: a thousand handshakes at once")
def test_a_step_shakes_so_many_hands_and_answers_who_is_ready(
    watched: Watched,
) -> None:
    honest = watched.node.connect()
    hellos = [hello(watched.node) for _ in range(5 * limits.STEP_HANDSHAKES_MAX)]
    watched.step(*hellos, watched.say(honest, GET))
    assert watched.answers(honest) == 1
    assert len(watched.sent) == limits.STEP_HANDSHAKES_MAX
    for turn in range(2, 6):
        watched.step(Woken(), watched.say(honest, GET))
        assert watched.answers(honest) == 1
        assert len(watched.sent) == turn * limits.STEP_HANDSHAKES_MAX
    assert all(watched.sent[each.session] for each in hellos)


@attack("fairness: a thousand handshakes at once")
def test_no_hand_is_shaken_before_the_node_has_heard_what_the_host_had_to_say(
    watched: Watched,
) -> None:
    honest = watched.node.connect()
    hellos = [hello(watched.node) for _ in range(3 * limits.STEP_HANDSHAKES_MAX)]
    most = limits.STEP_HANDSHAKES_MAX
    watched.step(*hellos[: 2 * most])
    assert len(watched.sent) == most
    # The host asked for nothing yet: this is what it had to say before.
    watched.step(*hellos[2 * most :], watched.say(honest, GET))
    assert watched.answers(honest) == 1
    assert len(watched.sent) == most
    watched.step(watched.say(honest, GET))
    assert watched.answers(honest) == 1
    assert len(watched.sent) == most
    watched.wake()
    assert len(watched.sent) == 2 * most
    watched.finish()
    assert len(watched.sent) == 3 * most


@attack("fairness: a thousand handshakes at once")
def test_the_first_of_many_clients_is_served_before_the_hello_of_the_last(
    watched: Watched,
) -> None:
    count = 8 * limits.STEP_HANDSHAKES_MAX
    clients = [Newcomer(watched.node) for _ in range(count)]
    watched.step(*(client.said() for client in clients))
    served: dict[int, int] = {}
    while len(served) < count:
        for at, client in enumerate(clients):
            if event := client.reply(watched.sent.pop(client.session, b"")):
                watched.step(event)
            if client.is_served:
                served.setdefault(at, watched.steps)
        if watched.is_to_wake:
            watched.wake()
    assert list(served) == list(range(count)), "in the order of their hellos"
    begun = limits.STEP_HANDSHAKES_MAX // 2
    assert served[begun] < served[count - 1] / 2


@attack("fairness: handshakes that go on and on")
def test_clients_whose_handshakes_go_on_and_on_leave_half_the_turns_to_others(
    watched: Watched,
) -> None:
    hostile = [hello(watched.node) for _ in range(4 * limits.STEP_HANDSHAKES_MAX)]
    said = {event.session: iter(event.data) for event in hostile}

    def dribble() -> list[SessionData]:
        return [
            SessionData(session=session, data=bytes([next(rest)]))
            for session, rest in said.items()
        ]

    watched.step(*dribble())
    watched.finish()
    honest = [hello(watched.node) for _ in range(limits.STEP_HANDSHAKES_MAX)]
    watched.step(*dribble(), *honest)
    for _ in range(2):
        watched.step(*dribble())
        watched.wake()
    assert watched.sent.keys() == {event.session for event in honest}


@given(
    st.lists(
        st.tuples(st.sets(st.integers(0, 11)), st.booleans(), st.integers(0, 11)),
        max_size=30,
    )
)
def test_every_handshake_has_its_turn_after_at_most_those_that_waited(
    steps: list[tuple[set[int], bool, int]],
) -> None:
    """Clients say something, or end, in any order; the host answers now and then."""
    turns, interface = Turns(), listener()
    clients = [new_connection(interface, number) for number in range(12)]
    waited: dict[int, int] = {}

    def step(*, has_heard_all: bool) -> None:
        taken = turns.take(has_served=False, has_heard_all=has_heard_all)
        assert len(taken) <= (limits.STEP_HANDSHAKES_MAX if has_heard_all else 0)
        for client in taken:
            client.received += 1
            # As many of the other queue had turns as of those before it in its own.
            assert waited.pop(client.session.id) < 2 * len(clients)
        for session in waited:
            waited[session] += len(taken)

    for speaking, has_heard_all, ending in steps:
        for number in speaking:
            client = clients[number]
            if not client.has_ended:
                turns.put(client)
                waited.setdefault(client.session.id, 0)
        clients[ending].has_ended = True
        waited.pop(clients[ending].session.id, None)
        step(has_heard_all=has_heard_all)
    while turns.waiting:
        step(has_heard_all=True)
    assert not waited
