"""A running node seen from outside: events gathered, effects performed, until it stops.

Whatever happens within one turn of the event loop goes to the enclave as one batch,
headed by the time if it moved. Effects are performed in the order in which they come:
entries are in their file before the reply that reports them leaves.

A host is whole or it ends. An error that nobody expected ends the node with one
sentence, whether it is raised by an effect, by a callback or a task of the event loop,
or in another thread. A host that went on without a part of itself would answer some
callers and leave others waiting.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, cast

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import NodeId
from ccfpy.base.limits import REST_TICK_MS
from ccfpy.boundary.configuration import CommandType
from ccfpy.boundary.effects import (
    CloseSession,
    DescribeMetrics,
    Effect,
    EndCall,
    ForgetPeer,
    IdentityMade,
    KeepSession,
    OpenCall,
    ReadMore,
    ReportMetrics,
    ReportTrace,
    SendCall,
    SendData,
    SendEntries,
    SendToPeer,
    SetPeer,
    Stop,
    Wake,
    WriteLog,
)
from ccfpy.boundary.events import (
    Boot,
    Event,
    StopKind,
    StopRequested,
    Tick,
    Woken,
)
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.host.arguments import ExitCode
from ccfpy.host.config import ConfigurationFile
from ccfpy.host.connecting import Address, check
from ccfpy.host.enclave_link import EnclaveLink
from ccfpy.host.gathering import Gathering, Ticker, tick_interval_s
from ccfpy.host.listeners import BoundSocket, Listeners
from ccfpy.host.log import Journal
from ccfpy.host.metrics import HostMetrics, Stopwatch
from ccfpy.host.metrics_server import MetricsServer
from ccfpy.host.outbound import OutboundConnections
from ccfpy.host.output_files import write_atomically
from ccfpy.host.peers import Peers
from ccfpy.host.sessions import Sessions
from ccfpy.host.storage import Storage
from ccfpy.host.traces import SpanExporter, TraceSender

STOP_WAIT_S = 4.0
"""How long the enclave may take to agree to a stop (5 s is what operators wait)."""
DRAIN_WAIT_S = 0.5
"""How long the last replies may take to leave."""
_DRAIN_STEP_S = 0.01
_SOURCE: Final = "node_host"

_STOP_SIGNALS: Mapping[str, StopKind] = {
    "SIGTERM": StopKind.TERMINATED,
    "SIGHUP": StopKind.HANGUP,
    "SIGINT": StopKind.INTERRUPT,
}


class NodeHost:
    """One node's host, for one run."""

    _tick_timer: asyncio.TimerHandle | None = None
    _is_resting: bool = False
    _stirred_ms: int = 0
    """When something happened last that is no tick."""

    def __init__(
        self,
        file: ConfigurationFile,
        *,
        link: EnclaveLink,
        storage: Storage,
        journal: Journal,
        exporter: SpanExporter | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            file: the node's configuration.
            link: to the enclave.
            storage: the node's files.
            journal: the node's log.
            exporter: sends traces, if they are sent.
        """
        self._file = file
        self._link = link
        self._storage = storage
        self._journal = journal
        self._ticker = Ticker()
        self._gathering = Gathering(
            self._soon, self._ticker, self._send_gathered, in_parts=link.is_apart
        )
        post = self._post = self._gathering.post
        self._tick_interval_s = tick_interval_s(file.tick_interval)
        idle_us = file.idle_connection_timeout
        self._sessions = Sessions(
            post,
            idle_s_max=None if idle_us is None else idle_us // 1_000_000,
            report=lambda line: journal.info(line, file="sessions"),
        )
        timeout_s = file.client_connection_timeout / 1e6
        source = file.node_client_interface
        self._calls = OutboundConnections(post, timeout_s=timeout_s)
        self._peers = Peers(
            post,
            journal=journal,
            timeout_s=timeout_s,
            source=None if source is None else Address.parse(source),
        )
        self._listeners = Listeners(journal)
        self._congested = Stopwatch()
        self._traces = (
            None
            if exporter is None
            else TraceSender(exporter, tell=self._tell_of_traces)
        )
        self._metrics = HostMetrics(
            post=post,
            file=file,
            link=link,
            storage=storage,
            journal=journal,
            sessions=self._sessions,
            peers=self._peers,
            congested=self._congested,
            traces=self._traces,
        )
        self._metrics_server = MetricsServer(
            self._metrics.text, listeners=self._listeners, journal=journal
        )
        self._logs: list[WriteLog] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[int] | None = None
        self._notice_pending = file.ignore_first_sigterm
        self._stop_asked = False
        self._perform = self._performers()

    async def run(
        self,
        boot: Callable[[Tick], Boot],
        sockets: Mapping[str, BoundSocket],
        *,
        metrics: socket.socket | None = None,
    ) -> int:
        """Run the node until it stops; give the exit code.

        Args:
            boot: makes the first event.
            sockets: the interfaces by name; the one without a name is the nodes'.
            metrics: where metrics are served, if they are.
        """
        loop = self._loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        self._watch_signals(loop)
        try:
            await self._link.start(self)
            self._link.send([boot(self._ticker.now())])
            for name, bound in sockets.items():
                if not name:
                    await self._listeners.serve(bound, self._peers.accept)
                    continue
                section = self._file.network.rpc_interfaces[name]
                make = self._sessions.add_interface(
                    name,
                    section.max_open_sessions_hard,
                    per_address_max=section.max_open_sessions_per_address,
                )
                await self._listeners.serve(bound, make)
            if self._traces is not None:
                self._traces.start()
            if metrics is not None:
                self._metrics_server.serve(metrics)
            self._tick_in(self._tick_interval_s)
            loop.call_later(1.0, self._second_passed)
            return await self._ended
        finally:
            await self._wind_up()

    def _soon(self, call: Callable[[], None]) -> None:
        assert self._loop is not None, "events come from the running loop"
        self._loop.call_soon(call)

    def effects_received(self, effects: Sequence[Effect]) -> None:
        """Perform effects in order; one that cannot be performed ends the node.

        Log lines are written together, before anybody hears of what came after them.

        Effects after a stop are not performed.
        """
        ended = self._ended
        if ended is None or ended.done():
            return
        self._stir()
        sessions, perform = self._sessions, self._perform
        try:
            for effect in effects:
                if type(effect) is SendData:
                    if self._logs:
                        self._write_logs()
                    sessions.send(effect.session, effect.data)
                    continue
                perform[type(effect)](effect)
                if ended.done():
                    break
        except CcfpyError as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001  # the rim: nobody else ends the node
            self.defect(error)
        finally:
            if self._logs:
                self._write_logs()

    def link_congested(self) -> None:
        """Read nothing more from clients, and from other nodes only so much."""
        self._set_congested(is_congested=True)

    def link_cleared(self) -> None:
        """Read from everybody again."""
        self._set_congested(is_congested=False)

    def link_lost(self, reason: str) -> None:
        """A node without its enclave is nothing."""
        self._fail(reason)

    def defect(self, error: BaseException) -> None:
        """End the node: something happened that must not."""
        self._write_logs()
        if not self._has_ended:
            self._journal.defect(error, file=_SOURCE)
            self._end(ExitCode.NODE_FAILED)

    def loop_failed(
        self, _: asyncio.AbstractEventLoop, context: Mapping[str, object]
    ) -> None:
        """End the node, as a callback or a task of the loop has failed.

        By then a connection that the system refused has ended by itself: event loops do
        not mention such errors.
        """
        error = context.get("exception")
        if not isinstance(error, BaseException):
            error = RuntimeError(context.get("message"))
        self.defect(error)

    def thread_failed(self, error: BaseException | None) -> None:
        """End the node, as one of its threads has ended by an error."""
        loop = self._loop
        if loop is not None and error is not None:
            # After the end of the loop there is no node.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self.defect, error)

    def _set_congested(self, *, is_congested: bool) -> None:
        self._congested.set(is_on=is_congested)
        for way in self._ways_out():
            way.set_congested(is_congested=is_congested)

    def _ways_out(self) -> tuple[Sessions | OutboundConnections | Peers, ...]:
        return self._sessions, self._calls, self._peers

    @property
    def _has_ended(self) -> bool:
        return self._ended is None or self._ended.done()

    def _performers(self) -> Mapping[type, Callable[[Effect], None]]:
        performers: dict[type, Callable[..., None]] = {
            WriteLog: self._logs.append,
            CloseSession: lambda effect: self._sessions.close(effect.session),
            ReadMore: lambda effect: self._sessions.read_more(
                effect.session, effect.size
            ),
            KeepSession: lambda effect: self._sessions.keep(
                effect.session, is_kept=effect.is_kept
            ),
            SetPeer: lambda effect: self._peers.set_peer(effect.node, effect.address),
            ForgetPeer: lambda effect: self._peers.forget_peer(effect.node),
            SendToPeer: lambda effect: self._send_to_peer(
                effect.to, effect.kind, effect.payload
            ),
            SendEntries: self._send_entries,
            OpenCall: lambda effect: self._calls.open(effect.call, effect.address),
            SendCall: lambda effect: self._calls.send(effect.call, effect.data),
            EndCall: lambda effect: self._calls.end(effect.call),
            IdentityMade: self._write_identity,
            Stop: self._stop,
            DescribeMetrics: self._metrics.enclave.described,
            ReportMetrics: self._metrics.enclave.reported,
            ReportTrace: self._trace_reported,
            Wake: lambda _: self._post(Woken()),
        }
        own = cast("Mapping[type, Callable[[Effect], None]]", performers)
        return {**own, **self._storage.performers(self._post, self._run_aside)}

    def _trace_reported(self, effect: ReportTrace) -> None:
        if self._traces is not None:
            self._traces.reported(effect)

    def _tell_of_traces(self, line: str) -> None:
        """Log what the thread that sends traces has to say."""
        assert self._loop is not None, "the thread is started in the loop"
        # After the end of the loop nobody reads the log.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(
                partial(self._journal.fail, line, file="traces")
            )

    def _run_aside(self, work: Callable[[], None]) -> None:
        assert self._loop is not None, "effects are performed in the loop"
        check(self._loop.run_in_executor(None, work))

    def _send_gathered(self, events: list[Event]) -> None:
        self._send(events)
        self._stir()

    def _send(self, events: list[Event]) -> None:
        if self._has_ended:
            return
        try:
            self._link.send(events)
        except CcfpyError as error:
            self._fail(str(error))

    def _tick(self) -> None:
        if self._has_ended:
            return
        is_idle = self._gathering.is_empty and not self._sessions.link_is_congested
        self._is_resting = is_idle and self._may_rest
        interval_s = self._tick_interval_s
        if self._is_resting:
            interval_s = max(interval_s, REST_TICK_MS / 1000)
        due_s = self._ticker.due_in_s(interval_s)
        self._tick_in(due_s or interval_s)
        if is_idle and not due_s:
            self._send([self._ticker.now()])

    @property
    def _may_rest(self) -> bool:
        """Whether nothing has happened for long, and nobody's timeout needs the clock.

        An election, a heartbeat and a call to elsewhere need it exactly, and need
        another node or a connection.
        """
        is_silent = self._ticker.is_silent(self._stirred_ms)
        return is_silent and self._peers.is_alone and not len(self._calls)

    def _stir(self) -> None:
        """Note that something happened, and look at the clock as usual again."""
        self._stirred_ms = self._ticker.last_ms
        if self._is_resting:
            self._is_resting = False
            self._tick_in(self._tick_interval_s)

    def _tick_in(self, delay_s: float) -> None:
        assert self._loop is not None, "timers run in the loop"
        if self._tick_timer is not None:
            self._tick_timer.cancel()
        self._tick_timer = self._loop.call_later(delay_s, self._tick)

    def _second_passed(self) -> None:
        assert self._loop is not None, "timers run in the loop"
        if self._ended is not None and not self._has_ended:
            self._loop.call_later(1.0, self._second_passed)
            self._sessions.second_passed()

    def _send_entries(self, effect: SendEntries) -> None:
        entries = self._storage.entries_for_peer(effect.first, effect.last)
        if entries is not None:
            self._send_to_peer(
                effect.to, PeerTraffic.CONSENSUS, b"".join([effect.header, *entries])
            )

    def _send_to_peer(self, to: NodeId, kind: int, payload: bytes) -> None:
        self._write_logs()
        self._peers.send(to, kind, payload)

    def _write_identity(self, effect: IdentityMade) -> None:
        self._peers.name_self(effect.node_id)
        if self._traces is not None:
            self._traces.node = effect.node_id
        prefix = f"ccf_virtual_attestation.{os.getpid()}"
        if effect.measurement is not None:
            self._metrics.measurement = effect.measurement
            write_atomically(Path(f"{prefix}.measurement"), effect.measurement)
        if effect.attestation is not None:
            write_atomically(Path(f"{prefix}.attestation"), effect.attestation)
        node_file = self._file.output_files.node_certificate_file
        write_atomically(Path(node_file), effect.node_certificate)
        self._write_logs()
        self._journal.info(
            f"Output self-signed node certificate to {node_file}", file=_SOURCE
        )
        command = self._file.command
        if effect.service_certificate is None or command.type is CommandType.JOIN:
            return
        write_atomically(
            Path(command.service_certificate_file), effect.service_certificate
        )
        self._journal.info(
            f"Output service certificate to {command.service_certificate_file}",
            file=_SOURCE,
        )

    def _stop(self, effect: Stop) -> None:
        self._write_logs()
        if effect.exit_code == 0:
            self._journal.info(effect.reason, file=_SOURCE)
        else:
            self._journal.fatal(effect.reason, file=_SOURCE)
        self._end(effect.exit_code)

    def _fail(self, reason: str) -> None:
        self._write_logs()
        if self._ended is not None and not self._has_ended:
            self._journal.fatal(f"{reason}. Exiting.", file=_SOURCE)
            self._end(ExitCode.NODE_FAILED)

    def _end(self, exit_code: int) -> None:
        if self._ended is not None and not self._has_ended:
            self._ended.set_result(exit_code)

    def _write_logs(self) -> None:
        if self._logs:
            logs = self._logs.copy()
            self._logs.clear()
            self._journal.write_all(logs)

    def _watch_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for name, kind in _STOP_SIGNALS.items():
            number = getattr(signal, name, None)
            if number is None:
                continue
            try:
                loop.add_signal_handler(number, self.stop_signalled, kind)
            except (NotImplementedError, RuntimeError, ValueError):
                # Windows, or a loop outside the main thread: the default remains.
                continue

    def stop_signalled(self, kind: StopKind) -> None:
        """Ask the enclave to stop; a second request does not wait for its answer."""
        if self._stop_asked:
            self._fail(f"{kind}: asked to stop again")
            return
        if self._notice_pending and kind is StopKind.TERMINATED:
            self._notice_pending = False
            self._journal.info(
                f"{kind}: Notifying enclave, but not shutting down.", file="signals"
            )
            self._post(StopRequested(kind=kind, is_notice=True))
            return
        self._stop_asked = True
        self._journal.info(
            f"{kind}: Shutting down enclave gracefully...", file="signals"
        )
        self._post(StopRequested(kind=kind, is_notice=False))
        assert self._loop is not None, "signals arrive in the loop"
        self._loop.call_later(
            STOP_WAIT_S, self._fail, "the enclave did not stop when asked to"
        )

    async def _wind_up(self) -> None:
        """End everything that still runs, once the last bytes have left."""
        self._listeners.close()
        self._metrics_server.abort_all()
        ways_out = self._ways_out()
        for way in ways_out:
            way.close_all()
        for _ in range(round(DRAIN_WAIT_S / _DRAIN_STEP_S)):
            if not any(len(way) for way in ways_out):
                break
            await asyncio.sleep(_DRAIN_STEP_S)
        for way in ways_out:
            way.abort_all()
        if self._traces is not None:
            self._traces.close()
        self._link.stop()
        self._storage.close()
