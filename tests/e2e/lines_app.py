"""An application whose users say lines, which it counts and sends back."""

from ccfpy.app import App, Context, Map, Mode, Stream, json_codec

app = App("lines", auth=["user_cert"])
COUNTS = Map("counts", json_codec(str), json_codec(int))


@app.protocol("LINES", mode=Mode.READ_WRITE)
class Lines(Stream):
    """Counts lines over all sessions, and sends each back."""

    def __init__(self) -> None:
        self.rest = b""

    def on_data(self, ctx: Context, data: bytes) -> None:
        """Take whole lines, and keep what follows them."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        counts = COUNTS.of(ctx.tx)
        count = counts.get("all") or 0
        for line in lines:
            count += 1
            self.send(b"%d %s\n" % (count, line))
            if line == b"fail":
                raise RuntimeError("not for the client")
        counts.put("all", count)


@app.get("/lines")
def count_lines(ctx: Context) -> int:
    """Return how many lines there were."""
    return COUNTS.of(ctx.tx).get("all") or 0
