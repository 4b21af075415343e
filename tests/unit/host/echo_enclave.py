"""A stand-in for a node, with a few words to ask for each effect.

Run as a program it is an enclave: ``echo_enclave.py APP READ WRITE``.
"""

import os
import struct
import sys
from collections.abc import Sequence

from ccfpy.base.ids import CallId, NodeId
from ccfpy.boundary.effects import (
    AppendLedger,
    CloseSession,
    CommitLedger,
    CommitSnapshot,
    DescribeMetrics,
    Effect,
    EndCall,
    ForgetBlobs,
    ForgetPeer,
    IdentityMade,
    LogLevel,
    MetricSeries,
    OpenCall,
    ReadBlob,
    ReadLedger,
    ReadMore,
    ReadSnapshot,
    ReportMetrics,
    SendCall,
    SendData,
    SendEntries,
    SendToPeer,
    SetPeer,
    Stop,
    StoreBlob,
    TruncateLedger,
    WriteLog,
    WriteSnapshot,
)
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
)
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.enclave.channel import HostChannel
from ccfpy.enclave.loop import serve

NODE = NodeId("ab" * 32)
PEER = NodeId("cd" * 32)
CALL = CallId(7)


class Echo:
    """Answers what clients say; obeys the words in ``_obey``."""

    def __init__(self) -> None:
        self._seqno = 0
        self._readers: list[SessionData] = []

    def step(self, events: Sequence[Event]) -> list[Effect]:
        effects: list[Effect] = []
        for event in events:
            effects += self._take(event)
        return effects

    def _take(self, event: Event) -> list[Effect]:  # noqa: PLR0911  # one a kind
        match event:
            case Boot():
                names = ",".join(i.name for i in event.configuration.rpc_interfaces)
                return [
                    self._log(f"booted {os.getpid()} with {names}"),
                    IdentityMade(
                        node_id=NODE,
                        node_certificate=b"node cert",
                        service_certificate=b"service cert",
                        attestation=b"{}",
                        measurement=b"[]",
                    ),
                    self._log("identity made"),
                ]
            case Tick():
                return []
            case SessionOpened():
                return [self._log(f"opened {event.session} on {event.interface}")]
            case SessionWritten():
                return []
            case SessionClosed():
                return [self._log(f"closed {event.session}")]
            case SessionData():
                more = ReadMore(session=event.session, size=len(event.data))
                return [more, *self._obey(event)]
            case LedgerRead():
                request = self._readers[event.request]
                data = b"".join(event.entries or (b"none",))
                return [SendData(session=request.session, data=data)]
            case StopRequested():
                if event.is_notice:
                    return [self._log("notice taken")]
                return [Stop(exit_code=0, reason=f"{event.kind}: stopped")]
            case _:
                return self._take_from_elsewhere(event)

    def _take_from_elsewhere(self, event: Event) -> list[Effect]:  # noqa: PLR0911  # one a kind
        match event:
            case SnapshotRead():
                found = f"{event.name} of {event.size}: {event.data.decode()}"
                return [self._log(f"snapshot {found}")]
            case BlobRead():
                return [self._log(f"blob {event.data!r}")]
            case PeerMessage():
                said = event.payload.decode()
                return [self._log(f"kind {event.kind} from {event.sender}: {said}")]
            case CallOpened():
                return [SendCall(call=event.call, data=b"ring")]
            case CallData():
                said = event.data.decode()
                return [self._log(f"call said {said}"), EndCall(call=event.call)]
            case CallEnded():
                return [self._log(f"call ended: {event.reason}")]
            case ScrapeMetrics():
                series = MetricSeries(name="consensus_view", labels=())
                return [DescribeMetrics(series=(series,)), ReportMetrics(values=(7,))]
            case _:
                raise AssertionError(event)

    def _obey(self, event: SessionData) -> list[Effect]:  # noqa: PLR0911  # one a word
        word, _, rest = event.data.partition(b" ")
        reply = SendData(session=event.session, data=event.data)
        match word:
            case b"append":
                self._seqno += 1
                body = bytes(16) + struct.pack("<QIQ", self._seqno, 2, 0) + rest
                frame = (1 | len(body) << 16).to_bytes(8, "little")
                return [
                    AppendLedger(self._seqno, (frame + body,), has_signature=True),
                    CommitLedger(seqno=self._seqno),
                    reply,
                ]
            case b"gap":
                return [AppendLedger(first_seqno=99, entries=()), reply]
            case b"read":
                self._readers.append(event)
                number = len(self._readers) - 1
                return [ReadLedger(request=number, first=1, last=int(rest))]
            case b"close":
                return [reply, CloseSession(session=event.session)]
            case b"flood":
                return [SendData(session=event.session, data=bytes(int(rest)))]
            case b"crash":
                raise ZeroDivisionError(rest)
            case b"exit":
                os._exit(int(rest))
            case b"stop":
                return [Stop(exit_code=3, reason="told to stop"), reply]
            case _:
                return [*self._reach_out(word, rest), reply]

    @staticmethod
    def _reach_out(word: bytes, rest: bytes) -> list[Effect]:  # noqa: PLR0911  # one a word
        match word:
            case b"meet":
                return [SetPeer(node=PEER, address=rest.decode())]
            case b"part":
                return [ForgetPeer(node=PEER)]
            case b"tell":
                kind = PeerTraffic.FORWARDED
                sent = SendToPeer(to=PEER, kind=kind, payload=rest)
                return [Echo._log("telling it"), sent]
            case b"replicate":
                first, last = map(int, rest.split())
                entries = SendEntries(to=PEER, header=b"head", first=first, last=last)
                return [entries]
            case b"rollback":
                return [TruncateLedger(seqno=int(rest))]
            case b"snapshot":
                half = len(rest) // 2
                return [
                    _piece(rest[:half], is_first=True),
                    _piece(rest[half:], is_first=False),
                    CommitSnapshot(seqno=5, evidence_seqno=7, receipt=b"{}"),
                ]
            case b"find":
                name = rest.decode() or None
                return [
                    ReadSnapshot(request=1, name=name, since=0, start=0, stop=1 << 30)
                ]
            case b"keep":
                return [
                    StoreBlob(series=3, name="ab", data=rest),
                    ReadBlob(request=1, series=3, name="ab"),
                    StoreBlob(series=4, name="ab", data=rest),
                    ForgetBlobs(series=3),
                    ReadBlob(request=2, series=3, name="ab"),
                ]
            case b"call":
                return [OpenCall(call=CALL, address=rest.decode())]
            case _:
                return []

    @staticmethod
    def _log(message: str) -> WriteLog:
        return WriteLog(level=LogLevel.INFO, message=message)


def _piece(data: bytes, *, is_first: bool) -> WriteSnapshot:
    return WriteSnapshot(seqno=5, evidence_seqno=7, data=data, is_first=is_first)


if __name__ == "__main__":
    with HostChannel(*map(int, sys.argv[2:])) as channel:
        sys.exit(serve(channel, Echo))
