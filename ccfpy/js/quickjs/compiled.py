"""The engine's code: read when this file is imported, compiled at its first use.

A process has one. Compiling takes about a second of processor time, unless an earlier
process kept what came of it (`kept`). A caller may compile in a thread, so that the
first script need not wait; a script that comes earlier waits until the thread is done.
Compiling needs no file: the process may have given up its right to read any.

The compiled engine in the form in which it is kept for later processes.

It lies where Python keeps what it compiles, in ``__pycache__`` beside the source, and
is trusted as that is: a person who can write there can change the sources too. Native
code that was cut short or altered by accident would crash the process, and an engine of
another release would answer wrongly, so a digest of both comes first.
"""

import pkgutil
from functools import cache
from threading import Lock
from typing import Final

from ccfpy.crypto.hashing import sha256
from ccfpy.js.quickjs.native import Module, read_engine

FILE: Final = "__pycache__/engine.cwasm"
"""Where the compiled engine lies, seen from this package."""
_DIGEST_BYTES: Final = 32


def pack(source: bytes, compiled: bytes) -> bytes:
    """Return what to keep of a compiled engine.

    Args:
        source: the engine as WebAssembly.
        compiled: what ``wasmtime`` made of the source.
    """
    return sha256(source + compiled) + compiled


def unpack(source: bytes, kept: bytes) -> bytes | None:
    """Return the compiled engine, or None if this is not what ``pack`` returned."""
    compiled = kept[_DIGEST_BYTES:]
    return compiled if pack(source, compiled) == kept else None


def read(source: bytes) -> bytes | None:
    """Read the compiled engine that an earlier process kept, if one did."""
    try:
        kept = pkgutil.get_data(__package__, FILE)
    except OSError:
        return None
    return None if kept is None else unpack(source, kept)


_CODE: Final = read_engine()
_KEPT: Final = read(_CODE)
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
    return None if made.was_kept else pack(_CODE, made.serialize())
