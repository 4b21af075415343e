"""An application of streams, as tests of nodes need it."""

from collections.abc import Mapping

from ccfpy.app import (
    ApiError,
    App,
    Context,
    GrpcMessages,
    Map,
    Mode,
    Response,
    Stream,
    TxId,
    WriteSet,
    grpc_message,
    json_codec,
)
from ccfpy.base import limits

WATCH, ECHO, KEEP, LINES = "/t.T/Watch", "/t.T/Echo", "/t.T/Keep", "/lines/{name}"
STEPS = "/t.T/Steps"
PUT = "/t.T/Put"
ECHOED_BYTES_MAX = 4 * limits.GRPC_BEGUN_BYTES_MAX
GRPC = [("content-type", "application/grpc"), ("te", "trailers")]

app = App("streaming")
NOTES = Map("notes", json_codec(str), json_codec(str))
OTHERS = Map("public:others", json_codec(str), json_codec(str))


@app.post(PUT)
def put(ctx: Context, name: str = "a", other: str = "") -> Response:
    """Keep a text under a name."""
    target = OTHERS if other else NOTES
    target.of(ctx.tx).put(name, ctx.request.body.decode())
    return Response(
        status=200,
        headers={"content-type": "application/grpc"},
        trailers={"grpc-status": "0"},
    )


@app.stream(WATCH)
class Watch(Stream):
    """Sends the notes that are committed; the first message may say since when."""

    def __init__(self) -> None:
        self.messages = GrpcMessages()

    def on_data(self, ctx: Context, data: bytes) -> None:
        """Begin or end to follow."""
        for message in self.messages.feed(data):
            if message == b"stop":
                self.follow()
            else:
                self.follow(NOTES, after=int(message) if message else None)
            self.send(grpc_message(b"follows"))
        assert ctx.request.path.endswith(WATCH)

    def on_commit(self, ctx: Context, tx_id: TxId, writes: WriteSet) -> None:
        """Send each note."""
        assert ctx.node.committed_tx_id() is not None
        assert OTHERS.name not in writes
        for name, text in NOTES.decode_writes(writes[NOTES.name]).items():
            self.send(grpc_message(f"{name}={text}@{tx_id.seqno}".encode()))


@app.stream(ECHO, auth=["user_cert"])
class Echo(Stream):
    """Sends each message back, and does as some of them say."""

    def __init__(self) -> None:
        self.messages = GrpcMessages(ECHOED_BYTES_MAX)

    def on_open(self, ctx: Context) -> None:
        """Refuse some, and greet all others."""
        if ctx.request.headers.get("x-refuse"):
            raise ApiError(403, "AuthorizationFailed", "Not you.")
        if ctx.request.headers.get("x-broken"):
            self.headers = {"content-type": "a\nb"}
        self.send(grpc_message(b"hello"))

    def on_data(self, _: Context, data: bytes) -> None:
        """Send messages back."""
        for message in self.messages.feed(data):
            match message:
                case b"bye":
                    self.finish({"grpc-status": "0", "x-said": "bye"})
                    return
                case b"wrong":
                    self.finish({"grpc-status": "0\n"})
                case b"fail":
                    self.send(grpc_message(b"never sent"))
                    raise RuntimeError("private")
                case b"refuse":
                    raise ApiError(409, "Conflict", "Not now.")
                case b"too much":
                    self.send(bytes(limits.APP_RESPONSE_BYTES_MAX + 1))
                case _ if message.startswith(b"large "):
                    self.send(bytes(int(message[6:])))
                case _:
                    self.send(grpc_message(message))


@app.stream(STEPS)
class Steps(Stream):
    """Sends each message back, pauses, and says when it goes on."""

    def __init__(self) -> None:
        self.messages = GrpcMessages()

    def on_data(self, _: Context, data: bytes) -> None:
        """Send one message back; those behind it wait."""
        self.waiting = self.messages.feed(data)
        self._say()

    def on_drained(self, _: Context) -> None:
        """Go on with the next message."""
        self.send(b"drained")
        if self.waiting:
            self._say()

    def _say(self) -> None:
        message = self.waiting.pop(0)
        if message:
            self.send(message)
        self.pause()


@app.stream(KEEP, mode=Mode.READ_WRITE)
class Keep(Stream):
    """Keeps each message under its number, and says how many there are."""

    def on_data(self, ctx: Context, data: bytes) -> None:
        """Keep some bytes."""
        notes = NOTES.of(ctx.tx)
        notes.put(f"{notes.size()}", data.hex())
        self.send(grpc_message(f"{notes.size()}".encode()))


@app.stream(LINES, method="GET")
class Lines(Stream):
    """Sends a line for each note, in a format that is not gRPC's."""

    headers: Mapping[str, str] = {"content-type": "text/plain"}

    def on_open(self, ctx: Context) -> None:
        """Follow what the path names."""
        assert ctx.params["name"] == "notes"
        self.send(b"begin\n")
        self.follow(NOTES)

    def on_end(self, ctx: Context) -> None:
        """Go on: a GET has no body."""

    def on_commit(self, _: Context, __: TxId, writes: WriteSet) -> None:
        """Send lines, until one says otherwise."""
        for text in NOTES.decode_writes(writes[NOTES.name]).values():
            if text == "fail":
                raise RuntimeError("private")
            self.send(f"{text}\n".encode())
            if text == "end":
                self.finish()
