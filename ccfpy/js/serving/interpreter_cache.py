"""Interpreters that applications reuse between calls (``interpreter_cache.h``)."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

from ccfpy.base.ids import Seqno
from ccfpy.base.limits import JS_INTERPRETERS_KEPT_CEILING
from ccfpy.js.access import TxAccess
from ccfpy.js.engine import Library

Cached = TypeVar("Cached")
Key: TypeAlias = tuple[str, TxAccess]
"""The application's word for what may share globals, apart for reading and writing."""


class InterpreterCache(Generic[Cached]):
    """Worlds by key, at most so many, of one state of the application's code.

    When the code changes, or the table that says so is written, all are dropped.
    """

    def __init__(self) -> None:
        self._contexts: OrderedDict[Key, Cached] = OrderedDict()
        self._library: Library | None = None
        self._flushed_at: Seqno | None = None

    def __len__(self) -> int:
        """Count them."""
        return len(self._contexts)

    def freshen(self, library: Library, flushed_at: Seqno | None, most: int) -> None:
        """Drop those of other code, and those not used for longest beyond ``most``."""
        if library is not self._library or flushed_at != self._flushed_at:
            self._contexts.clear()
            self._library = library
            self._flushed_at = flushed_at
        most = min(most, JS_INTERPRETERS_KEPT_CEILING)
        while len(self._contexts) > most:
            self._contexts.popitem(last=False)

    def take(self, key: Key, make: Callable[[], Cached]) -> Cached:
        """Take a world out, or make it; it is put back only if it may live on."""
        return self._contexts.pop(key, None) or make()

    def put(self, key: Key, script_context: Cached, most: int) -> None:
        """Keep a world that served well."""
        self._contexts[key] = script_context
        while len(self._contexts) > min(most, JS_INTERPRETERS_KEPT_CEILING):
            self._contexts.popitem(last=False)
