"""Interpreters that applications want kept between calls (``interpreter_cache.h``)."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

from ccfpy.base.ids import Seqno
from ccfpy.base.limits import JS_INTERPRETERS_KEPT_CEILING
from ccfpy.js.access import TxAccess
from ccfpy.js.engine import Library

World = TypeVar("World")
Key: TypeAlias = tuple[str, TxAccess]
"""The application's word for what may share globals, apart for reading and writing."""


class KeptWorlds(Generic[World]):
    """Worlds by key, at most so many, of one state of the application's code.

    When the code changes, or the table that says so is written, all are dropped.
    """

    def __init__(self) -> None:
        self._worlds: OrderedDict[Key, World] = OrderedDict()
        self._library: Library | None = None
        self._flushed_at: Seqno | None = None

    def __len__(self) -> int:
        """Count them."""
        return len(self._worlds)

    def freshen(self, library: Library, flushed_at: Seqno | None, most: int) -> None:
        """Drop those of other code, and those not used for longest beyond ``most``."""
        if library is not self._library or flushed_at != self._flushed_at:
            self._worlds.clear()
            self._library = library
            self._flushed_at = flushed_at
        most = min(most, JS_INTERPRETERS_KEPT_CEILING)
        while len(self._worlds) > most:
            self._worlds.popitem(last=False)

    def take(self, key: Key, make: Callable[[], World]) -> World:
        """Take a world out, or make it; it is put back only if it may live on."""
        return self._worlds.pop(key, None) or make()

    def put(self, key: Key, world: World, most: int) -> None:
        """Keep a world that served well."""
        self._worlds[key] = world
        while len(self._worlds) > min(most, JS_INTERPRETERS_KEPT_CEILING):
            self._worlds.popitem(last=False)
