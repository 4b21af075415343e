"""Nodes and members changed by votes, in steps of which each may be repeated.

A finished step is not done again, and members vote for a proposal that is still open
instead of making another.

A node comes into a service by a vote. Members *retire* it by another. The node helps
until the service can do without it. Then it may be stopped, and is finally *removed*
from the list. Each step waits for the step before.

A certificate identifies a member, so a new certificate makes a new member, with the
data and role of the old member. The old member remains until the new member has
acknowledged the state, so that one of them can always act. Then a second vote removes
the old member, who still counts and takes part in that vote. If only the encryption key
is new, the member stays the same.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from ccfpy.base.ids import MemberId, TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError, ServiceError, Unreachable
from ccfpy.client.governance import (
    CreatedAt,
    Governance,
    ProposalStatus,
    read_governance,
)
from ccfpy.client.keys import Signer, member_id
from ccfpy.client.opening import put_to_vote, vote_for
from ccfpy.client.requests import text_field
from ccfpy.client.survey import NodeReport, Survey, survey

POLL_S = 0.2
CLOCK_SKEW = timedelta(minutes=1)
"""A certificate begins that much earlier: nodes' clocks differ."""


class NotDecided(ClientError):
    """A proposal that these members' votes do not decide."""


class Membership:
    """One service's nodes, and members who may change them.

    Args:
        urls: where nodes answer; those of further nodes are learned.
        service_certificate: the service's certificate as PEM text.
        say: called with a sentence about each finished step.
        timeout_s: for each wait.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        service_certificate: str,
        say: Callable[[str], None],
        timeout_s: float,
    ) -> None:
        self._urls = list(urls)
        self._service_certificate = service_certificate
        self._say = say
        self._timeout_s = timeout_s

    async def look(self) -> Survey:
        """Ask all nodes.

        Raises:
            Unreachable: none answers.
        """
        seen = await survey(self._urls, service_certificate=self._service_certificate)
        answering = [node.url for node in seen.nodes if node.answer is not None]
        self._urls += [url for url in answering if url not in self._urls]
        return seen

    async def trust(
        self, name: str, members: Sequence[Signer], *, validity_days: int | None = None
    ) -> None:
        """Propose to trust a node that has asked to join; wait until it takes part.

        Args:
            name: the beginning of its id, or its address; it may yet have to ask.
            members: the members who propose and vote.
            validity_days: of its certificate; as long as the service allows if unsaid.

        Raises:
            NotDecided: their votes are not enough.
            ClientError: it does not come to that in time.
        """

        async def known() -> NodeReport | None:
            return (await self.look()).find(name)

        node = await self._wait(known, f"{name} to ask to join")
        if node.status == "Pending":
            valid_from = datetime.now(tz=UTC) - CLOCK_SKEW
            arguments: dict[str, Json] = {
                "node_id": node.id,
                "valid_from": valid_from.strftime("%y%m%d%H%M%SZ"),
            }
            if validity_days is not None:
                arguments["validity_period_days"] = validity_days
            await self._decide("transition_node_to_trusted", arguments, members)
        elif node.status != "Trusted":
            raise ClientError(
                f"node {node.id[:8]} is retired: a new node must join in its place"
            )
        self._say(f"node {node.id[:8]} is trusted")

        async def caught_up() -> NodeReport | None:
            seen = await self.look()
            found = seen.find(node.id)
            answer = found.answer
            is_there = answer is not None and answer.state == "PartOfNetwork"
            return found if is_there and seen.lag(found) == 0 else None

        found = await self._wait(caught_up, f"node {node.id[:8]} to catch up")
        assert found.answer is not None, "it answered"
        self._say(
            f"node {node.id[:8]} takes part, and has all up to {found.answer.commit}"
        )

    async def retire(self, name: str, members: Sequence[Signer]) -> None:
        """Propose to remove a node; wait until it may be stopped.

        Raises:
            NotDecided: their votes are not enough.
            ClientError: it does not come to that in time.
        """
        node = (await self.look()).find(name)
        if node.status == "Retired":
            self._say(f"node {node.id[:8]} is retired already")
        else:
            await self._decide("remove_node", {"node_id": node.id}, members)
            self._say(
                f"node {node.id[:8]} is retired: it helps until others can do without"
            )

        async def is_final() -> NodeReport | None:
            nodes = (await self.look()).nodes
            left = [it for it in nodes if it.id == node.id]
            return node if not left or left[0].is_removable else None

        await self._wait(is_final, f"the retirement of node {node.id[:8]} to be final")
        self._say(f"node {node.id[:8]} may be stopped, and then removed")

    async def remove(self, name: str) -> None:
        """Remove a node that is retired for good from the service's list.

        Raises:
            ClientError: it is not that far.
        """
        seen = await self.look()
        node = seen.find(name)
        if not node.is_removable:
            raise ClientError(
                f"node {node.id[:8]} is {node.status.lower()}, and the service may "
                "still need it: retire it first"
            )
        async with self._connect(seen) as anybody:
            reply = await anybody.request("DELETE", f"/node/network/nodes/{node.id}")
            reply.raise_for_error()
            if reply.txid is not None:
                await anybody.wait_committed(reply.txid, timeout_s=self._timeout_s)
        self._say(f"node {node.id[:8]} is removed")

    async def _decide(
        self, action: str, arguments: Mapping[str, Json], members: Sequence[Signer]
    ) -> TxId:
        """Propose one action, vote, and wait until that is committed.

        If the same is proposed already and open, these members vote for that proposal:
        it is what an earlier call has left for other members to vote on.
        """
        async with self._connect(await self.look()) as anybody:
            voters = [Governance(anybody, signer) for signer in members]
            status = await _open_proposal(anybody, action, arguments["node_id"])
            if status is None:
                proposed: Mapping[str, Json] = {
                    "name": action,
                    "args": dict(arguments),
                }
                status = await put_to_vote(voters, [proposed])
            else:
                self._say(f"proposal {status.proposal_id} asks for that already")
                status = await vote_for(voters, status)
            if status.state != "Accepted" or status.txid is None:
                raise NotDecided(
                    f"proposal {status.proposal_id} is {status.state} after "
                    f"{status.ballot_count} ballots: once other members have voted for "
                    f"it (ccfpy gov vote {status.proposal_id}), ask for this again, "
                    "which goes on with the same proposal"
                )
            await anybody.wait_committed(status.txid, timeout_s=self._timeout_s)
            return status.txid

    def _connect(self, seen: Survey) -> Connection:
        """Connect to the primary, or to a node that answered."""
        answering = [node for node in seen.nodes if node.answer is not None]
        if not answering:
            raise Unreachable("no node of the service answers")
        node = seen.primary or answering[0]
        return Connection(node.url, service_certificate=self._service_certificate)

    async def _wait(
        self, condition: Callable[[], Awaitable[NodeReport | None]], what: str
    ) -> NodeReport:
        """Ask until there is an answer, whatever goes wrong meanwhile."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            because = ""
            try:
                if (found := await condition()) is not None:
                    return found
            except ClientError as error:
                because = f": {error}"
            if time.monotonic() > deadline:
                raise ClientError(f"waited {self._timeout_s:g} s for {what}{because}")
            await asyncio.sleep(POLL_S)


async def _open_proposal(
    anybody: Connection, action: str, node_id: Json
) -> ProposalStatus | None:
    """Find an open proposal of this one action on this node."""
    listed = await read_governance(anybody, "members/proposals")
    proposals = listed.get("value") if isinstance(listed, dict) else None
    for fields in proposals if isinstance(proposals, list) else []:
        status = ProposalStatus.of(fields if isinstance(fields, dict) else {})
        if not status.is_open:
            continue
        path = f"members/proposals/{status.proposal_id}/actions"
        match await read_governance(anybody, path):
            case {"actions": [{"name": name, "args": {"node_id": about}}]}:
                if (name, about) == (action, node_id):
                    return status
            case _:
                pass
    return None


OWNER = "Owner"
"""The one recovery role that does not follow from having an encryption key."""


class Rotation:
    """One member's change of keys.

    Args:
        connection: to the service, as anybody.
        old: the member's key so far.
        new: its key from now on; the same where the identity stays.
        encryption_public_key: its encryption key from now on as PEM; nothing to leave
            it as it is.
        voters: other members, who vote for it.
        say: called with a sentence about each finished step.
        created_at: the source of proposals' times; the process's own by default.
    """

    def __init__(  # noqa: PLR0913  # each is a part of what is to be done
        self,
        connection: Connection,
        *,
        old: Signer,
        new: Signer,
        encryption_public_key: str | None,
        voters: Sequence[Signer],
        say: Callable[[str], None],
        created_at: CreatedAt | None = None,
    ) -> None:
        self._connection = connection
        self._old = old
        self._new = new
        self._encryption_public_key = encryption_public_key
        self._voters = voters
        self._say = say
        self._created_at = created_at
        self._old_id = member_id(old.certificate)
        self._new_id = member_id(new.certificate)

    async def carry_out(self) -> None:
        """Run every step that is left.

        Raises:
            NotDecided: others must vote first; then ask for this again.
            ClientError: the service does not know the member, or refuses.
        """
        successor = await self._look(self._new_id)
        if successor is None or not self._has_new_key(successor):
            await self._introduce()
            successor = await self._look(self._new_id)
            assert successor is not None, "the proposal was accepted"
        if successor.get("status") != "Active":
            await self._as(self._new).acknowledge()
        self._say(f"member {self._new_id[:8]} is active with its new keys")
        if self._old_id == self._new_id:
            return
        if await self._look(self._old_id) is not None:
            removal: JsonObject = {
                "name": "remove_member",
                "args": {"member_id": self._old_id},
            }
            await self._decide((self._new, self._old), removal)
        self._say(f"member {self._old_id[:8]} is removed")

    def _has_new_key(self, member: JsonObject) -> bool:
        key = self._encryption_public_key
        return key is None or member.get("publicEncryptionKey") == key

    async def _introduce(self) -> None:
        """Propose that the service accepts the member under its new keys."""
        member = await self._look(self._old_id)
        if member is None:
            raise ClientError(
                f"the service has no member {self._old_id[:8]}: choose another with "
                "--as"
            )
        arguments: JsonObject = {"cert": self._new.certificate.pem}
        key = self._encryption_public_key or member.get("publicEncryptionKey")
        if key is not None:
            arguments["encryption_pub_key"] = key
            if member.get("recoveryRole") == OWNER:
                arguments["recovery_role"] = OWNER
        if member.get("memberData") is not None:
            arguments["member_data"] = member["memberData"]
        await self._decide((self._old,), {"name": "set_member", "args": arguments})
        self._say(f"member {self._new_id[:8]} is accepted")

    async def _look(self, who: MemberId) -> JsonObject | None:
        try:
            told = await read_governance(self._connection, f"service/members/{who}")
        except ServiceError as error:
            if error.status == 404:  # noqa: PLR2004  # HTTP's own number
                return None
            raise
        assert isinstance(told, dict), "a member is an object"
        return told

    def _as(self, signer: Signer) -> Governance:
        if self._created_at is None:
            return Governance(self._connection, signer)
        return Governance(self._connection, signer, created_at=self._created_at)

    async def _decide(self, own: Sequence[Signer], action: JsonObject) -> None:
        """Propose one action; wait until members' votes accept and commit it."""
        members = [self._as(signer) for signer in (*own, *self._voters)]
        name = await self._open_proposal(action)
        if name is None:
            status = await put_to_vote(members, [action])
        else:
            status = await _vote(members, name)
        if status.state != "Accepted" or status.txid is None:
            raise NotDecided(
                f"proposal {status.proposal_id} ({action['name']}) is {status.state} "
                f"after {status.ballot_count} ballots: once other members have voted "
                "for it, ask for this again"
            )
        await self._connection.wait_committed(status.txid)

    async def _open_proposal(self, action: JsonObject) -> str | None:
        """Find a proposal of just this that is still open; give its id."""
        listed = await read_governance(self._connection, "members/proposals")
        values = listed.get("value") if isinstance(listed, dict) else None
        for fields in values if isinstance(values, list) else []:
            if not isinstance(fields, dict) or fields.get("proposalState") != "Open":
                continue
            name = text_field(fields, "proposalId")
            path = f"members/proposals/{name}/actions"
            told = await read_governance(self._connection, path)
            if isinstance(told, dict) and told.get("actions") == [action]:
                return name
        return None


async def _vote(members: Sequence[Governance], proposal_id: str) -> ProposalStatus:
    """Vote as one member after the other, until it is decided."""
    status = await members[0].vote(proposal_id)
    for member in members[1:]:
        if not status.is_open:
            break
        status = await member.vote(proposal_id)
    return status
