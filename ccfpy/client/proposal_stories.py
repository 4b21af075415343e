"""What a service tells of all proposals that it ever had: ``/gov/ccfpy/proposals``.

The service reads its ledger for the answer. CCF's own nodes do not have these paths.
"""

from dataclasses import dataclass
from typing import Any, Final

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import ProposalId, TxId
from ccfpy.base.json import Json
from ccfpy.base.schema import schema_of
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from ccfpy.crypto import cose
from ccfpy.gov.definitions import Act, ProposalStory, StoriesPage

PATH: Final = "/gov/ccfpy/proposals"
REQUESTS_PATH: Final = "/gov/ccfpy/requests"
WAIT_MS: Final = 2000
"""How long a node may read its ledger before it answers that it still does."""
NOT_TOLD: Final = "this service does not tell what was decided earlier"
NOT_YET: Final = "the node is still reading its ledger: earlier proposals come later"
_OK: Final = 200
_ACCEPTED: Final = 202
_NOT_FOUND: Final = 404
_PAGE = schema_of(StoriesPage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stories:
    """The latest proposals, the newest first.

    Attributes:
        told: the proposals that the service tells of.
        why_not: why the service tells of none; empty if it tells.
    """

    told: tuple[ProposalStory, ...] = ()
    why_not: str = ""

    def of(self, proposal_id: str) -> ProposalStory | None:
        """Return what is told of a proposal."""
        return next(
            (each for each in self.told if each.proposalId == proposal_id), None
        )

    def dropped_by(self, story: ProposalStory) -> ProposalId | None:
        """Return the proposal that was decided as this one was dropped."""
        at = next((e.transactionId for e in story.events if e.act is Act.DROPPED), None)
        for other in self.told:
            for event in other.events:
                if event.act is Act.DECIDED and event.transactionId == at:
                    return other.proposalId
        return None


async def read_stories(connection: Connection) -> Stories:
    """Ask for the latest proposals.

    Raises:
        UnexpectedReply: the answer has another form.
        ServiceError: the service failed.
    """
    reply = await connection.request("GET", f"{PATH}?wait={WAIT_MS}")
    if reply.status == _ACCEPTED:
        return Stories(why_not=NOT_YET)
    if reply.status == _NOT_FOUND:
        return Stories(why_not=NOT_TOLD)
    page = _read(_PAGE.read, reply.raise_for_error().json())
    assert isinstance(page, StoriesPage), "read as such"
    return Stories(told=tuple(page.value))


async def read_proposal_body(
    connection: Connection, story: ProposalStory
) -> bytes | None:
    """Return a proposal as its proposer signed it; nothing where it is not to be had.

    Raises:
        UnexpectedReply: the answer is no signed request.
    """
    made = next((e.transactionId for e in story.events if e.act is Act.PROPOSED), None)
    if made is None:
        return None
    envelope = await _read_request(connection, made)
    if envelope is None:
        return None
    try:
        return cose.parse(envelope).payload
    except Malformed as error:
        raise UnexpectedReply(f"transaction {made} is no signed request") from error


async def _read_request(connection: Connection, txid: TxId) -> bytes | None:
    path = f"{REQUESTS_PATH}/{txid}?wait={WAIT_MS}"
    reply = await connection.request("GET", path)
    return reply.body if reply.status == _OK else None


def _read(read: Any, value: Json) -> object:  # noqa: ANN401  # what schemas have
    try:
        return read(value)
    except Malformed as error:
        raise UnexpectedReply(f"{PATH} has another form: {error}") from error
