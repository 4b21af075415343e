"""Maps whose keys and values have types, on top of bytes.

A ``Map``, ``Value`` or ``Set`` names a map of the store and says how its contents are
encoded; it holds no data. ``users.of(tx)`` gives a handle within a transaction::

    certificates = Map("public:ccf.gov.users.certs", STRING, STRING)
    pem = certificates.of(tx).get(user_id)

``Value`` keeps one value under a unit key, ``Set`` keys with a unit value; the unit is
eight zero bytes, as in CCF.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from ccfpy.base.errors import Malformed, StoredMalformed
from ccfpy.base.ids import Seqno
from ccfpy.kv.changes import Writes
from ccfpy.kv.names import is_public
from ccfpy.kv.tx import MapHandle, Tx

# Others import these from here, though they are defined elsewhere.
__all__ = ["is_public"]

K = TypeVar("K")
V = TypeVar("V")

UNIT: Final = bytes(8)
"""The key of every ``Value`` and the value of every ``Set``'s keys."""
USE_ORDERED: Final = (
    "use ORDERED_U64 or ORDERED_I64 for integers, STRING for text, RAW for bytes, or "
    "ordered_tuple of these"
)
"""How an author gets keys that have an order."""


class Codec(Generic[V]):
    """How a type is written: ``decode(encode(x)) == x``.

    ``decode`` raises ``Malformed`` for bytes that ``encode`` never gives.

    Attributes:
        orders: whether ``encode(x) < encode(y)`` where ``x < y``, so that a map may be
            asked for ranges of such keys. JSON does not: it writes 10 before 2, and
            ``"a!"`` before ``"a"``.
    """

    def __init__(
        self,
        *,
        encode: Callable[[V], bytes],
        decode: Callable[[bytes], V],
        orders: bool = False,
    ) -> None:
        self.encode = encode
        self.decode = decode
        self.orders = orders


def _identity(data: bytes) -> bytes:
    return data


def _decode_text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8 text at byte {error.start}") from None


_U64 = struct.Struct("<Q")


def _decode_u64(data: bytes) -> int:
    if len(data) != _U64.size:
        raise Malformed(f"expected a u64, found {len(data)} bytes")
    value: int = _U64.unpack(data)[0]
    return value


RAW: Final[Codec[bytes]] = Codec(encode=_identity, decode=_identity, orders=True)
"""Bytes as they are."""
STRING: Final[Codec[str]] = Codec(encode=str.encode, decode=_decode_text, orders=True)
"""Text as UTF-8, ordered by code points: ids, names, PEM."""
U64: Final[Codec[int]] = Codec(encode=_U64.pack, decode=_decode_u64)
"""An unsigned 64-bit number as 8 bytes, least significant first: without order."""


def _read(codec: Codec[V], data: bytes) -> V:
    """Decode what a map holds.

    Raises:
        StoredMalformed: it holds bytes of another form.
    """
    try:
        return codec.decode(data)
    except Malformed as error:
        raise StoredMalformed(str(error)) from error


class Map(Generic[K, V]):
    """A map of the store with its codecs."""

    def __init__(self, name: str, key_codec: Codec[K], value_codec: Codec[V]) -> None:
        self.name = name
        self.key_codec = key_codec
        self.value_codec = value_codec

    def of(self, tx: Tx) -> "TypedHandle[K, V]":
        """Return this map's handle in ``tx``; raises as ``Tx.raw`` does."""
        return TypedHandle(tx.raw(self.name), self.key_codec, self.value_codec)

    def decode_writes(self, writes: Writes) -> dict[K, V | None]:
        """Decode what a hook was given, or one map's part of a write set.

        Raises:
            Malformed: something else was written to this map.
        """
        decode_key, decode_value = self.key_codec.decode, self.value_codec.decode
        return {
            decode_key(key): None if value is None else decode_value(value)
            for key, value in writes.items()
        }


class Value(Generic[V]):
    """A map that holds one value at most."""

    def __init__(self, name: str, codec: Codec[V]) -> None:
        self.name = name
        self.codec = codec

    def of(self, tx: Tx) -> "ValueHandle[V]":
        """Return this value's handle in ``tx``; raises as ``Tx.raw`` does."""
        return ValueHandle(tx.raw(self.name), self.codec)

    def decode_writes(self, writes: Writes) -> V | None:
        """Decode what a hook was given: the new value, ``None`` if it was removed.

        Raises:
            Malformed: something else was written to this map.
        """
        value = writes.get(UNIT)
        return None if value is None else self.codec.decode(value)


class Set(Generic[K]):
    """A map of which only the keys matter."""

    def __init__(self, name: str, key_codec: Codec[K]) -> None:
        self.name = name
        self.key_codec = key_codec

    def of(self, tx: Tx) -> "SetHandle[K]":
        """Return this set's handle in ``tx``; raises as ``Tx.raw`` does."""
        return SetHandle(tx.raw(self.name), self.key_codec)

    def decode_writes(self, writes: Writes) -> dict[K, bool]:
        """Decode what a hook was given: keys that came (true) and went (false).

        Raises:
            Malformed: something else was written to this map.
        """
        decode = self.key_codec.decode
        return {decode(key): value is not None for key, value in writes.items()}


class TypedHandle(Generic[K, V]):
    """A ``MapHandle`` that encodes and decodes; methods mean what they mean there.

    Those that read raise ``StoredMalformed`` when the map holds bytes of another form.
    """

    __slots__ = ("_key", "_value", "raw")

    def __init__(
        self, raw: MapHandle, key_codec: Codec[K], value_codec: Codec[V]
    ) -> None:
        self.raw = raw
        """The same map in bytes."""
        self._key = key_codec
        self._value = value_codec

    def get(self, key: K) -> V | None:
        """Return the value of ``key``, ``None`` where it does not exist."""
        value = self.raw.get(self._key.encode(key))
        if value is None:
            return None
        try:
            return self._value.decode(value)
        except Malformed as error:
            raise StoredMalformed(str(error)) from error

    def has(self, key: K) -> bool:
        """Return whether ``key`` exists."""
        return self.raw.has(self._key.encode(key))

    def put(self, key: K, value: V) -> None:
        """Set ``key`` to ``value``."""
        self.raw.put(self._key.encode(key), self._value.encode(value))

    def remove(self, key: K) -> None:
        """Remove ``key``, whether or not it exists."""
        self.raw.remove(self._key.encode(key))

    def version_of_previous_write(self, key: K) -> Seqno | None:
        """Return the seqno of the write that this transaction finds at ``key``."""
        return self.raw.version_of_previous_write(self._key.encode(key))

    def get_globally_committed(self, key: K) -> V | None:
        """Return the value of ``key`` that can no longer be rolled back."""
        value = self.raw.get_globally_committed(self._key.encode(key))
        return None if value is None else _read(self._value, value)

    def items(self) -> Iterator[tuple[K, V]]:
        """List the entries as they are now."""
        return map(self._decode, self.raw.items())

    def keys(self) -> Iterator[K]:
        """List the keys as they are now; values are not decoded."""
        codec = self._key
        return (_read(codec, key) for key in self.raw.keys())  # noqa: SIM118 - no dict

    def foreach(self, visit: Callable[[K, V], bool]) -> None:
        """Call ``visit`` with each entry until it returns ``False``."""
        self.raw.foreach(lambda key, value: visit(*self._decode((key, value))))

    def range(self, start: K | None = None, stop: K | None = None) -> list[tuple[K, V]]:
        """List entries in the order of keys, from ``start`` up to but without ``stop``.

        Raises:
            TypeError: the codec of keys does not order. ``items`` lists all entries.
        """
        if not self._key.orders:
            raise TypeError(
                f"{self.raw.name!r} has keys whose bytes are not in the order of keys, "
                f"so that a range would lose entries: {USE_ORDERED}"
            )
        encode = self._key.encode
        entries = self.raw.range(
            None if start is None else encode(start),
            None if stop is None else encode(stop),
        )
        return [self._decode(entry) for entry in entries]

    def size(self) -> int:
        """Count the entries."""
        return self.raw.size()

    def clear(self) -> None:
        """Remove every entry."""
        self.raw.clear()

    def _decode(self, entry: tuple[bytes, bytes]) -> tuple[K, V]:
        return _read(self._key, entry[0]), _read(self._value, entry[1])


class ValueHandle(Generic[V]):
    """The one value of a ``Value`` within a transaction."""

    __slots__ = ("_codec", "raw")

    def __init__(self, raw: MapHandle, codec: Codec[V]) -> None:
        self.raw = raw
        """The same map in bytes."""
        self._codec = codec

    def get(self) -> V | None:
        """Return the value, ``None`` where there is none."""
        value = self.raw.get(UNIT)
        return None if value is None else _read(self._codec, value)

    def has(self) -> bool:
        """Return whether there is a value."""
        return self.raw.has(UNIT)

    def put(self, value: V) -> None:
        """Set the value."""
        self.raw.put(UNIT, self._codec.encode(value))

    def remove(self) -> None:
        """Remove the value, whether or not there is one."""
        self.raw.remove(UNIT)

    def version_of_previous_write(self) -> Seqno | None:
        """Return the seqno of the write that this transaction finds."""
        return self.raw.version_of_previous_write(UNIT)

    def get_globally_committed(self) -> V | None:
        """Return the value that can no longer be rolled back."""
        value = self.raw.get_globally_committed(UNIT)
        return None if value is None else _read(self._codec, value)


class SetHandle(Generic[K]):
    """The keys of a ``Set`` within a transaction."""

    __slots__ = ("_key", "raw")

    def __init__(self, raw: MapHandle, key_codec: Codec[K]) -> None:
        self.raw = raw
        """The same map in bytes."""
        self._key = key_codec

    def contains(self, key: K) -> bool:
        """Return whether ``key`` is in the set."""
        return self.raw.has(self._key.encode(key))

    def insert(self, key: K) -> None:
        """Put ``key`` into the set."""
        self.raw.put(self._key.encode(key), UNIT)

    def remove(self, key: K) -> None:
        """Remove ``key``, whether or not it is in the set."""
        self.raw.remove(self._key.encode(key))

    def keys(self) -> Iterator[K]:
        """List the set as it is now."""
        codec = self._key
        return (_read(codec, key) for key in self.raw.keys())  # noqa: SIM118 - no dict

    def version_of_previous_write(self, key: K) -> Seqno | None:
        """Return the seqno of the write that this transaction finds at ``key``."""
        return self.raw.version_of_previous_write(self._key.encode(key))

    def contains_globally_committed(self, key: K) -> bool:
        """Return whether ``key`` is in the set in the state that is final."""
        return self.raw.get_globally_committed(self._key.encode(key)) is not None

    def size(self) -> int:
        """Count the keys."""
        return self.raw.size()

    def clear(self) -> None:
        """Remove every key."""
        self.raw.clear()
