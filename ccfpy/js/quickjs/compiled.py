"""The engine's code: read where this is imported, compiled when it is first asked for.

There is one for a process. Compiling takes about a second of processor time. Whoever
asks in a thread of its own spares the first script the wait, and one that comes too
early waits for the rest. No file is needed any more by then: the process may have given
up reading any.
"""

from functools import cache
from threading import Lock
from typing import Final

from ccfpy.js.quickjs.native import Module, read_engine

_CODE: Final = read_engine()
_LOCK: Final = Lock()
_compile = cache(lambda: Module(_CODE))


def module() -> Module:
    """Give the compiled module, and compile it if nobody has."""
    with _LOCK:
        return _compile()
