"""What JavaScript's engine needs of a process: to be compiled, and told of time."""

import threading
import time
from functools import cache

from ccfpy.base.limits import JS_TICK_MS
from ccfpy.js.quickjs.compiled import module

_MS_PER_S = 1000


@cache
def attend_scripts() -> None:
    """Begin to look after the engine, in a thread of its own; once for a process.

    The engine is compiled beside whatever else happens, so that the first script need
    not wait. Then it is told of each tick: a loop inside the engine that looks at no
    clock is ended by that.
    """
    threading.Thread(target=_attend, name="scripts", daemon=True).start()


def _attend() -> None:
    engine = module()
    while True:
        time.sleep(JS_TICK_MS / _MS_PER_S)
        engine.tick()
