"""A member's keys change while the service runs, in every order of the steps."""

import asyncio
from collections.abc import Sequence

import pytest

from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError
from ccfpy.client.governance import CreatedAt
from ccfpy.client.membership import NotDecided
from ccfpy.client.rotation import Rotation
from ccfpy.testing.node import GOV_VERSION, START_UNIX_US, InProcessNode, Person
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import PersonsSigner, answering, hosted

ALICE = Person.make("alice", can_recover=True)
NEW_ALICE = Person.make("new alice", can_recover=True)
BOB = Person.make("bob", can_recover=True)
CAROL = Person.make("carol")


class Desk:
    """Where Alice changes her keys."""

    def __init__(self, serve: Serve, service_pem: str, *members: Person) -> None:
        self.node: InProcessNode = hosted(*members)
        self._serve = serve
        self._service_pem = service_pem
        # Later than what members signed to open the service, and not too far ahead of
        # the node's clock, which stands still while nothing happens.
        self._created_at = CreatedAt(lambda: self._node_unix_s() + 60)

    def _node_unix_s(self) -> float:
        return START_UNIX_US / 1_000_000 + self.node.now_ms / 1000

    def rotate(
        self,
        new: Person = NEW_ALICE,
        *,
        key: str | None = None,
        voters: Sequence[Person] = (),
        old: Person = ALICE,
    ) -> list[str]:
        said: list[str] = []

        async def rotated() -> None:
            async with self._serve(answering(self.node)) as url:
                pem = self._service_pem
                async with Connection(url, service_certificate=pem) as connection:
                    await Rotation(
                        connection,
                        old=PersonsSigner(old),
                        new=PersonsSigner(new),
                        encryption_public_key=key,
                        voters=[PersonsSigner(voter) for voter in voters],
                        say=said.append,
                        created_at=self._created_at,
                    ).carry_out()

        asyncio.run(rotated())
        return said

    def read(self, path: str) -> JsonObject:
        reply = self.node.request("GET", f"/gov/{path}?api-version={GOV_VERSION}")
        assert reply.status == 200, reply
        return json.loads_object(reply.body)

    def members(self) -> dict[str, JsonObject]:
        listed = self.read("service/members")["value"]
        assert isinstance(listed, list)
        return {str(it["memberId"]): it for it in listed if isinstance(it, dict)}

    def proposals(self) -> list[str]:
        """Return the ids of proposals that are still open."""
        listed = self.read("members/proposals")["value"]
        assert isinstance(listed, list)
        return [
            str(it["proposalId"])
            for it in listed
            if isinstance(it, dict) and it["proposalState"] == "Open"
        ]

    def vote(self, voter: Person) -> None:
        (name,) = self.proposals()
        ballot: JsonObject = {"ballot": "export const vote = () => true"}
        path = f"members/proposals/{name}/ballots/{voter.id}:submit"
        reply = self.node.govern(voter, path, "ballot", ballot, proposal_id=name)
        assert reply.status == 200, reply


def key_of(person: Person) -> str:
    assert person.encryption_key is not None
    return person.encryption_key.public_key.pem


def test_a_member_alone_becomes_another(serve: Serve, service_pem: str) -> None:
    desk = Desk(serve, service_pem, ALICE)
    data: JsonObject = {"member_id": ALICE.id, "member_data": {"role": "chair"}}
    desk.node.propose({"name": "set_member_data", "args": data})
    said = desk.rotate(key=key_of(NEW_ALICE))
    assert said == [
        f"member {NEW_ALICE.id[:8]} is accepted",
        f"member {NEW_ALICE.id[:8]} is active with its new keys",
        f"member {ALICE.id[:8]} is removed",
    ]
    (name,) = desk.members()
    assert name == NEW_ALICE.id
    member = desk.members()[name]
    assert member["status"] == "Active"
    assert member["memberData"] == {"role": "chair"}
    assert member["publicEncryptionKey"] == key_of(NEW_ALICE)
    share = desk.read(f"recovery/encrypted-shares/{name}")
    assert share["encryptedShare"]


def test_what_is_done_is_not_done_again(serve: Serve, service_pem: str) -> None:
    desk = Desk(serve, service_pem, ALICE)
    desk.rotate(key=key_of(NEW_ALICE))
    before = desk.members()
    assert len(desk.rotate(key=key_of(NEW_ALICE))) == 2
    assert desk.members() == before


@pytest.mark.slow
def test_the_encryption_key_alone_may_stay_or_change(
    serve: Serve, service_pem: str
) -> None:
    desk = Desk(serve, service_pem, ALICE)
    desk.rotate(key=None)
    assert desk.members()[NEW_ALICE.id]["publicEncryptionKey"] == key_of(ALICE)
    said = desk.rotate(old=NEW_ALICE, new=NEW_ALICE, key=key_of(BOB))
    assert len(said) == 2
    member = desk.members()[NEW_ALICE.id]
    assert (member["status"], member["publicEncryptionKey"]) == ("Active", key_of(BOB))


@pytest.mark.slow
def test_others_vote_when_they_come_to_it(serve: Serve, service_pem: str) -> None:
    desk = Desk(serve, service_pem, ALICE, BOB, CAROL)
    with pytest.raises(NotDecided, match=r"\(set_member\) is Open after 1 ballots"):
        desk.rotate(key=key_of(NEW_ALICE))
    with pytest.raises(NotDecided, match="set_member"):
        desk.rotate(key=key_of(NEW_ALICE))
    assert len(desk.proposals()) == 1
    assert set(desk.members()) == {ALICE.id, BOB.id, CAROL.id}
    desk.vote(BOB)
    # The old and the new are two of four now, which is no majority.
    with pytest.raises(NotDecided, match=r"\(remove_member\) is Open after 2"):
        desk.rotate(key=key_of(NEW_ALICE))
    assert set(desk.members()) == {ALICE.id, NEW_ALICE.id, BOB.id, CAROL.id}
    desk.vote(BOB)
    assert desk.rotate(key=key_of(NEW_ALICE))[-1].endswith("is removed")
    assert set(desk.members()) == {NEW_ALICE.id, BOB.id, CAROL.id}


def test_others_whose_keys_are_here_vote_at_once(
    serve: Serve, service_pem: str
) -> None:
    desk = Desk(serve, service_pem, ALICE, BOB)
    desk.rotate(key=key_of(NEW_ALICE), voters=[BOB])
    assert set(desk.members()) == {NEW_ALICE.id, BOB.id}


def test_an_open_proposal_is_decided_by_the_votes_that_are_here(
    serve: Serve, service_pem: str
) -> None:
    desk = Desk(serve, service_pem, ALICE, BOB)
    with pytest.raises(NotDecided):
        desk.rotate(key=key_of(NEW_ALICE))
    desk.rotate(key=key_of(NEW_ALICE), voters=[BOB])
    assert set(desk.members()) == {NEW_ALICE.id, BOB.id}


def test_a_stranger_is_told_so(serve: Serve, service_pem: str) -> None:
    desk = Desk(serve, service_pem, ALICE)
    with pytest.raises(ClientError, match="has no member"):
        desk.rotate(old=BOB)
