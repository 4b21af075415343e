"""An application with protocols of its own, as tests of nodes need it."""

from dataclasses import replace

from ccfpy.app import (
    ApiError,
    App,
    Context,
    Map,
    Mode,
    Stream,
    TxId,
    UserCertCaller,
    WriteSet,
    json_codec,
)
from ccfpy.boundary.configuration import InterfaceAuthority, RpcInterface
from ccfpy.testing.configuration import listener
from tests.lab.slow_calls import may_stop

LINES, WATCH = "LINES", "WATCH"
app = App("lines")
KEPT = Map("kept", json_codec(str), json_codec(str))


@app.protocol(LINES, auth=["user_cert"], mode=Mode.READ_WRITE)
class Lines(Stream):
    """Counts lines and sends them back, and does as some of them say."""

    def __init__(self) -> None:
        self.rest = b""
        self.count = 0

    def on_open(self, ctx: Context) -> None:
        """Greet the user."""
        assert isinstance(ctx.caller, UserCertCaller)
        self.send(f"hello {ctx.caller.user_id[:4]}\n".encode())

    def on_data(self, ctx: Context, data: bytes) -> None:
        """Take whole lines, and keep what follows them."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.count += 1
            self._take(ctx, line.decode())

    def _take(self, ctx: Context, line: str) -> None:
        word, _, rest = line.partition(" ")
        match word:
            case "bye":
                self.send(b"bye\n")
                self.finish()
            case "fail":
                KEPT.of(ctx.tx).put("last", "never")
                self.send(b"never sent")
                raise RuntimeError("private")
            case "refuse":
                raise ApiError(409, "Conflict", "private")
            case "keep":
                KEPT.of(ctx.tx).put("last", rest)
                self.send(b"kept\n")
            case "read":
                self.send(f"{KEPT.of(ctx.tx).get('last')}\n".encode())
            case "pause":
                self.send(b"pause\n")
                self.pause()
            case "flood":
                self.send(bytes(int(rest)))
                self.pause()
            case "slowly":
                may_stop()
                self.send(f"{self.count} {rest}\n".encode())
            case _:
                self.send(f"{self.count} {line}\n".encode())

    def on_drained(self, ctx: Context) -> None:
        """Go on after a pause."""
        del ctx
        self.send(b"on\n")

    def on_end(self, ctx: Context) -> None:
        """Write down how many lines there were."""
        KEPT.of(ctx.tx).put("ended", str(self.count))
        self.send(f"after {self.count}\n".encode())
        self.finish()


@app.protocol(WATCH, auth=[])
class Watch(Stream):
    """Sends what is committed, also when its client sends nothing more."""

    def on_data(self, ctx: Context, data: bytes) -> None:
        """Begin or end to follow, or send much."""
        del ctx
        if data.startswith(b"large "):
            self.send(bytes(int(data[6:])))
            return
        if data == b"stop":
            self.follow()
        else:
            self.follow(KEPT, after=int(data) if data.isdigit() else None)
        self.send(b"follows\n")

    def on_end(self, ctx: Context) -> None:
        """Go on."""

    def on_commit(self, ctx: Context, tx_id: TxId, writes: WriteSet) -> None:
        """Send each value, until one says otherwise."""
        del ctx, tx_id
        for text in KEPT.decode_writes(writes[KEPT.name]).values():
            if text == "fail":
                raise RuntimeError("private")
            self.send(f"{text}\n".encode())


def line_listener(
    protocol: str = LINES,
    *,
    port: int = 8002,
    authority: InterfaceAuthority = InterfaceAuthority.SERVICE,
    sessions_soft_max: int = 1000,
) -> RpcInterface:
    """Describe an interface that speaks a protocol, by which it is called."""
    plain = listener(
        protocol, port=port, authority=authority, sessions_soft_max=sessions_soft_max
    )
    return replace(plain, app_protocol=protocol)
