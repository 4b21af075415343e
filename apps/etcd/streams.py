"""Calls that are streams over gRPC: watches, and leases that are kept alive."""

from functools import cache, partial
from typing import Final, TypeVar
from weakref import WeakSet, WeakValueDictionary

from apps.etcd.calls import LEASE, WATCH, now_ms
from apps.etcd.limits import (
    KEEP_ALIVES_MAX,
    STREAM_MESSAGE_BYTES_MAX,
    WATCH_PAST_BYTES_PER_CALLER_MAX,
    WATCH_STEP_BYTES,
    WATCHES_PER_CALLER_MAX,
)
from apps.etcd.messages import (
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    WatchRequest,
)
from apps.etcd.service import app, header_of
from apps.etcd.store import Store
from apps.etcd.tables import CHANGES, COUNTERS, KEYS, LEASES
from apps.etcd.watches import Watches
from apps.etcd.wire import decode, encode
from ccfpy.app import (
    ApiError,
    Context,
    ErrorCode,
    GrpcMessages,
    Malformed,
    Mode,
    NodeId,
    Stream,
    TxId,
    UserCertCaller,
    WriteSet,
    grpc_message,
)

T = TypeVar("T")

_NO_SEQNO: Final = 0
_PIECE_BYTES: Final = 1 << 14
"""Of a frame of HTTP/2: shorter pieces are sent together."""
_TOO_MANY: Final = ErrorCode.TooManyPendingTransactions


class _Calls(Stream):
    """A stream on which messages of a class come."""

    def __init__(self) -> None:
        self._messages = GrpcMessages(STREAM_MESSAGE_BYTES_MAX)

    def _read(self, cls: type[T], content: bytes) -> list[T]:
        """Return the messages that the next bytes complete.

        Raises:
            ApiError: 400, one is no message of the class.
        """
        try:
            return [decode(cls, each) for each in self._messages.feed(content)]
        except Malformed as error:
            text = f"etcdserver: invalid request: {error}"
            raise ApiError(400, ErrorCode.InvalidInput, text) from error

    def _answer(self, message: object) -> None:
        self.send(grpc_message(encode(message)))


_BY_CALLER: Final = WeakValueDictionary[tuple[NodeId, str], "WeakSet[Watches]"]()
"""The watches of each user, over all streams of a node."""


def _watches_of(ctx: Context, revision: int) -> Watches:
    """Return the watches of a new stream: none yet."""
    assert isinstance(ctx.caller, UserCertCaller), "the application demands one"
    caller = ctx.node.node_id, ctx.caller.user_id
    streams = _BY_CALLER.get(caller)
    if streams is None:
        streams = _BY_CALLER[caller] = WeakSet()
    watches = Watches(revision, partial(_has_room, streams))
    streams.add(watches)
    return watches


def _has_room(streams: WeakSet[Watches], past_bytes: int) -> bool:
    """Return whether a user may have one more watch, with so much of the past."""
    told = past_bytes + sum(each.past_bytes for each in streams)
    return (
        sum(each.count for each in streams) < WATCHES_PER_CALLER_MAX
        and told <= WATCH_PAST_BYTES_PER_CALLER_MAX
    )


@app.stream(f"/{WATCH}/Watch", hidden=True)
class WatchStream(_Calls):
    """Sends a client the events of keys, as fast as the client takes them."""

    _watches: Watches
    _room: int
    _is_paused = False

    def on_open(self, ctx: Context) -> None:
        """Follow what is committed from now on."""
        # In this order: what is committed between the two is told, and was not read.
        committed = ctx.node.committed_tx_id()
        self._watches = _watches_of(ctx, Store(ctx.tx).committed_revision)
        after = _NO_SEQNO if committed is None else committed.seqno
        self._room = WATCH_STEP_BYTES
        self.follow(KEYS, CHANGES, COUNTERS, after=after)

    def on_data(self, ctx: Context, data: bytes) -> None:
        """Begin and end watches."""
        for request in self._read(WatchRequest, data):
            self._watches.ask(request)
        self._tell(ctx)

    def on_commit(self, ctx: Context, tx_id: TxId, writes: WriteSet) -> None:
        """Send the events of a transaction."""
        del tx_id
        self._watches.commit(writes)
        self._tell(ctx)

    def on_drained(self, ctx: Context) -> None:
        """Send on."""
        self._room, self._is_paused = WATCH_STEP_BYTES, False
        self._tell(ctx)

    def _tell(self, ctx: Context) -> None:
        """Send what waits, until the client must take some of it."""
        if self._is_paused:
            return
        small = bytearray()
        told = self._watches.tell(
            Store(ctx.tx), cache(partial(header_of, ctx)), self._room
        )
        for piece in told:
            self._room -= len(piece)
            if len(piece) < _PIECE_BYTES:
                small += piece
            else:  # shared with other streams, so not copied
                self._send(small)
                self.send(piece)
        self._send(small)
        if self._room <= 0 or not self._watches.is_told:
            self._is_paused = True
            self.pause()

    def _send(self, small: bytearray) -> None:
        if small:
            self.send(bytes(small))
            small.clear()


@app.stream(f"/{LEASE}/LeaseKeepAlive", mode=Mode.READ_WRITE, hidden=True)
class KeepAliveStream(_Calls):
    """Renews leases, and says so once that is final."""

    def __init__(self) -> None:
        super().__init__()
        self._leases: set[int] = set()
        """Leases that the client has renewed: each renewal of theirs is told."""
        self._pending: set[int] = set()
        self._has_ended = False

    def on_open(self, ctx: Context) -> None:
        """Follow what becomes of leases."""
        del ctx
        self.follow(LEASES)

    def on_data(self, ctx: Context, data: bytes) -> None:
        """Renew leases; the answer is for later, unless there is no such lease."""
        store, now = Store(ctx.tx), now_ms(ctx.node)
        store.end_leases(now)
        for request in self._read(LeaseKeepAliveRequest, data):
            lease_id = request.lease_id
            if store.keep_alive(lease_id, now):
                self._leases.add(lease_id)
                self._pending.add(lease_id)
            else:
                self._tell(ctx, lease_id, 0)
        if len(self._leases) > KEEP_ALIVES_MAX:
            raise ApiError(
                429, _TOO_MANY, f"one stream renews {KEEP_ALIVES_MAX} leases at most"
            )

    def on_end(self, ctx: Context) -> None:
        """Finish, once all is answered."""
        del ctx
        self._has_ended = True
        self._finish_if_done()

    def on_commit(self, ctx: Context, tx_id: TxId, writes: WriteSet) -> None:
        """Answer for the leases that a transaction renewed, or ended."""
        del tx_id
        for lease_id, lease in LEASES.decode_writes(writes[LEASES.name]).items():
            if lease_id in self._leases:
                self._tell(ctx, lease_id, 0 if lease is None else lease.ttl_s)
                self._pending.discard(lease_id)
        self._finish_if_done()

    def _finish_if_done(self) -> None:
        if self._has_ended and not self._pending:
            self.finish()

    def _tell(self, ctx: Context, lease_id: int, ttl_s: int) -> None:
        header = header_of(ctx, Store(ctx.tx).revision)
        self._answer(
            LeaseKeepAliveResponse(header=header, lease_id=lease_id, ttl=ttl_s)
        )
