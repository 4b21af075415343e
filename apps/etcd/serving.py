"""Calls carried out: where, in which order, and when they are answered.

A call of the primary is answered once it can no longer be lost, and so is what it read.
If it changed nothing, it writes a row that nobody reads: an answer that is final proves
that this node still led when it answered, so no client reads what another primary has
replaced. A client may ask for less: for the answer as soon as the call is applied, or
for any node's state.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar

from apps.etcd.calls import CLUSTER, Asked, Call, Place, now_ms
from apps.etcd.claims import SECRET_BYTES, claims_digest, effects_of
from apps.etcd.messages import RangeRequest
from apps.etcd.refusals import Code, Refusal, Refused, refused
from apps.etcd.service import header_of
from apps.etcd.store import Store
from apps.etcd.tables import CLAIM_KEY, CONFIRMED
from ccfpy.app import (
    Answer,
    ApiError,
    CommitHandler,
    Context,
    Malformed,
    Response,
    TxId,
    TxStatus,
)

T = TypeVar("T")

ANSWER_HEADER: Final = "x-ccfpy-answer"
APPLIED: Final = "applied"
"""Asks for the answer before the call is final."""
_MARK: Final = b"confirmed"


class Form(Protocol):
    """How requests and answers are written."""

    def read(self, ctx: Context, cls: type[T]) -> T:
        """Read the request.

        Raises:
            Malformed: the body is none.
            Refused: the body is too large, or of a form that is not served.
        """
        ...

    def reply(self, message: object) -> Response:
        """Write an answer."""
        ...

    def refusal(self, refusal: Refused) -> ApiError:
        """Write a refusal."""
        ...


def answer(call: Call, form: Form, ctx: Context) -> Answer:
    """Answer a request of a client.

    Raises:
        ApiError: the call is refused.
    """
    try:
        request = form.read(ctx, call.request)
        if _is_local(call, request):
            return _answer_here(call, form, ctx, request)
        if not ctx.node.is_primary:
            return _forward(ctx)
        return _answer_as_primary(call, form, ctx, request)
    except Malformed as error:
        text = f"etcdserver: invalid request: {error}"
        raise form.refusal(Refused(Code.INVALID_ARGUMENT, text)) from error
    except Refused as refusal:
        raise form.refusal(refusal) from refusal


def _is_local(call: Call, request: object) -> bool:
    """Return whether the node that is asked may answer from its own state."""
    return call.place is Place.ANY_NODE or (
        isinstance(request, RangeRequest) and request.serializable
    )


def _forward(ctx: Context) -> Answer:
    if ctx.session.is_forwarded:
        raise refused(Refusal.LEADER_CHANGED)
    ctx.session.stay_in(ctx.node.view)
    return ctx.node.forward(ctx.request, ctx.session)


def _answer_here(call: Call, form: Form, ctx: Context, request: object) -> Response:
    """Answer from this node's state, once that is final."""
    store = Store(ctx.tx)
    message = _run(call, Asked(ctx, store, now_ms(ctx.node)), request)
    response = form.reply(message)
    read, committed = ctx.tx.read_version, ctx.node.committed_tx_id()
    is_final = committed is not None and read is not None and read <= committed.seqno
    if not is_final and not _wants_applied(ctx):
        _wait(ctx, form, response)
    return response


def _answer_as_primary(
    call: Call, form: Form, ctx: Context, request: object
) -> Response:
    store = Store(ctx.tx)
    asked = Asked(ctx, store, now_ms(ctx.node))
    store.end_leases(asked.now_ms)
    message = _run(call, asked, request)
    if store.events:
        secret = ctx.node.entropy.random_bytes(SECRET_BYTES)
        CLAIM_KEY.of(ctx.tx).put(secret)
        ctx.claims_digest = claims_digest(effects_of(store.events, secret).values())
    response = form.reply(message)
    if not _wants_applied(ctx):
        if not store.has_written:
            CONFIRMED.of(ctx.tx).put(_MARK)
        _wait(ctx, form, response)
    return response


def _run(call: Call, asked: Asked, request: Any) -> Any:  # noqa: ANN401 - as the call says
    message = call.run(asked, request)
    # What is said of the nodes is of no revision, as in etcd.
    revision = 0 if call.service == CLUSTER else asked.store.revision
    return replace(message, header=header_of(asked.ctx, revision))


def _wants_applied(ctx: Context) -> bool:
    return ctx.request.headers.get(ANSWER_HEADER) == APPLIED


def _wait(ctx: Context, form: Form, response: Response) -> None:
    """Make the caller wait until what the answer says is final."""
    ctx.user_data = response
    ctx.answer_at_commit = _at_commit(form)


def _at_commit(form: Form) -> CommitHandler:
    def make(ctx: Context, _: TxId, status: TxStatus) -> Response:
        if status is TxStatus.INVALID:
            raise form.refusal(refused(Refusal.LEADER_CHANGED))
        if status is not TxStatus.COMMITTED:
            raise form.refusal(refused(Refusal.TIMEOUT))
        assert isinstance(ctx.user_data, Response), "the handler left its answer"
        return ctx.user_data

    return make


def handler_of(call: Call, form: Form) -> Callable[[Context], Answer]:
    """Return the function of an endpoint that answers a call."""

    def handle(ctx: Context) -> Answer:
        return answer(call, form, ctx)

    handle.__doc__ = call.run.__doc__
    handle.__name__ = f"{call.service}.{call.name}"
    return handle
