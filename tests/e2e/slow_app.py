"""An application whose calls never end, hang, or wait for another call."""

from threading import Event, Lock

from ccfpy.app import GOVERNED, STRING, U64, App, Context, Map, Scripts, json_codec

app = App("slow")
app.serve_scripts(Scripts(tables=GOVERNED))

COUNTS = Map("counts", STRING, json_codec(U64))
ENDLESS_MS_MAX = 4000
HANG_MS_MAX = 1000
WAIT_S = 60.0
_HELD = Lock()
_HELD.acquire()
_BEGUN: set[str] = set()
_WRITTEN = Event()


@app.get("/endless", auth=[], execution_ms_max=ENDLESS_MS_MAX)
def never_end(ctx: Context) -> bool:
    """Never end."""
    del ctx
    while True:
        pass


@app.get("/hang", auth=[], execution_ms_max=HANG_MS_MAX)
def hang(ctx: Context) -> bool:
    """Wait for a lock that nobody ever releases."""
    del ctx
    _BEGUN.add("hang")
    return _HELD.acquire()


@app.get("/begun/{name}", auth=[])
def has_begun(ctx: Context, name: str) -> bool:
    """Return whether a call of that name has begun."""
    del ctx
    return name in _BEGUN


@app.put("/counts/{name}")
def count(ctx: Context, name: str) -> int:
    """Count one more."""
    counts = COUNTS.of(ctx.tx)
    counted = (counts.get(name) or 0) + 1
    counts.put(name, counted)
    return counted


@app.put("/slowly/{name}", execution_ms_max=int(WAIT_S * 1000))
def count_slowly(ctx: Context, name: str) -> list[int]:
    """Read, wait until another call has written, and count one more."""
    counts = COUNTS.of(ctx.tx)
    before = counts.get(name) or 0
    _BEGUN.add(name)
    _WRITTEN.wait(WAIT_S)
    counts.put(name, before + 1)
    return [before, before + 1]


@app.put("/written", auth=[])
def release(ctx: Context) -> bool:
    """Wake the calls that wait."""
    del ctx
    _WRITTEN.set()
    return True
