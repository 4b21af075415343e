"""The recording of requests that a development service's node adds to serving scripts.

Each request becomes a line of the node's log, bodies included, so send a development
service no secrets. A request that ran again after a conflict is recorded once, as it
was answered.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ccfpy.devtools.served import MARK, ServedRequest, bounded
from ccfpy.devtools.stage import LastCall, TracingEngine, said
from ccfpy.endpoints.auth.policy import Identity, SecurityScheme, Unauthenticated
from ccfpy.endpoints.declaration import Endpoint, Match, Mode
from ccfpy.endpoints.frontend import TX_ID_HEADER
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.registry import Registry
from ccfpy.http.errors import ApiError
from ccfpy.js.serving import ScriptedRegistry
from ccfpy.js.serving.scripts import ScriptLog, ScriptNode

if TYPE_CHECKING:
    from ccfpy.base.ids import TxId
    from ccfpy.endpoints.auth import AuthPolicy
    from ccfpy.endpoints.context import Context
    from ccfpy.endpoints.pending import Answer
    from ccfpy.http.messages import Response

_SUCCESS = range(200, 300)
_REFUSED = 401


class RecordingNode:
    """The node, as its scripts see it; what they log and throw is noted."""

    def __init__(self, node: ScriptNode) -> None:
        self._log = node.log
        self.engine = TracingEngine(node.clock)
        self.lines: list[tuple[str, str]] = []
        self.seen_by_scripts = replace(node, engine=self.engine, log=self.log)

    @property
    def last(self) -> LastCall:
        """How the last call went."""
        return self.engine.last

    def log(self, tag: ScriptLog, level: str, text: str) -> None:
        """Pass a line on, and note what the application itself says."""
        if tag is ScriptLog.APP:
            self.lines.append((level, text))
        self._log(tag, level, text)

    def tell(self, served: ServedRequest) -> None:
        """Write a request to the log."""
        self._log(ScriptLog.JS, "info", MARK + served.to_line())

    def start(self) -> None:
        """Forget the request before."""
        self.lines.clear()
        self.last.begin()


class RecordingRegistry(ScriptedRegistry):
    """Endpoints in tables, each of whose requests is told."""

    _recorder: "_Recorder | None" = None

    def attach(self, node: ScriptNode) -> None:
        """Serve on a node, and tell it."""
        recorded = RecordingNode(node)
        self._recorder = _Recorder(recorded)
        super().attach(recorded.seen_by_scripts)

    def find(self, method: str, path: str) -> Match | None:
        """Find an endpoint; one in a table is given so that its requests are told."""
        found = super().find(method, path)
        own = Registry.find(self, method, path)
        if found is None or self._recorder is None:
            return found
        if own is not None and own.endpoint is found.endpoint:
            return found
        if found.endpoint.mode is Mode.COMMAND:  # none of an app's: it cannot be served
            return found
        return replace(found, endpoint=self._recorder.recorded(found.endpoint))


@dataclass(slots=True)
class _Recorder:
    node: RecordingNode

    def recorded(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint with a recorder around it."""
        taken: list[ServedRequest] = []
        auth = endpoint.auth
        if auth:
            last = _LastPolicy(policy=auth[-1], node=self.node)
            auth = (*auth[:-1], last)

        def handler(context: "Context") -> "Answer":
            self.node.start()
            taken.clear()
            try:
                answer = endpoint.handler(context)
            except ApiError as error:
                self.node.tell(self._served(context, error.response()))
                raise
            if isinstance(answer, Awaited):
                return answer
            served = self._served(context, answer)
            if _becomes_a_transaction(context, answer):
                taken.append(served)
            else:
                self.node.tell(served)
            return answer

        def committed(_: "Context", response: "Response", tx_id: "TxId") -> None:
            response.headers[TX_ID_HEADER] = str(tx_id)
            for served in taken:
                self.node.tell(replace(served, txid=str(tx_id)))

        return replace(endpoint, handler=handler, on_local_commit=committed, auth=auth)

    def _served(self, context: "Context", answer: "Response") -> ServedRequest:
        last = self.node.last
        thrown = last.thrown
        return replace(
            _asked(context),
            elapsed_ms=last.elapsed_ms,
            lines=tuple(said(self.node.lines, thrown)),
            thrown=None if thrown is None else thrown.reason,
            trace=None if thrown is None else thrown.trace,
        ).with_answer(answer)


def _becomes_a_transaction(context: "Context", answer: "Response") -> bool:
    """Return whether the request will have a transaction's id (``Frontend``)."""
    applies = context.apply_writes
    if applies is None:
        applies = answer.status in _SUCCESS
    return applies and context.tx.read_version is not None


def _asked(context: "Context") -> ServedRequest:
    request, caller = context.request, context.session.caller
    return ServedRequest(
        unix_time_us=context.node.unix_time_us,
        method=request.method,
        path=request.path,
        query=request.query,
        headers=dict(request.headers),
        body=bounded(request.body),
        caller=None if caller is None else caller.pem,
        endpoint=context.endpoint.path,
        read_version=context.tx.read_version,
        status=0,
    )


@dataclass(frozen=True, slots=True)
class _LastPolicy:
    """The policy whose refusal is the request's: none is asked after it."""

    policy: "AuthPolicy"
    node: RecordingNode = field(repr=False)

    @property
    def name(self) -> str:
        return self.policy.name

    @property
    def security_scheme(self) -> SecurityScheme | None:
        return self.policy.security_scheme

    def authenticate(self, context: "Context") -> Identity:
        try:
            return self.policy.authenticate(context)
        except Unauthenticated as refusal:
            served = replace(
                _asked(context), status=_REFUSED, answer=None, thrown=str(refusal)
            )
            self.node.tell(served)
            raise
