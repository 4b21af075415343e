"""What a service tells of all proposals that it ever had: ``/gov/ccfpy/proposals``.

The service reads its ledger for the answer. CCF's own nodes do not have these paths.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import ProposalId, Seqno, TxId
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
_STORY = schema_of(ProposalStory)
_OLDER = re.compile(r"[?&]before=([0-9]{1,19})(?:&|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stories:
    """The latest proposals, or those before a seqno, the newest first.

    Attributes:
        told: the proposals that the service tells of.
        why_not: why the service tells of none; empty if it tells.
        older: the seqno before which older ones were made; nothing if there are none.
    """

    told: tuple[ProposalStory, ...] = ()
    why_not: str = ""
    older: Seqno | None = None

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


async def read_stories(
    connection: Connection, *, before: Seqno | None = None
) -> Stories:
    """Ask for a page of proposals.

    Args:
        connection: to the service.
        before: only proposals that were made before this seqno; else the latest.

    Raises:
        UnexpectedReply: the answer has another form.
        ServiceError: the service failed.
    """
    asked = "" if before is None else f"&before={before}"
    reply = await connection.request("GET", f"{PATH}?wait={WAIT_MS}{asked}")
    if reply.status == _ACCEPTED:
        return Stories(why_not=NOT_YET)
    if reply.status == _NOT_FOUND:
        return Stories(why_not=NOT_TOLD)
    page = _read(_PAGE.read, reply.raise_for_error().json())
    assert isinstance(page, StoriesPage), "read as such"
    found = None if page.nextLink is None else _OLDER.search(page.nextLink)
    older = None if found is None else int(found[1])
    return Stories(told=tuple(page.value), older=older)


async def read_story(
    connection: Connection, proposal_id: ProposalId
) -> ProposalStory | None:
    """Ask for one proposal, however old; return nothing where it is not told.

    Raises:
        UnexpectedReply: the answer has another form.
        ServiceError: the service failed.
    """
    reply = await connection.request("GET", f"{PATH}/{proposal_id}?wait={WAIT_MS}")
    if reply.status in (_ACCEPTED, _NOT_FOUND):
        return None
    story = _read(_STORY.read, reply.raise_for_error().json())
    assert isinstance(story, ProposalStory), "read as such"
    return story


async def read_proposal_body(
    connection: Connection, story: ProposalStory
) -> bytes | None:
    """Return a proposal as its proposer signed it; nothing where it is not to be had.

    Raises:
        UnexpectedReply: the answer is no signed request.
    """
    made = _made_by(story)
    if made is None:
        return None
    envelope = await _read_request(connection, made)
    if envelope is None:
        return None
    try:
        return cose.parse(envelope).payload
    except Malformed as error:
        raise UnexpectedReply(f"transaction {made} is no signed request") from error


def made_at(story: ProposalStory) -> Seqno | None:
    """Return the seqno at which a proposal was made, if that is told."""
    made = _made_by(story)
    return None if made is None else made.seqno


def _made_by(story: ProposalStory) -> TxId | None:
    return next((e.transactionId for e in story.events if e.act is Act.PROPOSED), None)


async def _read_request(connection: Connection, txid: TxId) -> bytes | None:
    path = f"{REQUESTS_PATH}/{txid}?wait={WAIT_MS}"
    reply = await connection.request("GET", path)
    return reply.body if reply.status == _OK else None


def _read(read: Any, value: Json) -> object:  # noqa: ANN401  # what schemas have
    try:
        return read(value)
    except Malformed as error:
        raise UnexpectedReply(f"{PATH} has another form: {error}") from error
