"""The whole trusted node behind one call: ``effects = node.step(events)``.

A node is made empty. Its first event is a ``Boot``, which makes it a `RunningNode`.
After that, events and effects are its only inputs and outputs.

A step processes events and puts calls of application code into queues. Then the node
makes these calls, one after another (`NodeCall`). One thread at a time steps a node;
while a call is slow, another thread steps it. The queues hold all that a step has left
to do, so that no thread has to return to the middle of a step.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Final, assert_never, final

from ccfpy.base import limits
from ccfpy.base.app_threads import AppThreads
from ccfpy.base.errors import ConfigurationRefused, Malformed
from ccfpy.base.ports import Clock, Entropy, Memory, Platform
from ccfpy.boundary.configuration import CommandType
from ccfpy.boundary.effects import Effect, LogLevel, LogTag, Stop, Wake
from ccfpy.boundary.events import (
    BlobRead,
    Boot,
    CallData,
    CallEnded,
    CallOpened,
    Event,
    LedgerRead,
    PeerMessage,
    ScrapeMetrics,
    SessionClosed,
    SessionData,
    SessionOpened,
    SessionWritten,
    SnapshotRead,
    StopRequested,
    Tick,
    Woken,
)
from ccfpy.endpoints.app_calls import AppCalls, NodeCall
from ccfpy.endpoints.application import Application
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.frontend import Frontend
from ccfpy.endpoints.refusals import Marks
from ccfpy.endpoints.registry import Registry
from ccfpy.endpoints.tracing import RequestTracer
from ccfpy.gov.api import governance_registry
from ccfpy.js.quickjs import ContextPool, QuickJs
from ccfpy.js.serving import ScriptedRegistry
from ccfpy.js.serving.scripts import ScriptLog, ScriptNode
from ccfpy.node.api import node_registry
from ccfpy.node.app import AppCode, AwayCalls
from ccfpy.node.governance import NodeGovernance
from ccfpy.node.host_reads import LedgerReads, SnapshotReads
from ccfpy.node.metrics import MetricsReport, gather
from ccfpy.node.outbound import OutboundClient
from ccfpy.node.outbox import Outbox
from ccfpy.node.parts import NodeParts
from ccfpy.node.ports import WakeFlag
from ccfpy.node.replication.ledger_tail import EntryTooLarge
from ccfpy.node.running import RunningNode
from ccfpy.node.sessions.client import Router
from ccfpy.node.sessions.sessions import Sessions
from ccfpy.node.startup import join, recover, start
from ccfpy.node.startup.endorsements import EndorsementFetch
from ccfpy.node.startup.private_recovery import RecoveryFailed
from ccfpy.node.startup.recover import Recover
from ccfpy.node.startup.start import Bootstrap
from ccfpy.node.streams import CommitFeed
from ccfpy.node.table_hooks import TableHooks

START_REFUSED = 1
"""The exit code of a node that its configuration does not let begin."""


JOIN_REFUSED = 1


RECOVERY_REFUSED = 1


CANNOT_GO_ON = 1


class _Stage(Enum):
    """What a node does once no call is due."""

    TURNS = auto()
    """Clients that wait have a turn."""
    WORK = auto()
    """The node looks for work of its own."""
    END = auto()
    """What was appended is sent, and awaited answers go to their clients."""


@final
class _OwnWork(NodeCall):
    """A call that the node makes for nobody, such as of an application's index."""

    __slots__ = ("_do",)

    def __init__(self, do: Callable[[], None]) -> None:
        super().__init__()
        self._do = do

    def run(self) -> None:
        """Do the work."""
        self._do()


@final
@dataclass(eq=False)
class _Booted:
    """What a node has once it has booted.

    Attributes:
        endorsements: fetches what vouches for the node's evidence, before all else.
        bootstrap: the way into the service of a node that joins; other nodes have none.
    """

    running: RunningNode
    sessions: Sessions
    endorsements: EndorsementFetch
    bootstrap: Bootstrap | None

    def tick(self, tick: Tick) -> None:
        """Advance the clocks, and do what is due."""
        now_ms = tick.monotonic_ms
        self.running.tick(now_ms, tick.unix_us)
        self.sessions.tick(now_ms)
        self.running.parts.calls.tick(now_ms)
        self.endorsements.tick(now_ms)
        if self.bootstrap is not None:
            self.bootstrap.tick(now_ms)


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
        threads: AppThreads | None = None,
        contexts: ContextPool | None = None,
    ) -> None:
        outbox = Outbox()
        calls = AppCalls(threads)
        app_code = AppCode(calls, outbox=outbox, entropy=entropy)
        self._parts = NodeParts(
            app=app,
            app_code=app_code,
            entropy=entropy,
            clock=clock,
            contexts=ContextPool() if contexts is None else contexts,
            memory=memory,
            platform=platform,
            outbox=outbox,
            wake_flag=WakeFlag(),
            calls=OutboundClient(outbox),
            snapshots=SnapshotReads(outbox),
            ledger=LedgerReads(outbox),
            router=Router(app_code.calls),
            due=deque(),
        )
        self._outbox = outbox
        self._metrics = MetricsReport(outbox)
        self._calls = app_code.calls
        self._away = AwayCalls(app_code)
        self._wake_flag = self._parts.wake_flag
        self._due = self._parts.due
        self._stage = _Stage.TURNS
        self._is_flagged = False
        self._booted: _Booted | None = None
        self._is_stopped = False
        self._is_to_be_woken = False

    @property
    def running(self) -> RunningNode | None:
        """The node as it runs, once it has booted."""
        return None if self._booted is None else self._booted.running

    def step(self, events: Sequence[Event]) -> list[Effect]:
        """Process events in their order, and return the effects, in order.

        One step serves a bounded number of clients, and a bounded part of each
        (`sessions.turns`). While clients wait, the node asks for another step by
        ``Wake``.
        """
        if self._is_stopped:
            return self._outbox.take()
        try:
            self._take_all(events)
            self._make_calls()
        except ConfigurationRefused as refusal:
            self._stop(START_REFUSED, str(refusal))
        except (EntryTooLarge, RecoveryFailed) as failure:
            if self._booted is not None:
                # Who was answered before the node had to stop is told so.
                self._booted.sessions.send_answered()
            self._stop(CANNOT_GO_ON, str(failure))
        return self._outbox.take()

    def leave(self, handle: object) -> None:
        """Go on without the call that the node makes now, in another thread's step.

        The other thread ends the call when it has the node again. Until then, and after
        that, any thread may step the node.

        Args:
            handle: what the call is known by.
        """
        booted = self._booted
        if booted is not None:
            self._away.leave(handle, booted.running.replication.tail.store)

    def give_up(self, handle: object, reason: str) -> list[Effect]:
        """Answer the caller of a call that does not come back.

        Args:
            handle: what the call is known by.
            reason: says which limit it has passed, without any value.
        """
        self._away.give_up(handle, reason)
        return self.step(())

    def came_back_late(self, handle: object) -> None:
        """Note that a call is over whose caller was answered without it."""
        self._away.came_back_late(handle)

    def _take_all(self, events: Sequence[Event]) -> None:
        """Process events in order; adjacent data of clients is read together."""
        said: list[SessionData] = []
        booted = self._booted
        if booted is not None:
            booted.sessions.begin_step()
        for event in events:
            if type(event) is SessionData:  # by far the most
                said.append(event)
                continue
            if type(event) is Woken:
                self._is_to_be_woken = False
                continue
            if said and booted is not None:
                booted.sessions.data(said)
                said = []
            self._wake_flag.set()
            self._take(event)
            if self._is_stopped:
                return
            booted = self._booted
        if booted is not None:
            if said:
                booted.sessions.data(said)
            booted.running.timer.saw(len(events) + booted.sessions.turns.waiting)
        self._stage = _Stage.TURNS

    def _make_calls(self) -> None:
        """Make the calls that are due, and do what they make due in turn."""
        booted = self._booted
        if booted is None:
            return
        calls, due, sessions = self._calls, self._due, booted.sessions
        while not self._is_stopped:
            if due:
                call = due.popleft()
            elif sessions.serving:
                answering = sessions.next_call()
                if answering is None:
                    continue
                call = answering
            elif self._advance(booted):
                break
            else:
                continue
            calls.current = call
            call.run()
            if call.is_away:
                self._away.came_back(call)
                self._stage = _Stage.WORK
            else:
                calls.current = _NO_CALL

    def _advance(self, booted: _Booted) -> bool:
        """Do what is next where no call is due; return whether that is nothing."""
        sessions = booted.sessions
        if self._stage is _Stage.TURNS:
            self._stage = _Stage.WORK
            if sessions.turns.waiting:
                sessions.take_turns(has_heard_all=not self._is_to_be_woken)
                if sessions.serving:
                    return False
        if self._stage is _Stage.WORK:
            self._stage = _Stage.END
            self._look_for_work(booted.running)
            if self._due:
                return False
        return self._is_at_end(booted)

    def _is_at_end(self, booted: _Booted) -> bool:
        """Send what was appended; return whether no awaited answer waits to be sent."""
        booted.running.end_turn(is_flagged=self._is_flagged)
        self._is_flagged = False
        sessions = booted.sessions
        if sessions.is_full:
            sessions.make_room()
        if sessions.has_settled:
            # Connections go on whose response came, perhaps with further requests.
            self._stage = _Stage.WORK
            sessions.resume()
            return False
        if sessions.turns.waiting and not self._is_to_be_woken:
            self._is_to_be_woken = True
            self._outbox.put(Wake())
        return True

    def _look_for_work(self, running: RunningNode) -> None:
        """Do what is due besides clients' requests, or make it the next calls."""
        if running.recovery is not None:
            running.recovery.work()
        if not self._wake_flag.take():
            return
        self._is_flagged = True
        self._due.append(_OwnWork(running.indexing.work))
        if running.jobs is not None and running.frontends["app"].is_open:
            self._due.append(_OwnWork(running.jobs.work))
        self._due.append(_OwnWork(running.history.work))

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
            case ScrapeMetrics():
                booted = self._booted
                self._metrics.answer(() if booted is None else gather(booted.running))
            case _:
                assert_never(event)

    def _take_peer_message(self, message: PeerMessage) -> None:
        if self._booted is not None:
            self._booted.running.receive(message)

    def _take_read(self, event: LedgerRead | SnapshotRead | BlobRead) -> None:
        match event:
            case LedgerRead():
                self._parts.ledger.answered(event)
            case SnapshotRead():
                self._parts.snapshots.answered(event)
            case BlobRead():
                if self._booted is not None:
                    self._booted.running.indexing.blobs.answered(event)
            case _:
                assert_never(event)

    def _take_call(self, event: CallOpened | CallData | CallEnded) -> None:
        calls = self._parts.calls
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
        if self._booted is None:
            return
        sessions = self._booted.sessions
        match event:
            case SessionOpened():
                sessions.open(event.session, event.interface, event.peer)
            case SessionClosed():
                sessions.left(event.session)
            case SessionWritten():
                sessions.written(event)
            case _:
                assert_never(event)

    def _boot(self, event: Boot) -> None:
        if self._booted is not None:
            self._stop(START_REFUSED, "The host told a running node to boot")
            return
        try:
            running = self._begin(event)
        except Malformed as error:
            raise ConfigurationRefused(str(error)) from error
        configuration = event.configuration
        parts = self._parts
        parts.app_code.logs_places = configuration.logs_tracebacks
        self._calls.threads.allow(
            min(configuration.slow_calls_max, limits.SLOW_CALLS_CEILING)
        )
        self._mount_frontends(running)
        parts.calls.tick(running.time.monotonic_ms)
        bootstrap = self._bootstrap(running)
        self._booted = booted = _Booted(
            running,
            Sessions(
                running.session_counts,
                certificates=running.certificates,
                router=parts.router,
                outbox=self._outbox,
                feed=CommitFeed(
                    running.indexing,
                    committed=lambda: running.replication.raft.log.commit_seqno,
                    wake=running.wake_flag.set,
                ),
            ),
            EndorsementFetch(
                running,
                done=partial(self._set_out, running, event, bootstrap),
                refused=partial(self._stop, START_REFUSED),
            ),
            bootstrap,
        )
        booted.endorsements.start()

    def _mount_frontends(self, running: RunningNode) -> None:
        """Make what answers requests; only ``/node`` is open at first."""
        parts = self._parts
        engine = QuickJs(parts.clock, parts.contexts, self._calls.threads)
        running.replication.tail.store.threads = self._calls.threads
        app = let_scripts_run(parts.app.registry(), running, engine, parts.clock)
        tracer = None
        if running.configuration.wants_traces and app.has_metrics:
            tracer = RequestTracer(
                time=running.time,
                clock=parts.clock,
                entropy=parts.entropy,
                report=self._outbox.report,
            )
        for registry in (
            app,
            governance_registry(NodeGovernance(running, engine)),
            node_registry(running),
        ):
            frontend = self._frontend(running, registry, tracer)
            parts.router.mount(registry.prefix, frontend)
        parts.router.frontends["node"].is_open = True

    def _bootstrap(self, running: RunningNode) -> Bootstrap | None:
        configuration = running.configuration
        if configuration.command is not CommandType.JOIN:
            return None
        assert configuration.join is not None, "the boot checked it"
        return Bootstrap(
            running, configuration.join, refused=partial(self._stop, JOIN_REFUSED)
        )

    def _set_out(
        self, running: RunningNode, event: Boot, bootstrap: Bootstrap | None
    ) -> None:
        """Go the way that the command says."""
        if event.configuration.command is CommandType.RECOVER:
            Recover(
                running, event, refused=partial(self._stop, RECOVERY_REFUSED)
            ).start()
            return
        TableHooks(running).watch()
        if bootstrap is not None:
            bootstrap.start()
            return
        start.create_service(running)

    def _begin(self, event: Boot) -> RunningNode:
        command = event.configuration.command
        match command:
            case CommandType.START:
                return start.start(event, self._parts)
            case CommandType.JOIN:
                return join.begin(event, self._parts)
            case CommandType.RECOVER:
                return recover.begin(event, self._parts)
            case _:
                assert_never(command)

    def _frontend(
        self, running: RunningNode, registry: Registry, tracer: RequestTracer | None
    ) -> Frontend:
        is_app = registry.prefix == "app"
        tag = LogTag.APP if is_app else LogTag.NONE

        def unhandled(endpoint: Endpoint, error: BaseException, marks: Marks) -> str:
            what = f"{endpoint.method} /{registry.prefix}{endpoint.path}"
            return self._parts.app_code.failed(what, error, tag=tag, marks=marks)

        return Frontend(
            registry,
            running,
            clock=self._parts.clock,
            has_backpressure=registry.prefix != "node",
            on_unhandled=unhandled,
            calls=self._calls,
            is_app=is_app,
            tracer=tracer,
        )

    def _tick(self, tick: Tick) -> None:
        if self._booted is not None:
            self._booted.tick(tick)

    def _stop_requested(self, request: StopRequested) -> None:
        if request.is_notice and self._booted is not None:
            self._booted.running.expect_stop()
            return
        self._stop(0, f"{request.kind}: stopped")

    def _stop(self, exit_code: int, reason: str) -> None:
        self._is_stopped = True
        self._outbox.put(Stop(exit_code=exit_code, reason=reason))


_NO_CALL: Final = NodeCall()
"""What is current between calls."""


_APP: Final = ScriptLog.APP


_OF_APP: Final = LogTag.APP


_OF_CALL: Final = LogTag.JS


_LEVELS: Final = {level.value: level for level in LogLevel}


def let_scripts_run(
    registry: "Registry", running: "RunningNode", engine: QuickJs, clock: Clock
) -> "Registry":
    """Return an application's registry, able to serve the scripts in its tables."""

    def log(tag: ScriptLog, level: str, text: str) -> None:
        # Two comparisons: compiled code looks members up, and hashes them, slowly.
        whose = _OF_APP if tag is _APP else _OF_CALL
        running.outbox.log(_LEVELS[level], text, tag=whose)

    if isinstance(registry, ScriptedRegistry):
        registry.attach(
            ScriptNode(
                engine=engine,
                entropy=running.entropy,
                clock=clock,
                app_calls=running.app_code.calls,
                begin=lambda: running.begin(read_only=True),
                log=log,
            )
        )
    return registry
