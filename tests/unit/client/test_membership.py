import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError, ServiceError
from ccfpy.client.governance import CreatedAt
from ccfpy.client.keys import FileSigner, KeyFiles, generate_keys
from ccfpy.client.membership import Membership, NotDecided, Rotation
from ccfpy.crypto.ec import Curve
from ccfpy.testing.node import GOV_VERSION, START_UNIX_US, InProcessNode, Person
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import PersonsSigner, answering, hosted
from tests.unit.client.networked import PROPOSAL, Service, node_id


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    files = KeyFiles(folder=tmp_path, name="member0")
    generate_keys(files, curve=Curve.SECP256R1, with_encryption_key=False)
    return FileSigner.load(files)


@pytest.fixture
def service(service_pem: str) -> Service:
    """A service of two nodes, of which the second has asked to join."""
    return Service(certificate=service_pem, statuses={"a": "Trusted", "b": "Pending"})


def _change(
    serve: Serve,
    service: Service,
    work: Callable[[Membership], Awaitable[None]],
    *,
    timeout_s: float = 60,
) -> list[str]:
    said: list[str] = []

    async def changed() -> None:
        async with serve(service.answer) as url:
            service.address = url.removeprefix("https://")
            membership = Membership(
                [url],
                service_certificate=service.certificate,
                say=said.append,
                timeout_s=timeout_s,
            )
            await work(membership)

    asyncio.run(changed())
    return said


def test_a_node_is_trusted_by_vote_and_waited_for(
    serve: Serve, service: Service, signer: FileSigner
) -> None:
    said = _change(serve, service, lambda m: m.trust("bbb", [signer], validity_days=7))
    (action,) = service.proposed
    assert action["name"] == "transition_node_to_trusted"
    assert action["args"]["node_id"] == node_id("b")
    assert action["args"]["validity_period_days"] == 7
    assert said == [
        "node bbbbbbbb is trusted",
        "node bbbbbbbb takes part, and has all up to 2.9",
    ]
    assert len(_change(serve, service, lambda m: m.trust("bbb", [signer]))) == 2
    assert service.votes == 1


def test_what_more_votes_must_decide_is_said(
    serve: Serve, service: Service, signer: FileSigner
) -> None:
    service.votes_needed = 2
    with pytest.raises(NotDecided, match=f"{PROPOSAL} is Open after 1 ballots.*again"):
        _change(serve, service, lambda m: m.trust("b", [signer]))
    _change(serve, service, lambda m: m.trust("b", [signer]))


def test_what_is_proposed_already_is_gone_on_with(
    serve: Serve, service: Service, signer: FileSigner
) -> None:
    service.statuses = {"a": "Trusted", "b": "Trusted", "c": "Trusted"}
    service.votes_needed = 2
    with pytest.raises(NotDecided, match=f"ccfpy gov vote {PROPOSAL}"):
        _change(serve, service, lambda m: m.retire("b", [signer]))
    service.votes_needed = 3
    with pytest.raises(NotDecided):
        _change(serve, service, lambda m: m.retire("b", [signer]))
    assert len(service.proposed) == 1
    # Another node's retirement is another proposal.
    service.votes_needed = 9
    with pytest.raises(NotDecided):
        _change(serve, service, lambda m: m.retire("c", [signer]))
    assert len(service.proposed) == 2


def test_a_proposal_is_withdrawn_where_a_vote_fails(
    serve: Serve, service: Service, signer: FileSigner
) -> None:
    service.statuses["b"] = "Trusted"
    service.refuses_votes = True
    with pytest.raises(ServiceError, match="InvalidInput"):
        _change(serve, service, lambda m: m.retire("b", [signer]))
    assert service.state == "Withdrawn"


def test_a_node_that_never_asks_is_given_up(
    serve: Serve, service: Service, signer: FileSigner
) -> None:
    with pytest.raises(ClientError, match=r"waited 0\.1 s for ccc to ask to join"):
        _change(serve, service, lambda m: m.trust("ccc", [signer]), timeout_s=0.1)


def test_a_node_leaves_step_by_step(
    serve: Serve, service: Service, signer: FileSigner
) -> None:
    service.statuses["b"] = "Trusted"
    with pytest.raises(ClientError, match="is trusted, and the service may still"):
        _change(serve, service, lambda m: m.remove("b"))
    said = _change(serve, service, lambda m: m.retire("b", [signer]))
    assert service.proposed == [
        {"name": "remove_node", "args": {"node_id": node_id("b")}}
    ]
    assert said[-1] == "node bbbbbbbb may be stopped, and then removed"
    assert "already" in _change(serve, service, lambda m: m.retire("b", [signer]))[0]
    with pytest.raises(ClientError, match="a new node must join"):
        _change(serve, service, lambda m: m.trust("b", [signer]))
    assert _change(serve, service, lambda m: m.remove("b")) == [
        "node bbbbbbbb is removed"
    ]
    assert service.removed == [node_id("b")]


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
