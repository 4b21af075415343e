"""In the end every node shows every committed write, in its place and once."""

import pytest

from ccfpy.base.ids import TxId
from ccfpy.consensus.status import TxStatus
from tests.lab.consistency.history import Answered, Event, GivenUp, Op, Sent, StatusSeen
from tests.lab.consistency.last_reads import LAST, LAST_HERE, check_last_reads
from tests.lab.consistency.linearizable import NOT_EQUAL
from tests.lab.consistency.properties import Inconsistent, Property

NODES = ("n0", "n1")


class Story:
    """A history that is told call by call."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._ops = 0

    def send(self, key: str = "k", *, client: str = "c", node: str = "n0") -> Op:
        self._ops += 1
        is_write = client not in (LAST, LAST_HERE)
        self.events.append(
            Sent(
                at_us=0,
                client=client,
                node=node,
                op=self._ops,
                key=key,
                is_write=is_write,
            )
        )
        return self._ops

    def answer(self, op: Op, *tail: Op, count: int | None = None) -> None:
        txid = TxId(2, op)
        self.events.append(
            Answered(
                at_us=0,
                client="c",
                node="n0",
                op=op,
                txid=txid,
                count=len(tail) if count is None else count,
                tail=tail,
            )
        )
        self.events.append(
            StatusSeen(
                at_us=0, client="c", node="n0", txid=txid, status=TxStatus.COMMITTED
            )
        )

    def give_up(self, op: Op, reason: str) -> None:
        self.events.append(
            GivenUp(at_us=0, client="c", node="n0", op=op, reason=reason)
        )

    def read(self, node: str, *tail: Op, count: int | None = None) -> None:
        for client in (LAST, LAST_HERE):
            self.read_as(client, node, *tail, count=count)

    def read_as(
        self, client: str, node: str, *tail: Op, count: int | None = None
    ) -> None:
        self.answer(self.send(client=client, node=node), *tail, count=count)

    def broken(self) -> Property:
        with pytest.raises(Inconsistent) as error:
            check_last_reads(self.events, NODES)
        return error.value.broken


@pytest.fixture
def two() -> Story:
    """A list with two committed writes, the first of which is number 1."""
    story = Story()
    for number in (1, 2):
        story.answer(story.send(), *range(1, number + 1))
    return story


def test_every_node_shows_every_write(two: Story) -> None:
    for node in NODES:
        two.read(node, 1, 2)
    assert check_last_reads(two.events, NODES) == 1


def test_a_write_that_was_answered_is_not_lost(two: Story) -> None:
    two.read("n0", 1, 2)
    two.read("n1", 1)
    assert two.broken() is Property.LAST_READ_COMPLETE


def test_a_write_stands_in_its_place(two: Story) -> None:
    two.read("n0", 2, 1)
    assert two.broken() is Property.LAST_READ_COMPLETE


def test_a_register_shows_how_many_writes_it_had(two: Story) -> None:
    for node in NODES:
        two.read(node, 2, count=2)
    assert check_last_reads(two.events, NODES) == 1
    two.read("n0", 2, count=1)
    assert two.broken() is Property.LAST_READ_COMPLETE


@pytest.mark.parametrize("reason", [NOT_EQUAL, "no answer"])
def test_no_more_is_shown_than_can_have_happened(two: Story, reason: str) -> None:
    op = two.send()
    two.give_up(op, reason)
    for node in NODES:
        two.read(node, 1, 2, op)
    if reason == NOT_EQUAL:
        assert two.broken() is Property.LAST_READ_ONCE
    else:
        assert check_last_reads(two.events, NODES) == 1


def test_a_write_is_there_once(two: Story) -> None:
    two.read("n0", 1, 2, 2)
    assert two.broken() is Property.LAST_READ_ONCE


def test_all_nodes_show_the_same(two: Story) -> None:
    ops = [two.send(), two.send()]
    for op in ops:
        two.give_up(op, "no answer")
    two.read("n0", 1, 2, ops[0])
    two.read("n1", 1, 2, ops[1])
    assert two.broken() is Property.LAST_READ_SAME


def test_every_object_is_read_on_every_node(two: Story) -> None:
    two.read("n0", 1, 2)
    assert two.broken() is Property.LAST_READ_COMPLETE


@pytest.mark.parametrize("client", [LAST, LAST_HERE])
def test_nodes_are_read_for_the_latest_and_for_what_they_have(
    two: Story, client: str
) -> None:
    for node in NODES:
        two.read_as(client, node, 1, 2)
    assert two.broken() is Property.LAST_READ_COMPLETE
