"""Putting an application into a running service by its members' votes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ccfpy.base.json import Json
from ccfpy.client.committing import COMMIT_TIMEOUT_S
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ServiceError
from ccfpy.client.governance import Governance, ProposalStatus
from ccfpy.client.signer import Signer

ALREADY_PROPOSED = "ProposalReplay"
PROPOSALS_MAX = 5
"""Of one deployment, where others propose the same at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What became of a proposal to install an application.

    Attributes:
        status: of the proposal, after these members' ballots.
    """

    status: ProposalStatus

    @property
    def is_installed(self) -> bool:
        """Whether the application is in force, and committed."""
        return self.status.state == "Accepted"


async def deploy(
    connection: Connection,
    members: Sequence[Signer],
    action: Mapping[str, Json],
    *,
    timeout_s: float = COMMIT_TIMEOUT_S,
) -> Deployment:
    """Propose as the first member, let all of these vote, wait until it is committed.

    Where it takes more votes than theirs, the proposal stays open for others.

    Raises:
        ServiceError: the service refuses it, such as for want of a module.
        NotCommitted: it is not committed in time.
    """
    governed = [Governance(connection, signer) for signer in members]
    status = await _proposed(governed[0], action)
    for member in governed:
        if not status.is_open:
            break
        status = await member.vote(status.proposal_id)
    if status.txid is not None:
        await connection.wait_committed(status.txid, timeout_s=timeout_s)
    return Deployment(status=status)


async def _proposed(member: Governance, action: Mapping[str, Json]) -> ProposalStatus:
    """Propose; again if somebody proposed the very same within this second.

    Each attempt of a process bears a later time than the one before.
    """
    for _ in range(PROPOSALS_MAX - 1):
        try:
            return await member.propose([action])
        except ServiceError as error:
            if error.code != ALREADY_PROPOSED:
                raise
    return await member.propose([action])
