"""Proposals that CCF's own endpoints have forgotten, and the requests behind them.

An extension, under paths that CCF does not have. Each answer is of committed
transactions alone. A node that has not read so far yet answers 202, or lets the caller
wait (``?wait=``), as with every question about the past.
"""

from typing import TYPE_CHECKING, Final

from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.base.ids import TxId
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Handler,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.historical import historical, not_yet
from ccfpy.endpoints.index_strategies import Index
from ccfpy.endpoints.replies import bytes_reply, for_who_takes_json, record_reply
from ccfpy.gov import proposals, requests
from ccfpy.gov.definitions import StoriesPage
from ccfpy.gov.proposal_history import ProposalHistory
from ccfpy.http.errors import ApiError, ErrorCode, not_found, unavailable
from ccfpy.service.tables.proposals import COSE_HISTORY

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ids import Seqno
    from ccfpy.endpoints.awaited import Answer
    from ccfpy.endpoints.context import Context
    from ccfpy.endpoints.registry import Registry
    from ccfpy.http.messages import Response

PROPOSALS_PATH: Final = "/ccfpy/proposals"
PAGE_MAX: int = 100
"""Proposals in one answer."""
_INDEX: "Final[Index[ProposalHistory]]" = Index()
_RETRY_S: Final = 30


def add_history_endpoints(registry: "Registry") -> None:
    """Add the endpoints of this module."""
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
