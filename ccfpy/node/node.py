"""The whole trusted node behind one call: ``effects = node.step(events)``.

A node is made empty and given a ``Boot`` first; it becomes a `RunningNode`.
Everything after that is events in, effects out, with no other way in or out.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar, assert_never

from ccfpy.base.errors import ConfigurationRefused, Malformed
from ccfpy.base.ports import Clock, Entropy, Memory, Platform, Watchdog
from ccfpy.boundary.configuration import CommandType, JoinConfiguration
from ccfpy.boundary.effects import Effect, LogTag, Stop, Wake
from ccfpy.boundary.events import (
    BlobRead,
    Boot,
    CallData,
    CallEnded,
    CallOpened,
    Event,
    LedgerRead,
    PeerMessage,
    SessionClosed,
    SessionData,
    SessionOpened,
    SessionWritten,
    SnapshotRead,
    StopRequested,
    Tick,
    Woken,
)
from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.endpoints.application import Application
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.frontend import Frontend
from ccfpy.endpoints.registry import Registry
from ccfpy.gov.api import governance_registry
from ccfpy.http.tls_engine import TlsEngine
from ccfpy.js.quickjs import QuickJs
from ccfpy.node import boot
from ccfpy.node.api import node_registry
from ccfpy.node.app_code import AppCode
from ccfpy.node.forwarding.forwarder import Forwarder
from ccfpy.node.governance import NodeGovernance
from ccfpy.node.history import StateCache
from ccfpy.node.indexing import Indexer, SealedBlobs
from ccfpy.node.joining import join, start
from ccfpy.node.joining.bootstrap import Bootstrap
from ccfpy.node.joining.endorsements import EndorsementFetch
from ccfpy.node.jwt_refresh import JwtRefresh
from ccfpy.node.ledger_reads import LedgerReads
from ccfpy.node.outbound import OutboundClient
from ccfpy.node.outbox import Outbox
from ccfpy.node.recovery import recover
from ccfpy.node.recovery.private_recovery import RecoveryFailed
from ccfpy.node.recovery.recover import Recover
from ccfpy.node.replication.ledger_tail import EntryTooLarge
from ccfpy.node.running import RunningNode
from ccfpy.node.scripts import NodeScripts, let_scripts_run
from ccfpy.node.sessions.router import Router
from ccfpy.node.sessions.sessions import Sessions
from ccfpy.node.snapshots.reads import SnapshotReads
from ccfpy.node.wake_flag import WakeFlag

START_REFUSED = 1
"""The exit code of a node that its configuration does not let begin."""
JOIN_REFUSED = 1
RECOVERY_REFUSED = 1
CANNOT_GO_ON = 1

What = TypeVar("What")


class Node:
    """One node, from before its boot until it stops."""

    def __init__(  # noqa: PLR0913  # each has its name
        self,
        *,
        app: Application,
        entropy: Entropy,
        clock: Clock,
        memory: Memory,
        platform: Platform | None = None,
        tls: TlsEngine | None = None,
        watchdog: Watchdog | None = None,
    ) -> None:
        self._app = app
        self._app_code = AppCode(
            AppCalls(watchdog), outbox=(outbox := Outbox()), entropy=entropy
        )
        self._ports = boot.Ports(
            entropy=entropy, clock=clock, platform=platform, tls=tls
        )
        self._memory = memory
        self._outbox = outbox
        self._wake_flag = WakeFlag()
        self._running: RunningNode | None = None
        self._sessions: Sessions | None = None
        self._router: Router | None = None
        self._calls = OutboundClient(self._outbox)
        self._snapshot_reads = SnapshotReads(self._outbox)
        self._ledger_reads = LedgerReads(self._outbox)
        self._endorsements: EndorsementFetch | None = None
        self._bootstrap: Bootstrap | None = None
        self._is_stopped = False
        self._is_to_be_woken = False

    def step(self, events: Sequence[Event]) -> list[Effect]:
        """Take events in the order they happened; give what is to be done, in order.

        One step serves so many clients, and so much of each (`sessions.turns`). While
        others wait the node asks for another step by ``Wake``.
        """
        if len(events) == 1 and type(events[0]) is SessionData:  # most steps
            self._attempt(self._serve_alone, events[0])
        else:
            self._take_all(events)
        if self._running is not None and not self._is_stopped:
            self._end_turn(self._running, len(events))
        return self._outbox.take()

    def _take_all(self, events: Sequence[Event]) -> None:
        """Take events in their order; those of clients together, where they are."""
        if self._sessions is not None:
            self._sessions.turns.renew()
        said: list[SessionData] = []
        for event in events:
            if type(event) is SessionData:  # by far the most
                said.append(event)
                continue
            if said:
                self._attempt(self._serve, said)
                said = []
            if type(event) is Woken:
                self._is_to_be_woken = False
                continue
            self._wake_flag.set()
            self._attempt(self._take, event)
        if said:
            self._attempt(self._serve, said)

    def _attempt(self, do: Callable[[What], None], what: What) -> None:
        """Do something, unless the node has stopped; if it cannot go on, it stops."""
        if self._is_stopped:
            return
        try:
            do(what)
        except ConfigurationRefused as refusal:
            self._stop(START_REFUSED, str(refusal))
        except (EntryTooLarge, RecoveryFailed) as failure:
            self._stop(CANNOT_GO_ON, str(failure))

    def _serve_alone(self, event: SessionData) -> None:
        sessions, router = self._sessions, self._router
        if sessions is not None and router is not None:
            sessions.data_alone(event, router)

    def _serve(self, said: list[SessionData]) -> None:
        """Serve what clients said between two other events."""
        sessions, router = self._sessions, self._router
        if sessions is not None and router is not None:
            sessions.data(said, router)

    def _end_turn(self, running: RunningNode, events: int) -> None:
        """Let what this step made due happen, and what that makes due in turn.

        Connections whose awaited response came go on, perhaps with further requests.
        """
        sessions, router = self._sessions, self._router
        assert sessions is not None, "they are made with the running"
        assert router is not None, "likewise"
        turns = sessions.turns
        waiting = turns.waiting
        running.timer.saw(events + waiting)
        try:
            if waiting or sessions.is_full:
                sessions.take_turns(router)
            is_flagged = self._wake_flag.take()
            if is_flagged:
                running.indexing.work()
            running.end_turn(is_flagged=is_flagged)
            while sessions.has_settled:
                sessions.resume(router)
                running.end_turn(is_flagged=self._wake_flag.take())
            if turns.waiting and not self._is_to_be_woken:
                self._is_to_be_woken = True
                self._outbox.put(Wake())
        except (EntryTooLarge, RecoveryFailed) as failure:
            self._stop(CANNOT_GO_ON, str(failure))

    def _take(self, event: Event) -> None:
        match event:
            case SessionData() | Woken():
                raise AssertionError("taken before any other")
            case SessionOpened() | SessionClosed() | SessionWritten():
                self._take_session(event)
            case PeerMessage():
                self._take_peer_message(event)
            case Boot():
                self._boot(event)
            case Tick():
                self._tick(event)
            case StopRequested():
                self._stop_requested(event)
            case LedgerRead() | SnapshotRead() | BlobRead():
                self._take_read(event)
            case CallOpened() | CallData() | CallEnded():
                self._take_call(event)
            case _:
                assert_never(event)

    def _take_peer_message(self, message: PeerMessage) -> None:
        if self._running is not None:
            self._running.receive(message)

    def _take_read(self, event: LedgerRead | SnapshotRead | BlobRead) -> None:
        match event:
            case LedgerRead():
                self._ledger_reads.answered(event)
            case SnapshotRead():
                self._snapshot_reads.answered(event)
            case BlobRead():
                if self._running is not None:
                    self._running.indexing.blobs.answered(event)
            case _:
                assert_never(event)

    def _take_call(self, event: CallOpened | CallData | CallEnded) -> None:
        calls = self._calls
        match event:
            case CallOpened():
                calls.opened(event.call)
            case CallData():
                calls.received(event.call, event.data)
            case CallEnded():
                calls.ended(event.call, event.reason)
            case _:
                assert_never(event)

    def _take_session(
        self, event: SessionOpened | SessionClosed | SessionWritten
    ) -> None:
        sessions, router = self._sessions, self._router
        if sessions is None or router is None:
            return
        match event:
            case SessionOpened():
                sessions.open(event.session, event.interface)
            case SessionClosed():
                sessions.left(event.session, router)
            case SessionWritten():
                sessions.written(event)
            case _:
                assert_never(event)

    def _boot(self, event: Boot) -> None:
        if self._running is not None:
            self._stop(START_REFUSED, "The host told a running node to boot")
            return
        try:
            running = self._begin(event)
        except Malformed as error:
            raise ConfigurationRefused(str(error)) from error
        self._sessions = Sessions(
            boot.interfaces_of(event.configuration),
            certificates=running.certificates,
            outbox=self._outbox,
        )
        self._app_code.logs_places = event.configuration.logs_tracebacks
        engine = QuickJs(self._ports.clock)
        governance = NodeGovernance(running, engine)
        scripts = NodeScripts(
            running,
            engine,
            self._ports.clock,
            election_timeout_ms=event.configuration.consensus.election_timeout_ms,
        )
        registries = {
            "app": let_scripts_run(self._app.registry(), scripts),
            "gov": governance_registry(governance),
            "node": node_registry(
                running,
                self._sessions,
                self._snapshot_reads,
                memory=self._memory,
                js_version=governance.engine.version,
            ),
        }
        running.frontends.update(
            {name: self._frontend(running, r) for name, r in registries.items()}
        )
        running.frontends["node"].is_open = True
        self._router = Router(running.frontends)
        self._let_serve(running, self._router, event)
        self._running = running
        self._calls.tick(running.time.monotonic_ms)
        self._endorsements = EndorsementFetch(
            running,
            self._calls,
            done=partial(self._set_out, running, event),
            refused=partial(self._stop, START_REFUSED),
        )
        self._endorsements.start()

    def _let_serve(self, running: RunningNode, router: Router, event: Boot) -> None:
        """Give a running node what runs requests in a later step, or from elsewhere."""
        running.app_code = self._app_code
        running.wake_flag = self._wake_flag
        running.forwarder = Forwarder(
            channels=running.channels,
            primary=lambda: running.primary_id,
            serve=router.answer,
            log=self._outbox,
            now_ms=event.monotonic_ms,
        )
        running.history = StateCache(
            tail=running.tail,
            log=lambda: running.replication.raft.log,
            reads=self._ledger_reads,
            identity=lambda: running.service_identity,
            entropy=running.entropy,
            outbox=self._outbox,
            serve=router.answer,
            app=self._app_code,
            wake_flag=self._wake_flag,
            bytes_max=event.configuration.historical_cache_bytes_max,
            now_ms=event.monotonic_ms,
        )
        running.indexing = self._indexing(running)
        running.jwt_refresh = JwtRefresh(
            running,
            self._calls,
            self._outbox,
            now=lambda: running.time.now,
            interval_ms=event.configuration.jwt_key_refresh_interval_ms,
            now_ms=event.monotonic_ms,
        )

    def _indexing(self, running: RunningNode) -> Indexer:
        """Make a node's indexes: none is told of anything yet."""
        blobs = SealedBlobs(
            entropy=running.entropy,
            outbox=self._outbox,
            news=running.history.stir,
            app=self._app_code,
        )
        indexing = Indexer(
            tail=running.tail,
            log=lambda: running.replication.raft.log,
            history=running.history,
            blobs=blobs,
            outbox=self._outbox,
            app=self._app_code,
            wake_flag=self._wake_flag,
            now_ms=running.time.monotonic_ms,
        )
        for index in self._app.indexes():
            if index.make is not None:
                indexing.install(index, index.make(blobs))
        return indexing

    def _set_out(self, running: RunningNode, event: Boot) -> None:
        """Go the way that the command says."""
        if event.configuration.command is CommandType.RECOVER:
            self._recover(running, event)
            return
        running.watch()
        section = event.configuration.start
        if section is not None and running.known_service is not None:
            running.frontends["gov"].is_open = True
            claims = self._app.create_claims(start.constitution_of(section))
            start.create_service(running, claims)
        elif event.configuration.join is not None:
            self._join(running, event.configuration.join)

    def _join(self, running: RunningNode, section: JoinConfiguration) -> None:
        self._bootstrap = Bootstrap(
            running,
            section,
            self._calls,
            snapshots=self._snapshot_reads,
            ledger=self._ledger_reads,
            refused=partial(self._stop, JOIN_REFUSED),
        )
        self._bootstrap.start()

    def _recover(self, running: RunningNode, event: Boot) -> None:
        Recover(
            running,
            event,
            snapshots=self._snapshot_reads,
            ledger=self._ledger_reads,
            create_claims=self._app.create_claims,
            refused=partial(self._stop, RECOVERY_REFUSED),
        ).start()

    def _begin(self, event: Boot) -> RunningNode:
        command = event.configuration.command
        match command:
            case CommandType.START:
                return start.start(event, self._ports, self._outbox)
            case CommandType.JOIN:
                return join.begin(event, self._ports, self._outbox)
            case CommandType.RECOVER:
                return recover.begin(event, self._ports, self._outbox)
            case _:
                assert_never(command)

    def _frontend(self, running: RunningNode, registry: Registry) -> Frontend:
        is_app = registry.prefix == "app"
        tag = LogTag.APP if is_app else LogTag.NONE

        def unhandled(endpoint: Endpoint, error: BaseException) -> str:
            what = f"{endpoint.method} /{registry.prefix}{endpoint.path}"
            return self._app_code.failed(what, error, tag=tag)

        return Frontend(
            registry,
            running,
            has_backpressure=registry.prefix != "node",
            on_unhandled=unhandled,
            app_calls=self._app_code.calls if is_app else None,
        )

    def _tick(self, tick: Tick) -> None:
        running = self._running
        if running is not None:
            running.tick(tick.monotonic_ms, tick.unix_us)
        if self._sessions is not None:
            self._sessions.tick(tick.monotonic_ms)
        self._calls.tick(tick.monotonic_ms)
        if self._endorsements is not None:
            self._endorsements.tick(tick.monotonic_ms)
        if self._bootstrap is not None:
            self._bootstrap.tick(tick.monotonic_ms)

    def _stop_requested(self, request: StopRequested) -> None:
        if request.is_notice and self._running is not None:
            self._running.has_stop_notice = True
            return
        self._stop(0, f"{request.kind}: stopped")

    def _stop(self, exit_code: int, reason: str) -> None:
        self._is_stopped = True
        self._outbox.put(Stop(exit_code=exit_code, reason=reason))
