"""One request through CCF's fixed order of checks (``src/node/rpc/frontend.h``).

Back-pressure, openness, lookup, interface, redirect or forward, authentication,
execution, session consistency, commit, and where asked for a wait for it to be final.
The order is protocol: clients see which check fails first. A handler that loses the
optimistic race is run again from the start.

Requests that another node answers: a caller is sent there, or that node is asked.

An interface that redirects never forwards (``src/node/rpc/frontend.h``).
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, StoredMalformed, Unwritable
from ccfpy.base.ids import TxId
from ccfpy.endpoints.app_calls import (
    UNLIMITED,
    AppCalls,
    NodeCall,
    check_answer,
    check_size,
)
from ccfpy.endpoints.auth import OUR_POLICIES, AllOf
from ccfpy.endpoints.auth.policy import Unauthenticated
from ccfpy.endpoints.commit_wait import WAIT_HEADER, commit_wait_ms
from ccfpy.endpoints.context import Context, NodeView
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    LocalCommitHandler,
    Match,
    Mode,
    Redirection,
)
from ccfpy.endpoints.endpoint_metrics import CountsApart
from ccfpy.endpoints.metrics import RequestCounts
from ccfpy.endpoints.node_access import NodeInside
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.refusals import (
    LOGGED_AS,
    Marks,
    PolicyRefusal,
    conflicted,
    no_end_of_conflicts,
    not_open,
    too_many_pending,
    unauthenticated,
    unsupported_verb,
    words_for,
)
from ccfpy.endpoints.registry import AmbiguousPath, Registry
from ccfpy.endpoints.replies import empty_reply
from ccfpy.http import grpc
from ccfpy.http.errors import (
    ApiError,
    ErrorCode,
    internal_error,
    not_found,
    unavailable,
)
from ccfpy.http.messages import Response
from ccfpy.kv.store import Conflict

if TYPE_CHECKING:
    from ccfpy.base.ports import Clock
    from ccfpy.consensus.status import TxStatus
    from ccfpy.endpoints.auth.policy import AuthPolicy, Identity
    from ccfpy.endpoints.declaration import CommitHandler
    from ccfpy.endpoints.history import HistoricalState
    from ccfpy.endpoints.pending import Answer
    from ccfpy.endpoints.session import InterfaceRules, Session
    from ccfpy.endpoints.tracing import RequestTracer, Trace
    from ccfpy.http.messages import Request
    from ccfpy.kv.tx import Tx


_PRIMARY_UNKNOWN: Final = ("primary", "current primary", ErrorCode.PrimaryNotFound)
_BACKUP_UNKNOWN: Final = ("backup", "any current backup", ErrorCode.BackupNotFound)


def redirect(
    node: "NodeView",
    endpoint: Endpoint,
    request: "Request",
    interface: "InterfaceRules",
) -> "Response | None":
    """Send the caller elsewhere, if this interface redirects what is not ours.

    Raises:
        ApiError: 503, nobody knows where to.
    """
    if endpoint.redirection is Redirection.NONE:
        return None
    to_primary = endpoint.redirection is Redirection.TO_PRIMARY
    target = (
        interface.redirect_to_primary if to_primary else interface.redirect_to_backup
    )
    if target is None or node.is_primary is to_primary:
        return None
    role = target.role or ("primary" if to_primary else "backup")
    address = target.address or node.address_of(
        role, target.interface or interface.name
    )
    if address is None:
        wanted, known, code = _PRIMARY_UNKNOWN if to_primary else _BACKUP_UNKNOWN
        raise unavailable(
            code,
            f"Request should be redirected to {wanted}, but receiving node "
            f"does not know {known} address",
        )
    query = f"?{request.query}" if request.query else ""
    location = f"https://{address}{request.path}{query}"
    return empty_reply(307, {"location": location})


def forward(
    node: "NodeView",
    endpoint: Endpoint,
    request: "Request",
    session: "Session",
    trace: "Trace | None",
) -> "Awaited":
    """Hand the request to the primary, and from now on all of this session.

    Raises:
        ApiError: 501, by HTTP/2, unless it is a call of gRPC, whose clients follow no
            redirect; 503, another node forwarded the request to this node; 500, the
            session began in another view.
    """
    if request.version.startswith("2") and not grpc.is_call(request):
        raise ApiError(
            501,
            ErrorCode.NotImplemented,
            "Request cannot be forwarded to primary on HTTP/2 interface.",
        )
    if session.is_forwarded:
        raise unavailable(
            ErrorCode.RequestAlreadyForwarded, "RPC was already forwarded."
        )
    session.stay_in(node.view)
    if trace is not None:
        trace.reaches(endpoint.path, is_counted=endpoint.is_shown)
        request = trace.sent_on(request)
    awaited = node.forward(request, session)
    session.is_forwarding = True
    return awaited


TX_ID_HEADER: Final = "x-ms-ccf-transaction-id"
_SUCCESS_FIRST: Final = 200
_SUCCESS_LAST: Final = 299
_CALL_STATUS: Final = grpc.STATUS
_READ_WRITE: Final = Mode.READ_WRITE
_COMMAND: Final = Mode.COMMAND

_OUR_POLICIES: Final = OUR_POLICIES

UnhandledError = Callable[[Endpoint, BaseException, Marks], str]
"""Called with an exception that no handler should raise. The node logs the exception
under the returned id, by which the operator finds it."""


class _Refusal:
    """The response of a policy or handler that refused: nothing is committed."""

    __slots__ = ("response",)

    def __init__(self, response: Response) -> None:
        self.response = response


class Frontend:
    """A registry that can be open or closed, answering requests on a node.

    Attributes:
        is_open: a closed frontend answers 404 ``FrontendNotOpen`` to everything.
        has_backpressure: whether too many uncommitted transactions turn callers away;
            the node's own frontend is exempt, so that a stuck service can be asked why.
        counts: of the requests that were answered, but for those counted apart.
        counts_apart: of the endpoints that are counted apart.
        conflicts: handlers run again.
        turned_away: requests refused under pressure.
        closed_to: requests refused because the frontend was closed.
    """

    def __init__(  # noqa: PLR0913  # each has its name
        self,
        registry: Registry,
        node: NodeView,
        *,
        clock: "Clock",
        has_backpressure: bool,
        on_unhandled: UnhandledError,
        calls: AppCalls | None = None,
        is_app: bool = False,
        tracer: "RequestTracer | None" = None,
    ) -> None:
        """Make a closed frontend.

        Args:
            registry: the frontend's endpoints.
            node: the node that answers.
            clock: measures how long an answer takes.
            has_backpressure: whether the frontend refuses requests under pressure.
            on_unhandled: called with an exception that no endpoint should raise.
            calls: of the application's code; of a node with one thread if not said.
            is_app: whether the endpoints are an application's, and not ccfpy's own.
            tracer: begins traces, if the node makes any.
        """
        self.registry = registry
        self.is_open = False
        self._node = node
        self._has_backpressure = has_backpressure
        self._on_unhandled = on_unhandled
        self._calls = AppCalls() if calls is None else calls
        self._is_app = is_app
        self._seen = NodeInside(node, self._calls.threads) if is_app else node
        self._named: TxId | None = None
        self._name = ""
        self._tracer = tracer
        self._now_ns: Callable[[], int] = clock.monotonic_ns
        self.counts = RequestCounts()
        self.counts_apart = CountsApart(self.counts, clock)
        self.conflicts = 0
        self.turned_away = 0
        self.closed_to = 0

    def answer(
        self,
        request: "Request",
        session: "Session",
        path: str,
        is_again: bool = False,
    ) -> "Answer":
        """Answer one request.

        Args:
            request: the request.
            session: of its caller.
            path: the request's path without the frontend's prefix.
            is_again: the caller waits for the answer of an earlier run, which will be
                counted when this one has answered.

        Raises:
            CallGivenUp: the caller was answered meanwhile.
        """
        taken_up_ns = began_ns = self._now_ns()
        call = self._calls.current
        answer: Answer
        endpoint: Endpoint | None = None
        if self._tracer is not None:
            call.trace = self._tracer.begin(
                request,
                self.registry.prefix,
                is_forwarded=session.is_forwarded,
                is_again=is_again,
            )
        try:
            for _ in range(limits.TX_ATTEMPTS_MAX):
                match = self._admit(request, session, path)
                if not isinstance(match, Match):
                    answer = match
                    break
                endpoint = match.endpoint
                try:
                    answer = self._execute(match, request, session, call, taken_up_ns)
                    break
                except Conflict:
                    taken_up_ns = 0
                    self.conflicts += 1
                    self.counts_apart.retried(endpoint)
                    continue
            else:
                answer = no_end_of_conflicts().response()
        except ApiError as error:
            answer = error.response()
        if not is_again:
            if (
                type(answer) is not Response
                or call.trace is not None
                or (endpoint is not None and endpoint.is_counted)
            ):
                self._note_unusual(request, endpoint, began_ns, answer, call)
            else:
                elapsed_ns = self._now_ns() - began_ns
                self.counts.count(request.method, answer.status, elapsed_ns)
        return answer

    def answer_step(
        self, match: Match, request: "Request", session: "Session"
    ) -> "Answer":
        """Execute what no request asks for: a session's begin, or what it goes on with.

        The caller is authenticated again, and the transaction is one of its own. The
        handler runs once, as it may keep things of its own from one step to the next: a
        conflict is an error.

        Args:
            match: the endpoint, whose handler does what is due.
            request: the one that began it, or says the protocol of the session.
            session: of its caller.

        Raises:
            CallGivenUp: the caller was answered meanwhile.
        """
        call = self._calls.current
        answer: Answer
        try:
            if not self.is_open:
                self.closed_to += 1
                raise not_open()
            if match.endpoint.mode is _READ_WRITE and self._node.is_at_capacity():
                raise too_many_pending()
            answer = self._execute(match, request, session, call)
        except Conflict:
            self.conflicts += 1
            answer = conflicted().response()
        except ApiError as error:
            answer = error.response()
        return answer

    def _note_unusual(
        self,
        request: "Request",
        endpoint: Endpoint | None,
        began_ns: int,
        answer: "Answer",
        call: NodeCall,
    ) -> None:
        """Count an answer of an endpoint counted apart, traced, or that comes later."""
        if call.trace is not None and call.awaited is None:
            # Otherwise the node went on without the call, and reports what awaits it.
            call.trace.answered(answer)
        count = partial(self.counts_apart.answered, endpoint, request.method, began_ns)
        if isinstance(answer, Response):
            count(answer)
        else:
            answer.observe(count)

    def _admit(
        self, request: "Request", session: "Session", path: str
    ) -> "Match | Answer":
        """Find what to execute, or the answer of a check that comes before that."""
        node = self._node
        takes_writes = node.takes_writes
        if not takes_writes and self._has_backpressure and node.is_at_capacity():
            self.turned_away += 1
            raise too_many_pending()
        if not self.is_open:
            self.closed_to += 1
            raise not_open()
        try:
            match = self.registry.find(request.method, path)
        except AmbiguousPath as error:
            raise internal_error(str(error)) from error
        if match is None:
            match = self.registry.find_default(request.path, path)
        if match is None:
            return self._not_found(request, path)
        interface = session.interface
        if not interface.accepts(match.full_path):
            return empty_reply(503)
        if interface.redirect_to_primary or interface.redirect_to_backup:
            return redirect(node, match.endpoint, request, interface) or match
        forwarding = match.endpoint.forwarding
        if (
            takes_writes
            or forwarding is Forwarding.NEVER
            or (forwarding is Forwarding.SOMETIMES and not session.is_forwarding)
            or node.is_primary
        ):
            return match
        trace = self._calls.current.trace
        return forward(node, match.endpoint, request, session, trace)

    def _not_found(self, request: "Request", path: str) -> Response:
        methods = self.registry.methods_of(path)
        if not methods:
            raise not_found(f"Unknown path: {path}.")
        allow = ", ".join(["OPTIONS", *methods])
        if request.method == "OPTIONS":
            return empty_reply(204, {"allow": allow})
        raise unsupported_verb(path, allow)

    def _execute(
        self,
        match: Match,
        request: "Request",
        session: "Session",
        call: NodeCall,
        taken_up_ns: int = 0,
    ) -> "Answer":
        """Authenticate, run the handler and commit.

        A handler whose response comes later has its transaction dropped: what it will
        answer with rests on nothing that it read here.

        Raises:
            ApiError: a policy or the handler failed, or the session is inconsistent.
            Conflict: run it all again.
        """
        call.frontend = self
        call.endpoint = endpoint = match.endpoint
        node = self._node
        wait_ms = self._admit_wait(request) if WAIT_HEADER in request.headers else None
        tx = (
            node.begin(read_only=endpoint.mode is not _READ_WRITE)
            if endpoint.mode is not _COMMAND or endpoint.auth
            else None
        )
        context = Context(request, session, node, endpoint, match.params, tx)
        call.context = context
        if call.trace is not None:
            context.trace = call.trace
            call.trace.reaches(endpoint.path, is_counted=endpoint.is_shown)
        response = self._run(endpoint, context, taken_up_ns)
        if isinstance(response, _Refusal):
            return response.response
        if call.is_away and tx is not None:
            tx.check_whole()
        view, active_view = node.view, session.active_view
        if active_view is None or active_view != view:
            session.stay_in(view)
        if isinstance(response, Awaited):
            return response
        applies = context.apply_writes
        if applies is None:
            applies = _SUCCESS_FIRST <= response.status <= _SUCCESS_LAST
            trailers = response.trailers
            if trailers is not None and trailers.get(_CALL_STATUS, "0") != "0":
                applies = False
        if not applies or tx is None:
            return response
        if context.answer_at_commit is not None:
            node.answers_at_commit.admit()
        return self._commit(context, tx, response, wait_ms)

    def _commit(
        self, context: Context, tx: "Tx", response: Response, wait_ms: int | None
    ) -> "Answer":
        """Commit, and name the transaction in the response."""
        node, endpoint = self._node, context.endpoint
        tx_id = node.commit(tx, context.claims_digest)
        if tx_id is None:
            return response
        if context.trace is not None:
            context.trace.transaction = tx_id
        if endpoint.on_local_commit is None:
            if tx_id is not self._named:  # reads name the same state again and again
                self._named, self._name = tx_id, f"{tx_id.view}.{tx_id.seqno}"
            response.headers[TX_ID_HEADER] = self._name
        else:
            response = self._locally_committed(
                endpoint.on_local_commit, context, response, tx_id
            )
        if context.answer_at_commit is not None:
            return node.answers_at_commit.answer(
                tx_id,
                partial(
                    self._answer_at_commit, context, context.answer_at_commit, tx_id
                ),
            )
        if wait_ms is not None:
            return node.commit_waits.wait(tx_id, response, wait_ms)
        return response

    def _answer_at_commit(
        self,
        former: Context,
        make: "CommitHandler",
        tx_id: TxId,
        status: "TxStatus",
        state: "HistoricalState | None",
    ) -> Response:
        """Make the answer of a caller that waited, in a call of its own."""
        calls, endpoint = self._calls, former.endpoint
        call = calls.current
        call.frontend, call.endpoint = self, endpoint
        call.trace = former.trace
        context = Context(
            former.request,
            former.session,
            self._seen,
            endpoint,
            former.params,
            self._node.begin(read_only=True),
        )
        call.context = context
        context.caller, context.user_data = former.caller, former.user_data
        context.trace, context.historical_state = former.trace, state
        try:
            calls.check_room()
            response = calls.call(
                lambda given: make(given, tx_id, status),
                context,
                endpoint.execution_ms_max,
            )
            check_answer(response)
            check_size(response, calls.limits.response_bytes_max)
        except ApiError as error:
            response = self._refused_late(context, error)
        except Exception as error:  # noqa: BLE001 - in the ledger whatever this does
            failure = self.failed(endpoint, error, _trace_of(context))
            response = failure.response()
        response.headers.setdefault(TX_ID_HEADER, str(tx_id))
        return response

    def _admit_wait(self, request: "Request") -> int | None:
        """Read how long the caller waits for commit, if a place to wait is left."""
        wait_ms = commit_wait_ms(request)
        self._node.commit_waits.admit()
        return wait_ms

    def _run(
        self, endpoint: Endpoint, context: Context, taken_up_ns: int
    ) -> "Answer | _Refusal":
        """Run policies and handler; their unforeseen errors are the service's fault.

        Raises:
            ApiError: one of them failed.
            Conflict: run them again.
        """
        try:
            answer = self._authenticate_and_handle(context, taken_up_ns)
            if self._is_app and type(answer) is Response:
                body_bytes_max = self._calls.limits.response_bytes_max
                if len(answer.body) > body_bytes_max:
                    check_size(answer, body_bytes_max)
        except ApiError as error:
            # Answers such as 404 are frequent. Each function that an exception leaves
            # costs as much as a query, so this one goes no further.
            return _Refusal(self._response_of(context, error))
        except Conflict:
            raise
        except (StoredMalformed, Unwritable) as error:
            raise self.failed(endpoint, error, _trace_of(context)) from error
        except Malformed as error:
            raise ApiError(400, ErrorCode.InvalidInput, str(error)) from error
        except Exception as error:
            # The rim of app code: one broken policy or handler must not stop the node.
            raise self.failed(endpoint, error, _trace_of(context)) from error
        else:
            return answer

    def _authenticate_and_handle(self, context: Context, taken_up_ns: int) -> "Answer":
        """Handle a request of the caller whom the first policy that accepts names."""
        endpoint = context.endpoint
        refusals: tuple[PolicyRefusal, ...] = ()
        for policy in endpoint.auth:
            try:
                if type(policy) in _OUR_POLICIES:
                    context.caller = policy.authenticate(context)
                else:
                    taken_up_ns = 0  # an application's policy may take long
                    context.caller = self._ask(policy, context)
            except Unauthenticated as refusal:
                reason = (policy.name, str(refusal), refusal.challenge)
                refusals = (*refusals, reason)
            else:
                break
        else:
            if refusals:
                raise unauthenticated(refusals)
        limit_ms = endpoint.execution_ms_max
        if not self._is_app or (limit_ms is not None and limit_ms == UNLIMITED):
            return endpoint.handler(context)
        context.node = self._seen
        self._calls.check_room()
        return self._calls.call(endpoint.handler, context, limit_ms, taken_up_ns)

    def _ask(self, policy: "AuthPolicy", context: Context) -> "Identity":
        """Ask a policy that may run an application's code, for a caller yet unknown.

        Raises:
            Unauthenticated: the policy does not accept the caller.
            ApiError: 503, too many calls of the application's are slow.
        """
        if isinstance(policy, AllOf) and not policy.runs_app_code:
            return policy.authenticate(context)
        self._calls.check_room()
        context.node = self._seen
        limit_ms = context.endpoint.execution_ms_max
        if limit_ms == UNLIMITED:  # an interpreter limits its scripts alone
            limit_ms = None
        return self._calls.call(policy.authenticate, context, limit_ms)

    def failed(
        self, endpoint: Endpoint, error: Exception, trace: str | None = None
    ) -> ApiError:
        """Answer that something failed, but not what failed: that may be private."""
        request_id = self._on_unhandled(endpoint, error, Marks(trace))
        return internal_error(f"{words_for(error)} {LOGGED_AS} {request_id}.")

    def _response_of(self, context: Context, error: ApiError) -> Response:
        """Return the response to which an endpoint's error leads.

        Raises:
            ApiError: an application's error cannot be sent.
        """
        if not self._is_app:
            return error.response()
        try:
            response = error.response()
            check_answer(response)
            check_size(response, self._calls.limits.response_bytes_max)
        except Exception as failure:
            raise self.failed(
                context.endpoint, failure, _trace_of(context)
            ) from failure
        return response

    def _locally_committed(
        self,
        tell: LocalCommitHandler,
        context: Context,
        response: Response,
        tx_id: TxId,
    ) -> Response:
        """Report the transaction's id to the caller in the endpoint's own way."""
        endpoint, calls = context.endpoint, self._calls
        try:
            if not self._is_app:
                tell(context, response, tx_id)
            else:
                calls.call(
                    lambda given: tell(given, response, tx_id),
                    context,
                    endpoint.execution_ms_max,
                )
                check_answer(response)
                check_size(response, calls.limits.response_bytes_max)
        except ApiError as error:
            return self._not_told(context, tx_id, f": {error.message}")
        except Exception as error:  # noqa: BLE001 - in the ledger whatever this does
            marks = Marks(_trace_of(context), tx_id)
            request_id = self._on_unhandled(endpoint, error, marks)
            return self._not_told(context, tx_id, f". {LOGGED_AS} {request_id}.")
        return response

    def _not_told(self, context: Context, tx_id: TxId, why: str) -> Response:
        """Answer that a transaction is in the ledger, and its handler failed after."""
        error = internal_error(f"Failed to execute local commit handler func{why}")
        response = self._refused_late(context, error)
        response.headers[TX_ID_HEADER] = str(tx_id)
        return response

    def _refused_late(self, context: Context, error: ApiError) -> Response:
        """Return the response to an error, or to the defect that makes it no answer."""
        try:
            return self._response_of(context, error)
        except ApiError as other:
            return other.response()


def _trace_of(context: Context) -> str | None:
    return None if context.trace is None else context.trace.id
