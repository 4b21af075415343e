"""A node small enough to hold in the hand: a store, and answers the test decides."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from ccfpy.base.ids import NodeId, Seqno, SessionId, TxId, View
from ccfpy.base.json import Json
from ccfpy.base.limits import CREATED_AT_AHEAD_MS
from ccfpy.base.ports import Attestation, Entropy, Given, Result
from ccfpy.boundary.effects import ReportTrace
from ccfpy.consensus.status import TxStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.context import Context, CoseClaims
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.frontend import Frontend
from ccfpy.endpoints.history import (
    Expiry,
    HistoricalState,
    HistoryFailed,
    RequestHandle,
)
from ccfpy.endpoints.index_strategies import Blobs, BlobSeries, Index, Strategy
from ccfpy.endpoints.metrics import EndpointCounts
from ccfpy.endpoints.pending import Answer, Awaited
from ccfpy.endpoints.refusals import Marks
from ccfpy.endpoints.registry import Registry
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.endpoints.tracing import RequestTracer
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.messages import Request, Response
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.testing.entropy import SeededEntropy

NODE_ID = NodeId("aa" * 32)
NOW_S = 1_750_000_000
Kind = TypeVar("Kind", bound=Strategy)
Make = Callable[[TxStatus, HistoricalState | None], Answer]


@dataclass
class Waits:
    """Keeps who waits for commit, if there is room."""

    has_room: bool = True
    waiting: list[tuple[TxId, Response, int]] = field(default_factory=list)

    def admit(self) -> None:
        if not self.has_room:
            raise ApiError(503, ErrorCode.TooManyPendingTransactions, "full")

    def wait(self, tx_id: TxId, response: Response, within_ms: int) -> Awaited:
        self.waiting.append((tx_id, response, within_ms))
        return Awaited()


@dataclass
class AtCommit:
    """Keeps whose answers are made at commit, if there is room."""

    has_room: bool = True
    waiting: list[tuple[TxId, Make]] = field(default_factory=list)

    def admit(self) -> None:
        if not self.has_room:
            raise ApiError(503, ErrorCode.TooManyPendingTransactions, "full")

    def answer(self, tx_id: TxId, make: Make) -> Awaited:
        self.waiting.append((tx_id, make))
        return Awaited()


class NoScripts:
    """Runs none."""

    def call(
        self,
        modules: Mapping[str, str],
        function: str,
        arguments: Sequence[Json | bytes],
        *,
        execution_ms_max: int | None = None,
    ) -> Json:
        del modules, function, arguments, execution_ms_max
        raise AssertionError("no application here runs any")


@dataclass
class Past:
    """States that are there, and which others were asked for.

    Attributes:
        states: what can be given, by seqno.
        failing: seqnos that can never be given.
        waiting: requests to run again, with what they wait for and how long.
    """

    states: dict[Seqno, HistoricalState] = field(default_factory=dict)
    failing: set[Seqno] = field(default_factory=set)
    asked: dict[RequestHandle, tuple[Seqno, ...]] = field(default_factory=dict)
    has_room: bool = True
    waiting: list[tuple[Request, Callable[[], bool], int]] = field(default_factory=list)

    def state_at(
        self, handle: RequestHandle, seqno: Seqno, *, expiry_s: Expiry = None
    ) -> HistoricalState | None:
        states = self.states_for(handle, (seqno,), expiry_s=expiry_s)
        return None if states is None else states[0]

    def states_range(
        self,
        handle: RequestHandle,
        first: Seqno,
        last: Seqno,
        *,
        expiry_s: Expiry = None,
    ) -> Sequence[HistoricalState] | None:
        return self.states_for(handle, range(first, last + 1), expiry_s=expiry_s)

    def states_for(
        self,
        handle: RequestHandle,
        seqnos: Iterable[Seqno],
        *,
        expiry_s: Expiry = None,
    ) -> Sequence[HistoricalState] | None:
        del expiry_s
        wanted = self.asked[handle] = tuple(sorted(set(seqnos)))
        if not self.failing.isdisjoint(wanted):
            raise HistoryFailed("it is lost")
        if not self.is_settled(handle):
            return None
        return [self.states[seqno] for seqno in wanted]

    def drop_request(self, handle: RequestHandle) -> bool:
        return self.asked.pop(handle, None) is not None

    def is_settled(self, handle: RequestHandle) -> bool:
        return self.states.keys() >= set(self.asked.get(handle, ()))

    def service_keys(self) -> Sequence[bytes] | None:
        return (b"key",)

    def wait(
        self,
        request: Request,
        _: Session,
        until: Callable[[], bool],
        within_ms: int,
    ) -> Awaited | None:
        if not self.has_room:
            return None
        self.waiting.append((request, until, within_ms))
        return Awaited()


class NoBlobs:
    """Keeps none."""

    def begin(self) -> BlobSeries:
        raise AssertionError("no strategy here needs any")

    def inside(self, look: Callable[[Given], Result], given: Given) -> Result:
        return look(given)


class Indexes:
    """The strategies that were installed."""

    def __init__(self) -> None:
        self.installed: dict[Index[Any], Strategy] = {}
        self._blobs = NoBlobs()

    @property
    def blobs(self) -> Blobs:
        return self._blobs

    def install(self, index: Index[Any], strategy: Strategy) -> None:
        self.installed[index] = strategy

    def uninstall(self, index: Index[Any]) -> None:
        del self.installed[index]

    def strategy(self, index: Index[Kind]) -> Kind | None:
        return cast("Kind | None", self.installed.get(index))

    def describe(self) -> list[Json]:
        return [strategy.describe() for strategy in self.installed.values()]


@dataclass
class StoreNode:
    """A node of one store that orders what it is given, all in one view."""

    store: Store = field(default_factory=Store)
    node_id: NodeId = NODE_ID
    is_primary: bool = True
    view: View = 2
    unix_time_us: int = NOW_S * 1_000_000
    entropy: Entropy = field(default_factory=lambda: SeededEntropy(1))
    at_capacity: bool = False
    committed: TxId | None = None
    views: Sequence[TxId] = (TxId(2, 1),)
    statuses: dict[TxId, TxStatus] = field(default_factory=dict)
    addresses: dict[tuple[str, str], str] = field(default_factory=dict)
    claims: list[bytes | None] = field(default_factory=list)
    forwarded: list[tuple[Request, Awaited]] = field(default_factory=list)
    commit_waits: Waits = field(default_factory=Waits)
    answers_at_commit: AtCommit = field(default_factory=AtCommit)
    scripts: NoScripts = field(default_factory=NoScripts)
    history: Past = field(default_factory=Past)
    indexing: Indexes = field(default_factory=Indexes)

    @property
    def created_at_latest_s(self) -> int:
        return (self.unix_time_us + 1000 * CREATED_AT_AHEAD_MS) // 1_000_000

    @property
    def cose_claims(self) -> CoseClaims:
        return CoseClaims("issuer", "subject")

    @property
    def takes_writes(self) -> bool:
        return self.is_primary and not self.at_capacity

    def is_at_capacity(self) -> bool:
        return self.at_capacity

    def tx_status(self, tx_id: TxId) -> TxStatus:
        return self.statuses.get(tx_id, TxStatus.UNKNOWN)

    def committed_tx_id(self) -> TxId | None:
        return self.committed

    def view_of(self, seqno: Seqno) -> View | None:
        return self.view if 1 <= seqno <= self.store.version else None

    def endpoint_counts(self) -> Sequence[EndpointCounts]:
        return ()

    def view_history(self, since: View) -> Sequence[TxId] | None:
        return None if since > self.view else [t for t in self.views if t[0] >= since]

    def begin(self, *, read_only: bool) -> Tx:
        return self.store.begin(read_only=read_only)

    def commit(self, tx: Tx, claims_digest: bytes | None) -> TxId | None:
        read_version = tx.read_version
        committed = self.store.commit(tx)
        if committed is not None:
            self.claims.append(claims_digest)
            return TxId(self.view, committed.version)
        return None if read_version is None else TxId(self.view, read_version)

    def address_of(self, role: str, interface: str) -> str | None:
        return self.addresses.get((role, interface))

    def attest(self, data: bytes) -> Attestation:
        return Attestation("Insecure_Virtual", data, b"")

    def forward(self, request: Request, _: Session) -> Awaited:
        awaited = Awaited()
        self.forwarded.append((request, awaited))
        return awaited


def session(
    caller: Certificate | None = None, interface: InterfaceRules | None = None
) -> Session:
    return Session(
        id=SessionId(7),
        interface=interface or InterfaceRules(name="main"),
        caller=caller,
    )


def context_of(
    node: StoreNode,
    *,
    caller: Certificate | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    query: str = "",
    params: Mapping[str, str] | None = None,
) -> Context:
    """What a policy or handler would be given for such a request."""
    return Context(
        request=Request(
            method="POST",
            path="/app/x",
            query=query,
            headers=dict(headers or {}),
            body=body,
        ),
        session=session(caller),
        node=node,
        endpoint=Endpoint(
            method="POST", path="/x", handler=lambda _: Response(status=1)
        ),
        params=params or {},
        tx=node.begin(read_only=False),
    )


class MovableClock:
    """Elapsed time that a test moves."""

    now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns


@dataclass
class HostMoment:
    """What a host last said of the time."""

    monotonic_ms: int = 0
    unix_us: int = NOW_S * 1_000_000


@dataclass
class Front:
    """An open frontend of these endpoints, and the errors it told its node of.

    Attributes:
        traces: what it reports of traced requests, if it makes traces.
    """

    endpoints: Sequence[Endpoint]
    node: StoreNode = field(default_factory=StoreNode)
    has_backpressure: bool = True
    unhandled: list[BaseException] = field(default_factory=list)
    marks: list[Marks] = field(default_factory=list)
    clock: MovableClock = field(default_factory=MovableClock)
    traces: list[ReportTrace] | None = None
    time: HostMoment = field(default_factory=HostMoment)

    def __post_init__(self) -> None:
        registry = Registry("app", title="t", description="d", version="1")
        for endpoint in self.endpoints:
            registry.add(endpoint)
        tracer = None
        if self.traces is not None:
            tracer = RequestTracer(
                time=self.time,
                clock=self.clock,
                entropy=SeededEntropy(2),
                report=self.traces.append,
            )
        self.frontend = Frontend(
            registry,
            self.node,
            clock=self.clock,
            has_backpressure=self.has_backpressure,
            on_unhandled=self._note,
            is_app=True,
            tracer=tracer,
        )
        self.frontend.is_open = True

    def _note(self, _: Endpoint, error: BaseException, marks: Marks) -> str:
        self.unhandled.append(error)
        self.marks.append(marks)
        return f"id{len(self.unhandled)}"

    def call(
        self,
        method: str,
        path: str,
        *,
        session_: Session | None = None,
        query: str = "",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        request = Request(
            method=method,
            path=f"/app{path}",
            query=query,
            headers=dict(headers or {}),
            body=body,
        )
        response = self.frontend.answer(request, session_ or session(), path)
        assert isinstance(response, Response), "use the frontend for what comes later"
        return response
