"""A proposal whole: what it asks for, who has voted, what came or would come of it.

A service reads its ledger to tell of proposals that its tables have forgotten
(``/gov/ccfpy/proposals``). CCF's own nodes do not have these paths.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, ProposalId, Seqno, TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.schema import schema_of
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from ccfpy.client.governance import text_digest
from ccfpy.client.review import actions
from ccfpy.client.review.characters import plain
from ccfpy.client.review.description import Description, warnings
from ccfpy.client.review.proposal import NoSuchProposal, describe, title_of
from ccfpy.client.review.public_state import PublicState
from ccfpy.client.review.reading import document_of, why_not_shown
from ccfpy.client.review.values import as_text, short
from ccfpy.console.answers import Moment, OwnVote, ProposalPage
from ccfpy.crypto import cose
from ccfpy.gov.definitions import Act, ProposalEvent, ProposalStory, StoriesPage
from ccfpy.service.tables import js, members, proposals
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState

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


class DryRunner(Protocol):
    """Runs proposals to describe them."""

    def warm(self) -> None:
        """Get ready for the first proposal."""

    def describe(
        self,
        state: PublicState,
        proposal_id: ProposalId,
        names: Mapping[str, str],
        shown: str = "",
        /,
    ) -> Description:
        """Describe a proposal, by the service's tables and members' names.

        What somebody read earlier (``shown``) is found out once more, as it was found
        out then.
        """

    def close(self) -> None:
        """Forget what was kept for the next proposal."""


Describe = Callable[[PublicState, ProposalId, Mapping[str, str]], Description]
"""Describes a proposal, by the service's tables and members' names."""
Timeline = Callable[[Mapping[str, bool]], Sequence[Moment]]
"""Returns what happened to a proposal, by what the votes say."""


def nothing_happened(_: Mapping[str, bool]) -> Sequence[Moment]:
    """Return no moment: nothing is told of the proposal."""
    return ()


def page_of(  # noqa: PLR0913  # all that is known of one
    state: PublicState,
    proposal_id: ProposalId,
    *,
    names: Mapping[str, str],
    signer_id: MemberId | None,
    story: ProposalStory | None = None,
    moments: Timeline = nothing_happened,
    not_known: str = "",
    described: Describe = describe,
) -> ProposalPage:
    """Describe a proposal, and say whether the signer can vote on it.

    Args:
        state: what the service's tables hold.
        proposal_id: which.
        names: members' names, by id, as far as they are known here.
        signer_id: who reads, if that is a member.
        story: what the service tells of what happened to it, if it tells that.
        moments: makes the timeline.
        not_known: why there is no timeline, if there is none.
        described: describes the proposal.

    Raises:
        NoSuchProposal: the service does not remember it.
        ApiError: the service has no constitution.
    """
    body = body_of(state, proposal_id)
    tx = state.store.begin(read_only=True)
    info = proposals.INFO.of(tx).get(proposal_id)
    if info is None:
        raise NoSuchProposal(f"the service has no proposal {proposal_id}")
    told = described(state, proposal_id, names)
    sides = {vote.member_id: vote.in_favour for vote in told.votes}
    not_shown = why_not_shown(body)
    why_not = not_shown or _why_not(state, info, signer_id)
    return ProposalPage(
        id=proposal_id,
        state=info.state.value,
        title=title_of(body, told),
        actions=actions.names(document_of(body)),
        proposer=names.get(info.proposer_id, short(info.proposer_id)),
        at=None if story is None else first_signed_at(story),
        own_vote=_own_vote(info, sides, story, signer_id),
        warnings=tuple(warnings(told)),
        sections=told.sections,
        timeline=tuple(moments(sides)),
        not_known=not_known,
        digest=text_digest(body),
        outcome=told.outcome,
        text=body.decode(errors="replace"),
        shown_text=plain(as_text(body)),
        not_shown=not_shown,
        may_vote=not why_not,
        why_not=why_not,
        may_withdraw=info.state is ProposalState.OPEN and info.proposer_id == signer_id,
    )


def body_of(state: PublicState, proposal_id: ProposalId) -> bytes:
    """Return a proposal's bytes, as its proposer signed them.

    Raises:
        NoSuchProposal: the service does not remember it.
    """
    tx = state.store.begin(read_only=True)
    body = proposals.PROPOSALS.of(tx).get(proposal_id)
    if body is None:
        raise NoSuchProposal(f"the service has no proposal {proposal_id}")
    return body


def _own_vote(
    info: ProposalInfo,
    sides: Mapping[str, bool],
    story: ProposalStory | None,
    signer_id: MemberId | None,
) -> OwnVote | None:
    if signer_id is None or signer_id not in info.ballots:
        return None
    txid = None if story is None else vote_of(story, signer_id)
    return OwnVote(side=side(sides.get(signer_id)), txid=txid)


def _why_not(state: PublicState, info: ProposalInfo, signer_id: MemberId | None) -> str:
    """Return why the signer cannot vote; nothing if the signer can."""
    if signer_id is None:
        return "nobody votes here: choose a key, or start the console with --as MEMBER"
    if info.state is not ProposalState.OPEN:
        return f"the proposal is {info.state.value}: votes no longer count"
    if signer_id in info.ballots:
        return "you have voted, and a vote is final"
    known = dict(members.INFO.of(state.store.begin(read_only=True)).items())
    if signer_id not in known:
        return "your key is no member's of this service"
    if known[signer_id].status is not MemberStatus.ACTIVE:
        return "you are not active yet: acknowledge first, under Your key"
    return ""


INSTALLS: Final = "set_js_app"

NO_SIDES: Final[Mapping[str, bool]] = {}

Named = Callable[[str], str]
"""Returns a member's name, or the beginning of the id."""
Vouched = Callable[[Seqno], str]
"""Returns what the ledger's files say of a transaction; nothing beyond their end."""


def side(vote: bool | None) -> str:  # the vote itself
    """Return a vote in words; nothing of one that is not known."""
    return "" if vote is None else "in favour" if vote else "against"


def nothing_vouched(_: Seqno) -> str:
    """Return nothing: there are no files."""
    return ""


def timeline(  # all that is known of one
    story: ProposalStory,
    stories: Stories,
    *,
    named: Named,
    sides: Mapping[str, bool] = NO_SIDES,
    effect: str = "",
    vouched: Vouched = nothing_vouched,
) -> tuple[Moment, ...]:
    """Return what happened, and what is still to come.

    Args:
        story: what the service tells of the proposal, all of it committed.
        stories: what the service tells of others.
        named: members' names.
        sides: what votes say that the service has not counted for the last time.
        effect: what is seen of it in the service now, in words.
        vouched: what the ledger's files say.
    """
    votes: dict[str, bool] = dict(sides)
    votes.update((story.finalVotes or {}).items())
    return tuple(_moments(story, stories, named, votes, effect, vouched))


def ended(story: ProposalStory, stories: Stories) -> str:
    """Return what ended a proposal, in words; nothing of an open one."""
    match story.proposalState:
        case ProposalState.OPEN:
            return ""
        case ProposalState.WITHDRAWN:
            return "withdrawn by its proposer"
        case ProposalState.DROPPED:
            by = stories.dropped_by(story)
            other = "another one" if by is None else f"proposal {short(by)}"
            return f"dropped when {other} was accepted"
        case state:
            return f"{state.value.lower()} with {_votes(story)}"


def last_signed_at(story: ProposalStory) -> int | None:
    """Return when the last request about a proposal was signed, in milliseconds."""
    times = [each.createdAt for each in story.events if each.createdAt is not None]
    return 1000 * times[-1] if times else None


def first_signed_at(story: ProposalStory) -> int | None:
    """Return when a proposal was signed, in milliseconds."""
    made = [each.createdAt for each in story.events if each.act is Act.PROPOSED]
    return next((1000 * at for at in made if at is not None), None)


def vote_of(story: ProposalStory, member_id: str) -> str | None:
    """Return the transaction that has a member's vote."""
    for event in story.events:
        if event.act is Act.VOTED and event.memberId == member_id:
            return str(event.transactionId)
    return None


def effect_of(state: PublicState, document: JsonObject) -> str:
    """Return what is seen of an accepted proposal in the service's tables now.

    The answer is known of apps alone: others have no row that is theirs for certain.
    """
    wanted = _modules(document)
    if wanted is None:
        return ""
    tx = state.store.begin(read_only=True)
    if dict(js.MODULES.of(tx).items()) == wanted:
        return "In effect: the service runs these modules now"
    return "Replaced: the service runs other modules by now"


def _moments(
    story: ProposalStory,
    stories: Stories,
    named: Named,
    votes: Mapping[str, bool],
    effect: str,
    vouched: Vouched,
) -> Iterator[Moment]:
    for event in story.events:
        who = "" if event.memberId is None else named(event.memberId)
        at = None if event.createdAt is None else 1000 * event.createdAt
        yield Moment(
            what=_what(event, story, stories, votes),
            who=who,
            at=at,
            txid=str(event.transactionId),
            seqno=event.transactionId.seqno,
            vouched=vouched(event.transactionId.seqno),
            is_end=event.act in (Act.DECIDED, Act.DROPPED, Act.WITHDRAWN),
        )
    if story.proposalState is ProposalState.OPEN:
        yield Moment(what="Open: more votes decide it", is_done=False)
        return
    yield Moment(what="Committed: all of this is final")
    if effect:
        yield Moment(what=effect)


def _what(
    event: ProposalEvent,
    story: ProposalStory,
    stories: Stories,
    votes: Mapping[str, bool],
) -> str:
    match event.act:
        case Act.PROPOSED:
            return "Proposed"
        case Act.VOTED:
            voter = event.memberId
            vote = None if voter is None else votes.get(voter)
            return f"Voted {side(vote)}".rstrip()
        case Act.WITHDRAWN:
            return "Withdrawn"
        case _:
            said = ended(story, stories)
            return said[:1].upper() + said[1:]


def _votes(story: ProposalStory) -> str:
    votes = list((story.finalVotes or {}).values())
    told = [f"{votes.count(True)} in favour"]
    if against := votes.count(False):
        told.append(f"{against} against")
    return ", ".join(told)


def _modules(document: JsonObject) -> dict[str, str] | None:
    """Return the modules that a proposal's last installation of an app has."""
    found: dict[str, str] | None = None
    for action in _list(document.get("actions")):
        if _object(action).get("name") == INSTALLS:
            bundle = _object(_object(_object(action).get("args")).get("bundle"))
            found = {}
            for module in map(_object, _list(bundle.get("modules"))):
                name = str(module.get("name"))
                stored = name if name.startswith("/") else f"/{name}"
                found[stored] = str(module.get("module"))
    return found


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
