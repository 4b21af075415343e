"""Giving a member new keys, from the proposal to its first act with them.

A certificate identifies a member, so a new certificate makes a new member, with the
data and role of the old member. The old member remains until the new member has
acknowledged the state, so that one of them can always act. Then a second vote removes
the old member, who still counts and takes part in that vote. If only the encryption key
is new, the member stays the same.

Every step may be repeated: a finished step is not done again, and members vote for a
proposal that is still open instead of making another.
"""

from collections.abc import Callable, Sequence

from ccfpy.base.ids import MemberId
from ccfpy.base.json import JsonObject
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError, ServiceError
from ccfpy.client.governance import (
    CreatedAt,
    Governance,
    ProposalStatus,
    read_governance,
)
from ccfpy.client.keyfiles import member_id
from ccfpy.client.membership import NotDecided
from ccfpy.client.opening import put_to_vote
from ccfpy.client.reply import text_field
from ccfpy.client.signer import Signer

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
