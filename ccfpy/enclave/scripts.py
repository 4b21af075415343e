"""What JavaScript's engine needs of a process: to be compiled, and told of time."""

import os
import sys
import time
from functools import cache
from pathlib import Path

from ccfpy.base.limits import JS_TICK_MS
from ccfpy.enclave.code_origin import OwnThread
from ccfpy.js.quickjs import compiled
from ccfpy.js.quickjs.compiled import module, to_keep

_MS_PER_S = 1000
_KEPT = Path(compiled.__file__).parent / compiled.FILE


@cache
def attend_scripts() -> None:
    """Begin to look after the engine, in a thread of its own; once for a process.

    The engine is compiled beside whatever else happens, so that the first script need
    not wait. Then it is told of each tick: a loop inside the engine that looks at no
    clock is ended by that.
    """
    OwnThread(target=_attend, name="scripts", daemon=True).start()


def keep_engine(place: Path = _KEPT) -> None:
    """Compile the engine and write it down, unless an earlier process did.

    It is written where and when Python would write what it compiles. Where Python would
    not, the engine is left to be compiled beside whatever else happens.
    """
    if sys.dont_write_bytecode or not os.access(place.parent, os.W_OK):
        return
    made = to_keep()
    if made is None:
        return
    # Processes that start at once each write a file of their own.
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    try:
        draft.write_bytes(made)
        draft.replace(place)
    except OSError:
        draft.unlink(missing_ok=True)


def _attend() -> None:
    engine = module()
    while True:
        time.sleep(JS_TICK_MS / _MS_PER_S)
        engine.tick()
