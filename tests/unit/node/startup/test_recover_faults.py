"""Faults in the remains of a service: a node never accepts a wrong remnant.

Each test is a row: a fault and its result. A recovery loses only what the fault took;
the lost service had signed everything that is recovered.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ccfpy.base import json
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.signature import is_signature
from ccfpy.node.lifecycle import NodeState
from ccfpy.node.node import RECOVERY_REFUSED
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, share_of, submit_share
from ccfpy.testing.surroundings import Remains
from tests.attacks import attack
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.fault_rows import Part, row
from tests.unit.node.recovered import read, state, status, wait, write

if TYPE_CHECKING:
    from ccfpy.base.json import Json


Make = Callable[[], InProcessNode]
THRESHOLD = 2
FAILED = 500


def life(node: InProcessNode, alice: Person) -> Remains:
    """Run a service that two members' shares bring back."""
    node.open_service(alice)
    threshold: Json = {"recovery_threshold": THRESHOLD}
    node.propose({"name": "set_recovery_threshold", "args": threshold})
    for i in range(4):
        write(node, alice, **{f"a{i}": f"secret {i}"})
        wait(node)
    return node.remains()


@pytest.fixture(scope="module")
def remains(members: tuple[Person, ...], alice: Person) -> Remains:
    node = InProcessNode(NotesApp(), constitution=CONSTITUTION, members=members)
    return replace(life(node, alice), snapshots={})


@pytest.fixture
def waiting(remains: Remains, members: tuple[Person, ...]) -> InProcessNode:
    node = recover_alone(remains, NotesApp(), members=members)
    assert ask_for_shares(node).status == 200
    return node


def signatures(entries: Sequence[bytes]) -> list[int]:
    """Return the seqnos of the signatures."""
    return [
        seqno
        for seqno, data in enumerate(entries, 1)
        if is_signature(Transaction.parse(data).domain.write_set)
    ]


def recovered_to(node: InProcessNode) -> int:
    assert node.host.recovered_to is not None
    return node.host.recovered_to


# The ledger


@pytest.mark.parametrize("part", range(8))
def test_an_entry_that_is_missing_ends_what_is_recovered(
    remains: Remains, members: tuple[Person, ...], part: int
) -> None:
    entries = list(remains.entries)
    missing = 2 + part * (len(entries) - 2) // 8
    del entries[missing - 1]
    node = recover_alone(
        replace(remains, entries=tuple(entries)), NotesApp(), members=members
    )
    kept = [seqno for seqno in signatures(remains.entries) if seqno < missing]
    if not kept:
        assert node.host.stop is not None
        assert node.host.stop.exit_code == RECOVERY_REFUSED
        return
    assert recovered_to(node) == kept[-1]
    assert node.host.entries[: kept[-1]] == list(remains.entries[: kept[-1]])


@pytest.mark.parametrize("part", range(8))
def test_a_byte_that_is_changed_ends_what_is_recovered(
    remains: Remains, members: tuple[Person, ...], part: int
) -> None:
    """Wherever it is: in the public part, in the private one, or in a header."""
    entries = list(remains.entries)
    seqno = 3 + part * (len(entries) - 3) // 8
    data = bytearray(entries[seqno - 1])
    data[part * (len(data) - 1) // 7] ^= 0x40
    entries[seqno - 1] = bytes(data)
    node = recover_alone(
        replace(remains, entries=tuple(entries)), NotesApp(), members=members
    )
    kept = [each for each in signatures(remains.entries) if each < seqno]
    assert recovered_to(node) == kept[-1]


def test_an_end_that_is_held_back_is_lost_and_nothing_else(
    remains: Remains, members: tuple[Person, ...]
) -> None:
    """Nobody could tell from this ledger alone; operators compare several."""
    shorter = signatures(remains.entries)[-2]
    node = recover_alone(
        replace(remains, entries=remains.entries[:shorter]),
        NotesApp(),
        members=members,
    )
    assert recovered_to(node) == shorter
    assert ask_for_shares(node).status == 200
    for member in members[:THRESHOLD]:
        assert submit_share(node, member).status == 200
    wait(node)
    assert read(node, "a0") == "secret 0"


def test_the_ledger_of_another_service_is_not_the_one_that_members_want(
    remains: Remains, members: tuple[Person, ...], alice: Person
) -> None:
    other = life(
        InProcessNode(NotesApp(), constitution=CONSTITUTION, members=members, seed=7),
        alice,
    )
    swapped = replace(remains, entries=other.entries)
    node = recover_alone(swapped, NotesApp(), members=members)
    asked = ask_for_shares(node)
    assert asked.status == FAILED
    assert b"Previous service identity does not match" in asked.body
    assert status(node) == "Recovering"


@row(
    Part.LEDGER,
    "entries of another service follow those of this one",
    "All entries up to the last signature before the other service's entries are "
    "recovered.",
)
def test_a_ledger_that_goes_on_with_another_services_entries_ends_before_them(
    remains: Remains, members: tuple[Person, ...], alice: Person
) -> None:
    other = life(
        InProcessNode(NotesApp(), constitution=CONSTITUTION, members=members, seed=7),
        alice,
    )
    at = signatures(remains.entries)[2]
    mixed = remains.entries[:at] + other.entries[at:]
    node = recover_alone(replace(remains, entries=mixed), NotesApp(), members=members)
    assert recovered_to(node) == at


# Shares


@attack("ledger: one share too few")
@row(
    Part.SHARES,
    "members submit one share too few",
    "The service waits. The answer says how many shares were submitted, and how many "
    "are needed.",
)
def test_one_share_too_few_opens_nothing(
    waiting: InProcessNode, members: tuple[Person, ...]
) -> None:
    answer = json.loads_object(submit_share(waiting, members[0]).body)
    assert (answer["submittedCount"], answer["recoveryThreshold"]) == (1, THRESHOLD)
    wait(waiting)
    assert state(waiting)["state"] == NodeState.PART_OF_PUBLIC_NETWORK


@attack("ledger: one share twice")
@row(
    Part.SHARES,
    "a member submits the same share twice",
    "The share counts once.",
)
def test_a_share_handed_in_twice_counts_once(
    waiting: InProcessNode, members: tuple[Person, ...]
) -> None:
    for _ in range(2):
        answer = json.loads_object(submit_share(waiting, members[0]).body)
        assert answer["submittedCount"] == 1
    wait(waiting)
    assert state(waiting)["state"] == NodeState.PART_OF_PUBLIC_NETWORK


@row(
    Part.SHARES,
    "two members submit one share",
    "The second member's request is answered with an error, and nothing is opened.",
)
def test_a_share_that_two_members_hand_in_opens_nothing(
    waiting: InProcessNode, members: tuple[Person, ...]
) -> None:
    share = share_of(waiting, members[0])
    assert submit_share(waiting, members[0], share).status == 200
    assert submit_share(waiting, members[1], share).status == FAILED
    wait(waiting)
    assert state(waiting)["state"] == NodeState.PART_OF_PUBLIC_NETWORK


@pytest.mark.slow
@attack("ledger: shares of an older secret")
@row(
    Part.SHARES,
    "members submit shares of another ledger secret, before a rekey or after",
    "The request with the last share that is needed is answered with an error. "
    "Members start over with the right shares, and all state is recovered.",
)
def test_shares_of_another_time_open_nothing_and_members_start_over(
    waiting: InProcessNode,
    members: tuple[Person, ...],
    make_node: Make,
    alice: Person,
) -> None:
    """They fit each other, and another secret."""
    node = make_node()
    node.open_service(alice)
    threshold: Json = {"recovery_threshold": THRESHOLD}
    node.propose({"name": "set_recovery_threshold", "args": threshold})
    node.propose({"name": "trigger_ledger_rekey"})
    old = [share_of(node, member) for member in members]
    assert submit_share(waiting, members[0], old[0]).status == 200
    assert submit_share(waiting, members[1], old[1]).status == FAILED
    wait(waiting)
    assert state(waiting)["state"] == NodeState.PART_OF_PUBLIC_NETWORK
    for member in members[1:]:
        assert submit_share(waiting, member).status == 200
    wait(waiting)
    assert status(waiting) == "Open"
    assert read(waiting, "a3") == "secret 3"


@attack("ledger: a share for another member")
@row(
    Part.SHARES,
    "a member submits a share for another member",
    "The request is refused.",
)
def test_nobody_hands_in_a_share_for_another(
    waiting: InProcessNode, members: tuple[Person, ...]
) -> None:
    path = f"recovery/members/{members[1].id}:recover"
    answer = waiting.govern(members[0], path, "recovery_share", {"share": "AAAA"})
    assert 400 <= answer.status < FAILED


@attack("ledger: a forged share")
@row(
    Part.SHARES,
    "a forged share looks like a share of a recovery owner",
    "The request is answered with an error, and nothing is opened.",
)
def test_a_share_that_passes_for_the_whole_key_opens_nothing(
    waiting: InProcessNode, members: tuple[Person, ...]
) -> None:
    """An owner's share has the index 0, and would do alone."""
    assert submit_share(waiting, members[0], bytes(44)).status == FAILED
    wait(waiting)
    assert state(waiting)["state"] == NodeState.PART_OF_PUBLIC_NETWORK


@row(
    Part.SHARES,
    "members remove a recovery member, or rekey the ledger, before the private state "
    "is recovered",
    "The proposal fails, because new shares would not open the lost state.",
)
def test_recovery_members_stay_while_their_shares_are_wanted(
    waiting: InProcessNode, members: tuple[Person, ...]
) -> None:
    """New shares would be of a secret that does not open the lost state."""
    actions: list[Json] = [
        {"name": "remove_member", "args": {"member_id": members[2].id}},
        {"name": "trigger_ledger_rekey"},
    ]
    for action in actions:
        decided = waiting.propose(action)
        assert decided.status == FAILED
        assert b"Cannot rekey ledger while the service is not open" in decided.body
