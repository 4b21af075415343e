"""``ccf.kv``: the tables of one transaction, each as a map of ArrayBuffers.

``ccf.kv[name]`` is always a handle. An operation that the context may not do on the
table throws, in CCF's words. Rights are decided here, not in JavaScript.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import JS_TABLES_KNOWN_MAX, JS_VISITS_MAX
from ccfpy.js.engine import Narrowing, Permission, TxAccess, explain, permission
from ccfpy.js.extension import (
    ExtensionArgument,
    ExtensionFunction,
    internal_error,
    own_source,
    type_error,
)
from ccfpy.kv.tx import MapHandle


class Tables(Protocol):
    """The transaction that ``ccf.kv`` is a view of."""

    def raw(self, name: str) -> MapHandle:
        """Return a table by name."""
        ...


class KvExtension:
    """The extension ``ccf.kv``, for the tables of one transaction at a time.

    Attributes:
        access: the context whose rights apply.

    Args:
        tables: the transaction. access: the context whose rights apply. narrowing:
        takes rights away, by table. It never adds a right, and always returns
            the same for the same table.
    """

    source: Final = own_source(__name__)

    def __init__(
        self, tables: Tables, access: TxAccess, narrowing: Narrowing | None = None
    ) -> None:
        self.access = access
        self._tables = tables
        self._narrowing = narrowing
        self._allowed: dict[str, frozenset[str]] = {}
        # By the name that was passed: a script may have forged one that is no text.
        self._readable: dict[ExtensionArgument, MapHandle] = {}
        self._writable: dict[ExtensionArgument, MapHandle] = {}
        self._visits: dict[int, _Visit] = {}
        self._visits_begun = 0

    def begin(self) -> None:
        """Forget what an earlier call left behind."""
        self._readable.clear()
        self._writable.clear()
        self._visits.clear()

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {
            "allow": self._allow,
            "has": self._has,
            "get": self._get,
            "getVersionOfPreviousWrite": self._version_of_previous_write,
            "size": self._size,
            "set": self._set,
            "delete": self._delete,
            "clear": self._clear,
            "forEach": self._for_each,
            "nextKey": self._next_key,
            "nextValue": self._next_value,
            "endVisit": self._end_visit,
        }

    def _require(self, name: ExtensionArgument, method: str) -> str:
        """Return a table's name, which a script may have forged.

        Raises:
            JsThrow: the name is no text, or the context may not do this on the table.
        """
        if not isinstance(name, str):
            raise type_error("The name of a table must be a string")
        allowed = self._allowed.get(name)
        if allowed is None:
            allowed = _ALLOWED[self._permission(name)[0]]
            if len(self._allowed) >= JS_TABLES_KNOWN_MAX:
                self._allowed.clear()
            self._allowed[name] = allowed
        if method not in allowed:
            granted, explanation = self._permission(name)
            raise type_error(
                f'Cannot call "{method}" on table named {name}. '
                f"{explanation or explain(granted, self.access)}"
            )
        return name

    def _permission(self, name: str) -> tuple[Permission, str | None]:
        """Return the rights on a table, and the words for a refusal."""
        try:
            granted = permission(self.access, name)
        except Malformed as error:
            raise type_error(str(error)) from None
        if self._narrowing is not None:
            allowed, explanation = self._narrowing(name, granted)
            return allowed & granted, explanation
        return granted, None

    def _table(self, name: ExtensionArgument, method: str) -> MapHandle:
        """Return a table; check the rights at its first use in this call."""
        known = self._writable if method in _WRITING else self._readable
        table = known.get(name)
        if table is None:
            table = self._tables.raw(self._require(name, method))
            known[name] = table
        return table

    def _allow(self, name: ExtensionArgument, method: str) -> None:
        """Throw if an operation is forbidden, without doing it."""
        self._require(name, method)

    def _has(self, name: ExtensionArgument, key: bytes) -> bool:
        return self._table(name, "has").get(key) is not None

    def _get(self, name: ExtensionArgument, key: bytes) -> bytes | None:
        table = self._readable.get(name)
        return (self._table(name, "get") if table is None else table).get(key)

    def _version_of_previous_write(
        self, name: ExtensionArgument, key: bytes
    ) -> int | None:
        table = self._table(name, "getVersionOfPreviousWrite")
        return table.version_of_previous_write(key)

    def _size(self, name: ExtensionArgument) -> int:
        return self._table(name, "size").size()

    def _set(self, name: ExtensionArgument, key: bytes, value: bytes) -> None:
        table = self._writable.get(name)
        (self._table(name, "set") if table is None else table).put(key, value)

    def _delete(self, name: ExtensionArgument, key: bytes) -> None:
        self._table(name, "delete").remove(key)

    def _clear(self, name: ExtensionArgument) -> None:
        self._table(name, "clear").clear()

    def _for_each(self, name: ExtensionArgument) -> int:
        """Start to visit a table as it is now, in key order, and return a cursor.

        Entries cross one by one: where a script's memory ends, a list would be cut
        short without an error.
        """
        table = self._table(name, "forEach")
        if len(self._visits) >= JS_VISITS_MAX:
            raise internal_error(f"More than {JS_VISITS_MAX} forEach calls at once")
        self._visits_begun += 1
        self._visits[self._visits_begun] = _Visit(iter(table.range()))
        return self._visits_begun

    def _next_key(self, cursor: int) -> bytes | None:
        visit = self._visits[cursor]
        entry = next(visit.entries, None)
        if entry is None:
            return None
        key, visit.value = entry
        return key

    def _next_value(self, cursor: int) -> bytes:
        return self._visits[cursor].value

    def _end_visit(self, cursor: int) -> None:
        del self._visits[cursor]


@dataclass(slots=True)
class _Visit:
    """A running ``forEach``."""

    entries: Iterator[tuple[bytes, bytes]]
    value: bytes = b""
    """The value of the key that was returned last."""


_NEEDS: Final = {
    "has": Permission.READ,
    "get": Permission.READ,
    "getVersionOfPreviousWrite": Permission.READ,
    "size": Permission.READ,
    "forEach": Permission.READ,
    "set": Permission.WRITE,
    "delete": Permission.WRITE,
    "clear": Permission.WRITE,
}
_ALLOWED: Final = {
    granted: frozenset(method for method, needed in _NEEDS.items() if granted & needed)
    for granted in map(Permission, range(Permission.READ_WRITE.value + 1))
}
"""What each right lets be called: asked for often, and flags are slow to combine."""
_WRITING: Final = frozenset(
    method for method, needed in _NEEDS.items() if needed is Permission.WRITE
)
