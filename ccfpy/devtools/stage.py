"""An application's JavaScript on a store in this process, with no node around it.

What runs is what a node runs: the same endpoints found in the same tables, the same
policies, the same interpreters under the same limits. What nobody is there for, such as
a primary to forward to, is refused with a word that says so.

An engine that remembers how its last served call went.

Answers and logs carry a stack as CCF's engine writes it, without columns. Here it is
kept as the engine told it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn, TypeAlias

from ccfpy.base import json
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import NodeId, Seqno, SessionId, TxId, View
from ccfpy.base.json import JsonObject
from ccfpy.base.limits import CREATED_AT_AHEAD_MS
from ccfpy.base.ports import Clock
from ccfpy.client.keys import OsEntropy
from ccfpy.consensus.status import TxStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.devtools.ledger_state import PastStates
from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.endpoints.context import CoseClaims
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.frontend import Frontend
from ccfpy.endpoints.metrics import EndpointCounts
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.refusals import Marks
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.messages import Request, Response
from ccfpy.js.engine import Interpreter, JsException, JsLimits, Library
from ccfpy.js.extension import Extension, ExtensionArgument
from ccfpy.js.quickjs import QuickJs
from ccfpy.js.serving import GOVERNED, ScriptedRegistry, Scripts
from ccfpy.js.serving.execution import INTERRUPTED
from ccfpy.js.serving.scripts import ScriptLog, ScriptNode
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service.tables.js import JsRuntimeOptions


@dataclass(slots=True)
class LastCall:
    """How the last served call went.

    Attributes:
        thrown: what it threw, if it did.
        elapsed_ms: how long the script took; nothing if none ran.
    """

    thrown: JsException | None = None
    elapsed_ms: int | None = None

    def begin(self) -> None:
        """Forget the call before."""
        self.thrown = None
        self.elapsed_ms = None


class TracingEngine(QuickJs):
    """An engine, and what is known of its last served call."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.last = LastCall()

    def interpreter(
        self, library: Library, extensions: Sequence[Extension], *, is_reused: bool
    ) -> Interpreter:
        """Make an interpreter whose calls are traced."""
        interpreter = super().interpreter(library, extensions, is_reused=is_reused)
        return _Traced(interpreter, self.last)


@dataclass(slots=True)
class _Traced:
    interpreter: Interpreter
    last: LastCall

    @property
    def elapsed_ms(self) -> int:
        return self.interpreter.elapsed_ms

    def serve(
        self, module: str, function: str, limits: JsLimits, given: bytes = b""
    ) -> Sequence[ExtensionArgument]:
        try:
            return self.interpreter.serve(module, function, limits, given)
        except JsException as error:
            self.last.thrown = error
            raise
        finally:
            self.last.elapsed_ms = self.interpreter.elapsed_ms


def said(
    lines: Sequence[tuple[str, str]], thrown: JsException | None
) -> Sequence[tuple[str, str]]:
    """Return what the script logged, without the node's line about its exception."""
    if thrown is None or not lines:
        return lines
    level, text = lines[-1]
    is_the_nodes = level == "fail" and text.startswith((thrown.reason, INTERRUPTED))
    return lines[:-1] if is_the_nodes else lines


PREFIX = "app"
NODE_ID = NodeId("00" * 32)
_NOT_HERE = "is not there where an app is run without a node"

Line: TypeAlias = tuple[str, str]
"""What a script logged: the level (``info``, ``fail``, ``fatal``) and the text."""


class NotOnStage(CcfpyError):
    """Something was asked of a node that is not there."""


class _Clock:
    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


@dataclass(slots=True)
class StageNode:
    """What endpoints and scripts ask of their node, answered from one store.

    Attributes:
        last: of the transactions in the store; whatever is committed now comes after.
        written: what the last transaction changed, by map; nothing if it changed none.
    """

    store: Store
    last: TxId
    unix_time_us: int
    history: PastStates
    lines: list[Line] = field(default_factory=list)
    written: WriteSet = field(default_factory=dict)
    node_id: NodeId = NODE_ID
    is_primary: bool = True
    app_calls: AppCalls = field(default_factory=AppCalls)
    clock: _Clock = field(default_factory=_Clock)
    entropy: OsEntropy = field(default_factory=OsEntropy)
    engine: TracingEngine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = TracingEngine(self.clock)

    @property
    def created_at_latest_s(self) -> int:
        """The latest time at which a request may say that it was signed."""
        return (self.unix_time_us + 1000 * CREATED_AT_AHEAD_MS) // 1_000_000

    # Scripts

    @property
    def seen_by_scripts(self) -> ScriptNode:
        """The node, as scripts see it."""
        return ScriptNode(
            engine=self.engine,
            entropy=self.entropy,
            clock=self.clock,
            app_calls=self.app_calls,
            begin=self.begin,
            log=self.log,
        )

    def log(self, tag: ScriptLog, level: str, text: str) -> None:
        """Keep what the application itself says."""
        if tag is ScriptLog.APP:
            self.lines.append((level, text))

    # NodeView

    @property
    def view(self) -> View:
        """The view of what is in the store."""
        return self.last.view

    @property
    def cose_claims(self) -> CoseClaims:
        """Claims of a service that signs nothing."""
        return CoseClaims("", "")

    @property
    def takes_writes(self) -> bool:
        """Take writes as a primary does."""
        return self.is_primary

    def is_at_capacity(self) -> bool:
        """Take every request."""
        return False

    def tx_status(self, tx_id: TxId) -> TxStatus:
        """Return the status: committed if the store has the transaction."""
        known = self.history.txid_of(tx_id.seqno)
        if known is None:
            return TxStatus.UNKNOWN
        return TxStatus.COMMITTED if known == tx_id else TxStatus.INVALID

    def committed_tx_id(self) -> TxId | None:
        """Name the last transaction in the store."""
        return self.last

    def view_of(self, seqno: Seqno) -> View | None:
        """Return the view of a transaction in the store."""
        known = self.history.txid_of(seqno)
        return None if known is None else known.view

    def endpoint_counts(self) -> Sequence[EndpointCounts]:
        """List none: nothing is counted here."""
        return ()

    def view_history(self, since: View) -> None:
        """Know no views before this one."""
        del since

    def begin(self, *, read_only: bool = True) -> Tx:
        """Open a transaction."""
        return self.store.begin(read_only=read_only)

    def commit(self, tx: Tx, claims_digest: bytes | None) -> TxId | None:
        """Keep what the transaction changed aside; nothing is committed."""
        del claims_digest
        self.written = tx.writes
        return None if tx.read_version is None else TxId(self.view, tx.read_version)

    def address_of(self, role: str, interface: str) -> None:
        """Know no other node."""
        del role, interface

    def attest(self, data: bytes) -> NoReturn:
        """Refuse: no node is here to vouch for."""
        del data
        _refuse("evidence")

    def forward(self, request: Request, session: Session) -> Awaited:
        """Refuse: there is no other node."""
        del request, session
        _refuse("another node")

    @property
    def commit_waits(self) -> "StageNode":
        """Where responses wait for commit: here, without waiting."""
        return self

    def admit(self) -> None:
        """Allow every waiter."""

    def wait(self, tx_id: TxId, response: Response, within_ms: int) -> Response:
        """Return the response at once."""
        del tx_id, within_ms
        return response

    @property
    def answers_at_commit(self) -> NoReturn:
        """Refuse: scripts make no answer at commit."""
        _refuse("an answer at commit")

    @property
    def scripts(self) -> NoReturn:
        """Refuse: no application in Python runs here."""
        _refuse("an application in Python")

    @property
    def indexing(self) -> NoReturn:
        """Refuse: scripts have no indexes."""
        _refuse("an index")


def _refuse(what: str) -> NoReturn:
    raise NotOnStage(f"{what} {_NOT_HERE}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """The outcome of one request.

    Attributes:
        writes: the changes that it would make, by map.
        lines: its log lines.
        thrown: the exception of its script.
        trace: the stack of that exception, as the engine reports it.
    """

    response: Response
    writes: WriteSet
    lines: tuple[Line, ...]
    thrown: str | None = None
    trace: str | None = None


class Stage:
    """An application's endpoints, served from a store.

    Args:
        store: holds the application's tables, and whatever else it reads.
        last: names the last transaction in the store.
        unix_time_us: the time it is told.
        history: the transactions before.
    """

    def __init__(
        self,
        store: Store,
        *,
        last: TxId | None = None,
        unix_time_us: int = 0,
        history: PastStates | None = None,
    ) -> None:
        self.node = StageNode(
            store=store,
            last=last or TxId(View(2), store.version),
            unix_time_us=unix_time_us,
            history=history or PastStates(),
        )
        self._registry = ScriptedRegistry(
            PREFIX,
            title="",
            description="",
            version="",
            scripts=Scripts(tables=GOVERNED),
        )
        self._registry.attach(self.node.seen_by_scripts)
        self._frontend = Frontend(
            self._registry,
            self.node,
            clock=self.node.clock,
            has_backpressure=False,
            on_unhandled=self._log_unhandled,
        )
        self._frontend.is_open = True

    def _log_unhandled(self, _: Endpoint, error: BaseException, __: Marks) -> str:
        """Show an error that a node would hide: the user of a replay wrote the app."""
        self.node.lines.append(("fail", f"{error}"))
        return "replayed"

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        """Find an endpoint by its verb and a path without prefix."""
        found = self._registry.find(method, path)
        return None if found is None else found.endpoint

    def perform(self, request: Request, caller: Certificate | None) -> Performance:
        """Answer a request; the store stays what it is."""
        node = self.node
        node.lines.clear()
        node.written = {}
        node.engine.last.begin()
        session = Session(
            id=SessionId(0), interface=InterfaceRules(name="stage"), caller=caller
        )
        path = request.path.removeprefix(f"/{PREFIX}")
        answer = self._frontend.answer(request, session, path)
        if isinstance(answer, Awaited):
            answer = ApiError(
                500, ErrorCode.NotImplemented, f"What is waited for {_NOT_HERE}."
            ).response()
        thrown = node.engine.last.thrown
        return Performance(
            response=answer,
            writes=node.written,
            lines=tuple(said(node.lines, thrown)),
            thrown=None if thrown is None else thrown.reason,
            trace=None if thrown is None else thrown.trace,
        )


def install(
    store: Store, modules: Mapping[str, str], endpoints: Mapping[str, JsonObject]
) -> None:
    """Put an application into a store, as ``set_js_app`` does.

    Args:
        store: takes it as its next transaction.
        modules: sources by absolute path.
        endpoints: properties by verb and path, such as ``GET /x``; as they are.
    """
    tx = store.begin()
    GOVERNED.modules.of(tx).clear()
    for name, source in modules.items():
        GOVERNED.modules.of(tx).put(name, source)
    raw = GOVERNED.endpoints.of(tx).raw
    raw.clear()
    for key, properties in endpoints.items():
        raw.put(key.encode(), json.dumps(properties))
    GOVERNED.flush.of(tx).put(True)
    store.commit(tx)


def let_exceptions_show(store: Store) -> None:
    """Set the option by which answers carry what a script threw."""
    tx = store.begin()
    value = GOVERNED.options.of(tx)
    options = value.get() or JsRuntimeOptions()
    value.put(replace(options, return_exception_details=True))
    store.commit(tx)
