"""A service of two members that was lost, and a node in its place."""

from dataclasses import replace

from apps.logging.app import app
from ccfpy.base.errors import VerificationFailed
from ccfpy.console.signing import Pen
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import recover_alone
from tests.unit.client.hosted import CONSTITUTION, PersonsSigner

ALICE = Person.make("alice", can_recover=True)
BOB = Person.make("bob", can_recover=True)
NAMES = {ALICE.id: "alice", BOB.id: "bob"}


class PersonsOpener:
    """Opens shares with a person's key."""

    def __init__(self, person: Person) -> None:
        assert person.encryption_key is not None
        self._key = person.encryption_key

    async def decrypt(self, wrapped: bytes) -> bytes:
        try:
            return self._key.unwrap(wrapped)
        except ValueError as error:
            raise VerificationFailed(str(error)) from error


def pen_of(person: Person, opens_as: Person | None = None) -> Pen:
    """Return a pen that signs without asking, and opens shares if it says whose."""
    opener = None if opens_as is None else PersonsOpener(opens_as)
    return Pen(
        name=NAMES[person.id],
        signer=PersonsSigner(person),
        confirm=None,
        opener=opener,
    )


def recovering_node() -> InProcessNode:
    """Return a node that has the public state, and needs both members' shares."""
    members = (ALICE, BOB)
    lost = InProcessNode(app, constitution=CONSTITUTION, members=members)
    lost.open_service()
    lost.propose({"name": "set_recovery_threshold", "args": {"recovery_threshold": 2}})
    for _ in range(10):
        lost.advance(100)
    return recover_alone(
        lost.remains(),
        app,
        members=members,
        # The console takes the time of this machine, which is later than the node's.
        configure=lambda made: replace(made, created_at_ahead_max_ms=10**12),
    )
