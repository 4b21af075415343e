"""A host that serves wrong, stale, cut or reordered entries is refused, and it is said.

Nothing that it can do makes a state other than what was committed; the worst is that
nothing comes.
"""

from collections.abc import Callable

import pytest

from ccfpy.base.ids import Seqno
from ccfpy.ledger.secrets import LedgerSecret
from tests.unit.ledger.made import SECOND, MadeLedger
from tests.unit.node.history.world import Story, World, recovered

LAST = recovered().last
Lie = Callable[[World], None]


def _another(world: World) -> None:
    world.lies[5] = world.entries[6]


def _swapped(world: World) -> None:
    world.lies[5], world.lies[6] = world.entries[6], world.entries[5]


def _shifted(world: World) -> None:
    for seqno in range(5, LAST):
        world.lies[seqno] = world.entries[seqno + 1]


def _cut(world: World) -> None:
    world.lies[5] = world.entries[5][:-1]


def _empty(world: World) -> None:
    world.lies[5] = b""


def _changed(world: World) -> None:
    data = bytearray(world.entries[5])
    data[-1] ^= 1
    world.lies[5] = bytes(data)


def _missing(world: World) -> None:
    world.lies[5] = None


def _ends_early(world: World) -> None:
    for seqno in range(5, LAST + 1):
        world.lies[seqno] = None


def _of_another_service(world: World) -> None:
    foreign = Story(ledger=MadeLedger(identity=SECOND))
    foreign.ledger.secret = LedgerSecret(raw=b"?" * 32)
    foreign.say(*["text"] * 10)
    world.lies[5] = foreign.ledger.entries[4].data


def _of_a_fork(world: World) -> None:
    """What a former primary of this very service wrote, and lost."""
    lost = Story()
    lost.ledger.view = 3
    lost.say(*["text"] * 10)
    world.lies[5] = lost.ledger.entries[4].data


def _wrong_signature(world: World) -> None:
    world.lies[7] = world.entries[4]


def _changed_signature(world: World) -> None:
    data = bytearray(world.entries[7])
    data[200] ^= 1
    world.lies[7] = bytes(data)


def _signature_missing(world: World) -> None:
    world.lies[7] = None


LIES = [
    _another,
    _swapped,
    _shifted,
    _cut,
    _empty,
    _changed,
    _missing,
    _ends_early,
    _of_another_service,
    _of_a_fork,
    _wrong_signature,
    _changed_signature,
    _signature_missing,
]


@pytest.mark.parametrize("lie", LIES)
def test_nothing_is_made_of_a_lie_and_the_truth_is_taken_afterwards(lie: Lie) -> None:
    world = World(recovered())
    lie(world)
    for _ in range(3):
        assert world.cache.state_at("a", 5) is None
        world.work()
        assert world.cache.is_settled("a")

    world.lies.clear()
    world.cache.state_at("a", 5)
    world.work()
    state = world.cache.state_at("a", 5)

    assert state is not None
    assert state.writes["messages"] == {b"1": b"old one"}
    state.receipt.json_receipt.verify(SECOND.certificate)


@pytest.mark.parametrize("lie", LIES)
def test_a_range_with_a_lie_in_it_does_not_come(lie: Lie) -> None:
    world = World(recovered())
    lie(world)
    world.cache.states_range("a", 1, LAST)
    world.work()

    assert world.cache.states_range("a", 1, LAST) is None


@pytest.mark.parametrize(
    ("lie", "says"),
    [
        (_another, "it claims to be 5 but is actually 2.6"),
        (_cut, "bytes"),
        (_changed, "tag"),
        (_of_a_fork, "it comes from a fork: it contains 3.5"),
        (_changed_signature, "seqno 7"),
    ],
)
def test_what_was_wrong_is_logged_without_its_contents(lie: Lie, says: str) -> None:
    world = World(recovered())
    lie(world)
    world.cache.state_at("a", 5)

    complaint, *_ = world.complaints()

    assert complaint.startswith("Corrupt ledger entry received for seqno ")
    assert says in complaint
    assert "old one" not in complaint


def test_a_signature_that_was_hidden_is_found_when_the_host_is_honest() -> None:
    """It was taken for something else while one looked for it."""
    world = World(recovered())
    world.lies[7] = world.entries[6]
    world.cache.state_at("a", 5)
    assert world.complaints() == [
        (
            "Corrupt ledger entry received for seqno 5: the signature at 4.9 does not "
            "cover entry 5"
        )
    ]

    world.lies.clear()
    world.cache.state_at("a", 5)
    world.work()
    assert world.cache.state_at("a", 5) is not None


@pytest.mark.parametrize(("seqno", "lied"), [(6, 5), (12, 5), (1, 12)])
def test_others_get_what_they_want_meanwhile(seqno: Seqno, lied: Seqno) -> None:
    world = World(recovered())
    world.lies[lied] = b"?"
    world.cache.state_at("honest", seqno)
    world.cache.state_at("lied to", lied)
    world.work()

    assert world.cache.state_at("honest", seqno) is not None
    assert world.cache.state_at("lied to", lied) is None
