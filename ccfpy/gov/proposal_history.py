"""Every proposal in the ledger, with each member's act and its transaction.

CCF's tables forget all closed proposals but the last. The index here reads what they
said from the committed ledger, so that nothing is kept twice: a node builds it when it
is first asked, and continues when it is asked again. The index does not check members'
signatures, since the nodes that took the requests did. Auditors check the signatures
again (`ccfpy.audit.governance`).

The endpoints are an extension, under paths that CCF does not have. Answers are of
committed transactions alone. A node that has not read so far yet answers 202, or lets
the caller wait (``?wait=``), as with every question about the past.
"""

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.base.ids import MemberId, ProposalId, Seqno, TxId
from ccfpy.crypto import cose
from ccfpy.endpoints.auth.cose import GOV_CREATED_AT
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Handler,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.history_endpoints import historical, not_yet
from ccfpy.endpoints.index_strategies import Index, Strategy
from ccfpy.endpoints.replies import bytes_reply, for_who_takes_json, record_reply
from ccfpy.gov import proposals, requests
from ccfpy.gov.definitions import Act, ProposalEvent, ProposalStory, StoriesPage
from ccfpy.http.errors import ApiError, ErrorCode, not_found, unavailable
from ccfpy.service.tables.proposals import (
    COSE_HISTORY,
    INFO,
    PROPOSALS,
    ProposalInfo,
    ProposalState,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.json import JsonObject
    from ccfpy.endpoints.context import Context
    from ccfpy.endpoints.pending import Answer
    from ccfpy.endpoints.registry import Registry
    from ccfpy.http.messages import Response
    from ccfpy.kv.changes import Writes, WriteSet


EVENTS_MAX: int = 50_000
"""Events of proposals that a node keeps; beyond it the oldest proposals are dropped."""


@dataclass(slots=True)
class _Told:
    """What the index knows of one proposal."""

    info: ProposalInfo
    created: Seqno
    events: list[ProposalEvent] = field(default_factory=list)


class ProposalHistory(Strategy):
    """The proposals of a service, in the order of their creation.

    Attributes:
        indexed_up_to: the last transaction that the index has seen.
    """

    name = "ProposalHistory"

    def __init__(self) -> None:
        self.indexed_up_to = TxId(0, 0)
        self._until: Seqno = 0
        self._told: dict[ProposalId, _Told] = {}
        self._event_count = 0

    # For the node

    def extend_to(self, seqno: Seqno) -> None:
        """Ask for all transactions up to ``seqno``."""
        self._until = max(self._until, seqno)

    @property
    def next_requested(self) -> Seqno | None:
        """The next transaction, as far as somebody asked."""
        wanted = self.indexed_up_to.seqno + 1
        return wanted if wanted <= self._until else None

    def take(self, tx_id: TxId, writes: "WriteSet") -> None:
        """Note what a transaction did to proposals."""
        written = writes.get(INFO.name)
        if written is not None:
            requests = writes.get(COSE_HISTORY.name, {})
            bodies = writes.get(PROPOSALS.name, {})
            for key, value in written.items():
                if value is not None:
                    self._note(tx_id, key, value, bodies, requests)
        self.indexed_up_to = tx_id

    def describe(self) -> "JsonObject":
        """Return how far the index has come, and what it has found."""
        return {
            "indexed_watermark": str(self.indexed_up_to),
            "proposals": len(self._told),
        }

    # For endpoints

    def story(self, proposal_id: ProposalId) -> ProposalStory | None:
        """Return what is known of a proposal."""
        told = self._told.get(proposal_id)
        return None if told is None else _story(proposal_id, told)

    def latest(
        self, count: int, *, before: Seqno | None = None
    ) -> tuple[list[ProposalStory], Seqno | None]:
        """Return the latest proposals, the newest first, and where older ones begin.

        Args:
            count: how many at most.
            before: only proposals that were made before this seqno.
        """
        found = (
            (proposal_id, told)
            for proposal_id, told in reversed(self._told.items())
            if before is None or told.created < before
        )
        page = list(islice(found, count))
        has_more = next(found, None) is not None
        stories = [_story(proposal_id, told) for proposal_id, told in page]
        return stories, page[-1][1].created if has_more else None

    # Inside

    def _note(
        self,
        tx_id: TxId,
        key: bytes,
        value: bytes,
        bodies: "Writes",
        requests: "Writes",
    ) -> None:
        try:
            proposal_id = INFO.key_codec.decode(key)
            info = _without_scripts(INFO.value_codec.decode(value))
        except Malformed:  # no node writes such a row
            return
        told = self._told.get(proposal_id)
        if told is None:
            if bodies.get(key) is None:
                return  # it was made before what is kept here
            told = self._told[proposal_id] = _Told(info, tx_id.seqno)
            before = ProposalInfo(proposer_id=info.proposer_id)
            acts = [(Act.PROPOSED, info.proposer_id)]
        else:
            before, acts = told.info, []
        voters = [each for each in info.ballots if each not in before.ballots]
        acts += [(Act.VOTED, voter) for voter in voters]
        signed = [
            ProposalEvent(
                act=act,
                transactionId=tx_id,
                memberId=member_id,
                createdAt=_created_at(requests, member_id),
            )
            for act, member_id in acts
        ]
        if info.state is not before.state:
            signed.append(_ending(tx_id, info, requests))
        told.info = info
        told.events += signed
        self._event_count += len(signed)
        self._forget()

    def _forget(self) -> None:
        """Drop the oldest proposals, if there are too many events."""
        while self._event_count > EVENTS_MAX and len(self._told) > 1:
            oldest = next(iter(self._told))
            self._event_count -= len(self._told.pop(oldest).events)


def _without_scripts(info: ProposalInfo) -> ProposalInfo:
    """Keep who voted, and not the ballots: each may be as long as a request.

    The reasons of failures are left out too. Tables have those of the last proposal.
    """
    return replace(
        info,
        ballots=dict.fromkeys(info.ballots, ""),
        vote_failures=None,
        failure=None,
    )


def _ending(tx_id: TxId, info: ProposalInfo, requests: "Writes") -> ProposalEvent:
    if info.state is ProposalState.WITHDRAWN:
        return ProposalEvent(
            act=Act.WITHDRAWN,
            transactionId=tx_id,
            memberId=info.proposer_id,
            createdAt=_created_at(requests, info.proposer_id),
        )
    act = Act.DROPPED if info.state is ProposalState.DROPPED else Act.DECIDED
    return ProposalEvent(act=act, transactionId=tx_id)


def _created_at(requests: "Writes", member_id: MemberId) -> int | None:
    """Return when a member signed, as far as its request says so."""
    table = COSE_HISTORY
    row = requests.get(table.key_codec.encode(member_id))
    if row is None:
        return None
    try:
        envelope = cose.parse(table.value_codec.decode(row))
    except Malformed:
        return None
    created_at = envelope.protected.get(GOV_CREATED_AT)
    return created_at if isinstance(created_at, int) else None


def _story(proposal_id: ProposalId, told: _Told) -> ProposalStory:
    votes = told.info.final_votes
    return ProposalStory(
        proposalId=proposal_id,
        proposerId=told.info.proposer_id,
        proposalState=told.info.state,
        ballotCount=len(told.info.ballots),
        finalVotes=None if votes is None else dict(votes),
        events=tuple(told.events),
    )


PROPOSALS_PATH: Final = "/ccfpy/proposals"
PAGE_MAX: int = 100
"""Proposals in one answer."""
_INDEX: "Final[Index[ProposalHistory]]" = Index()
_RETRY_S: Final = 30


def add_history_endpoints(registry: "Registry") -> None:
    """Add the endpoints that tell the history of proposals."""
    paths: dict[str, tuple[Handler, str]] = {
        PROPOSALS_PATH: (
            for_who_takes_json(list_stories),
            "Every proposal in the ledger, closed ones included, and who did what when",
        ),
        f"{PROPOSALS_PATH}/{{proposalId}}": (
            for_who_takes_json(read_story),
            "One of them",
        ),
        "/ccfpy/requests/{transactionId}": (
            historical(read_request, tx_id=_tx_id),
            "The member's signed request that became a transaction, as COSE Sign1",
        ),
    }
    for path, (handler, summary) in paths.items():
        registry.add(
            Endpoint(
                method="GET",
                path=path,
                handler=handler,
                mode=Mode.READ_ONLY,
                forwarding=Forwarding.SOMETIMES,
                redirection=Redirection.NONE,
                operation=Operation(summary=summary, hidden=True),
            )
        )


def list_stories(context: "Context") -> "Answer":
    """Return proposals, the newest first."""
    before = None
    if "before" in context.query:
        before = context.query.integer("before")

    def page(history: ProposalHistory) -> "Response":
        found, older = history.latest(PAGE_MAX, before=before)
        link = None if older is None else f"/gov{PROPOSALS_PATH}?before={older}"
        return record_reply(
            StoriesPage(value=found, indexedUpTo=history.indexed_up_to, nextLink=link)
        )

    return _answer(context, page)


def read_story(context: "Context") -> "Answer":
    """Return one proposal."""
    proposal_id = requests.proposal_id(context)

    def story(history: ProposalHistory) -> "Response":
        found = history.story(proposal_id)
        if found is None:
            raise proposals.unknown(proposal_id)
        return record_reply(found)

    return _answer(context, story)


def read_request(context: "Context") -> "Response":
    """Return the signed request of a member that became a transaction.

    Raises:
        ApiError: 404, the transaction is not the request of a member.
    """
    state = context.historical_state
    assert state is not None, "the endpoint is historical"
    for envelope in dict(COSE_HISTORY.of(state.tx).items()).values():
        return bytes_reply(envelope, content_type="application/cose")
    raise not_found(f"Transaction {state.txid} holds no signed request of a member.")


def _answer(
    context: "Context", answer: "Callable[[ProposalHistory], Response]"
) -> "Answer":
    """Answer from the index, once it has seen what is committed now."""
    committed = context.node.committed_tx_id() or TxId(0, 0)
    indexing = context.node.indexing
    history = _history(context)

    def is_there(seqno: "Seqno") -> bool:
        return history.indexed_up_to.seqno >= seqno

    def look(seqno: "Seqno") -> "Response | None":
        history.extend_to(seqno)
        return answer(history) if is_there(seqno) else None

    found = indexing.blobs.inside(look, committed.seqno)
    if found is not None:
        return found
    return not_yet(
        context,
        f"The proposals up to transaction {committed} are not currently available.",
        lambda: is_there(committed.seqno),
    )


def _history(context: "Context") -> ProposalHistory:
    """Return the node's index, which the first question installs.

    Raises:
        ApiError: 503, the application has installed as many as there may be.
    """
    indexing = context.node.indexing
    history = indexing.strategy(_INDEX)
    if history is None:
        history = ProposalHistory()
        try:
            indexing.install(_INDEX, history)
        except LimitExceeded as error:
            raise unavailable(
                ErrorCode.InternalError, str(error), after_s=_RETRY_S
            ) from error
    return history


def _tx_id(context: "Context") -> TxId:
    text = context.params["transactionId"]
    try:
        return TxId.parse(text)
    except Malformed as error:
        raise ApiError(
            400,
            ErrorCode.InvalidResourceName,
            f"'{text}' is not a valid transaction ID",
        ) from error
