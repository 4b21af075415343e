"""Interpreters that applications reuse between calls (``interpreter_cache.h``)."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

from ccfpy.base.ids import Seqno
from ccfpy.base.limits import JS_INTERPRETERS_KEPT_CEILING
from ccfpy.js.engine import Library

Cached = TypeVar("Cached")
Key: TypeAlias = tuple[str, str]
"""The application's key for shared globals, and the name of an access to tables:
readers and writers share none."""


class InterpreterCache(Generic[Cached]):
    """Interpreters by key, for one state of the application's code.

    All are dropped when the code changes, or when the table is written that asks for
    it.

    Attributes:
        reused: interpreters given out that were used before.
        fresh: interpreters given out that were made for it.
    """

    def __init__(self) -> None:
        self._contexts: OrderedDict[Key, Cached] = OrderedDict()
        self._library: Library | None = None
        self._flushed_at: Seqno | None = None
        self.reused = 0
        self.fresh = 0

    def __len__(self) -> int:
        """Return the number of interpreters."""
        return len(self._contexts)

    def freshen(self, library: Library, flushed_at: Seqno | None, most: int) -> None:
        """Drop interpreters of other code, and the least used ones beyond ``most``."""
        if library is not self._library or flushed_at != self._flushed_at:
            self._contexts.clear()
            self._library = library
            self._flushed_at = flushed_at
        most = min(most, JS_INTERPRETERS_KEPT_CEILING)
        while len(self._contexts) > most:
            self._contexts.popitem(last=False)

    def take(self, key: Key, make: Callable[[], Cached]) -> Cached:
        """Take an interpreter out, or make one; the caller may put it back."""
        known = self._contexts.pop(key, None)
        if known is None:
            self.fresh += 1
            return make()
        self.reused += 1
        return known

    def put(self, key: Key, script_context: Cached, most: int) -> None:
        """Keep an interpreter for the next call."""
        self._contexts[key] = script_context
        while len(self._contexts) > min(most, JS_INTERPRETERS_KEPT_CEILING):
            self._contexts.popitem(last=False)
