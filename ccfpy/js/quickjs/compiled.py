"""The engine's code: read when this file is imported, compiled at its first use.

A process has one. Compiling takes about a second of processor time, unless an earlier
process kept what came of it (`kept`). A caller may compile in a thread, so that the
first script need not wait; a script that comes earlier waits until the thread is done.
Compiling needs no file: the process may have given up its right to read any.
"""

from functools import cache
from threading import Lock
from typing import Final

from ccfpy.js.quickjs import kept
from ccfpy.js.quickjs.native import Module, read_engine

_CODE: Final = read_engine()
_KEPT: Final = kept.read(_CODE)
_LOCK: Final = Lock()
_compile = cache(lambda: Module(_CODE, _KEPT))


def module() -> Module:
    """Return the compiled module; compile it at the first call."""
    with _LOCK:
        return _compile()


def to_keep() -> bytes | None:
    """Return what later processes may read; None if an earlier one kept it.

    Compiles the module.
    """
    made = module()
    return None if made.was_kept else kept.pack(_CODE, made.serialize())
