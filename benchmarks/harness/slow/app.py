"""An app whose calls never end, and which serves scripts too."""

from threading import Lock

from ccfpy.app import GOVERNED, App, Context, Scripts

app = App("slow", description="Has calls that never end.")
app.serve_scripts(Scripts(tables=GOVERNED))

EXECUTION_MS_MAX = 5000
"""The default for scripts."""
_HELD = Lock()
_HELD.acquire()


@app.get("/endless", auth=[], execution_ms_max=EXECUTION_MS_MAX)
def never_end(ctx: Context) -> bool:
    """Never end."""
    del ctx
    while True:
        pass


@app.get("/hang", auth=[], execution_ms_max=EXECUTION_MS_MAX)
def hang(ctx: Context) -> bool:
    """Wait for a lock that nobody ever releases."""
    del ctx
    return _HELD.acquire()
