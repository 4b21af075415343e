"""Calls that are streams over gRPC: watches, and leases that are kept alive."""

from typing import Final, TypeVar

from apps.etcd.calls import LEASE, WATCH, now_ms
from apps.etcd.limits import KEEP_ALIVES_MAX, STREAM_MESSAGE_BYTES_MAX
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
    Stream,
    TxId,
    WriteSet,
    grpc_message,
)

T = TypeVar("T")

_NO_SEQNO: Final = 0
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


@app.stream(f"/{WATCH}/Watch", hidden=True)
class WatchStream(_Calls):
    """Sends a client the events of keys."""

    _watches: Watches

    def on_open(self, ctx: Context) -> None:
        """Follow what is committed from now on."""
        # In this order: what is committed between the two is told, and was not read.
        committed = ctx.node.committed_tx_id()
        self._watches = Watches(Store(ctx.tx).committed_revision)
        after = _NO_SEQNO if committed is None else committed.seqno
        self.follow(KEYS, CHANGES, COUNTERS, after=after)

    def on_data(self, ctx: Context, data: bytes) -> None:
        """Begin and end watches."""
        store = Store(ctx.tx)
        for request in self._read(WatchRequest, data):
            for each in self._watches.asked(
                request, store, lambda revision: header_of(ctx, revision)
            ):
                self._answer(each)

    def on_commit(self, ctx: Context, tx_id: TxId, writes: WriteSet) -> None:
        """Send the events of a transaction."""
        del tx_id
        for each in self._watches.committed(
            writes, lambda revision: header_of(ctx, revision)
        ):
            self._answer(each)


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
