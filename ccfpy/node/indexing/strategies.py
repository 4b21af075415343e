"""The index strategies of the library, and base classes for an application's own.

`SeqnosByKey` keeps in memory which transactions wrote a key: eight bytes for each
write, and more for each key.

`SeqnosByKeyBucketed` keeps most of it with the host. Seqnos fall into buckets of equal
length. The latest bucket is in memory; earlier buckets are blobs that the host keeps
and cannot read. A look-up asks for the blobs that it needs, and is answered when they
are there. The latest look-ups are cached. Memory grows with the ledger by only four
bytes for each bucket. A bucket holds all keys, so the host learns neither the keys nor
their number. A bucket that is too large for one blob becomes several blobs. If the host
lost or changed a blob, the index is rebuilt from the ledger
(``src/indexing/strategies/seqnos_by_key_bucketed.cpp``).

The bytes of a bucket: a ``u32`` count of keys; the keys' digests, sorted; for each key
the number of seqnos up to and with its own (``u32``); all seqnos (``u64``). Only the
process that wrote a bucket reads it, so numbers have the machine's byte order.
"""

from abc import abstractmethod
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ccfpy.base import limits
from ccfpy.base.ids import Seqno, TxId
from ccfpy.crypto.hashing import DIGEST_BYTES, sha256
from ccfpy.endpoints.index_strategies import Blobs, Strategy
from ccfpy.kv.maps import RAW, UNIT, Codec, Map, Set, Value, is_public

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject
    from ccfpy.kv.changes import WriteSet


K = TypeVar("K")

UNIT_KEY: Codec[None] = Codec(encode=lambda _: UNIT, decode=lambda _: None)
"""The one key of every ``Value``."""


class SeqnosByKey(Strategy, Generic[K]):
    """The transactions that wrote each key of a table, the ledger's first included.

    A removal does not count as a write, as in CCF.

    Attributes:
        indexed_up_to: the last transaction that it received; ``0.0`` before any.

    Args:
        table: which one.
    """

    def __init__(self, table: Map[K, Any] | Set[K]) -> None:
        self.name = f"SeqnosByKey {table.name}"
        self.indexed_up_to = TxId(0, 0)
        self._table = table.name
        self._encode = table.key_codec.encode
        self._seqnos: dict[bytes, array[int]] = {}

    @staticmethod
    def of_value(value: Value[Any]) -> "SeqnosByKey[None]":
        """Index a table of one value; the key is ``None`` then."""
        return SeqnosByKey(Map(value.name, UNIT_KEY, RAW))

    @property
    def next_requested(self) -> Seqno:
        """Every transaction is wanted."""
        return self.indexed_up_to.seqno + 1

    def take(self, tx_id: TxId, writes: "WriteSet") -> None:
        """Note which keys the next transaction wrote."""
        seqno = tx_id.seqno
        written = writes.get(self._table)
        if written is not None:
            by_key = self._seqnos
            for key, value in written.items():
                if value is None:
                    continue
                seqnos = by_key.get(key)
                if seqnos is None:
                    by_key[key] = array("Q", (seqno,))
                else:
                    seqnos.append(seqno)
        self.indexed_up_to = tx_id

    def write_txs_in_range(
        self, key: K, first: Seqno, last: Seqno, *, seqnos_max: int | None = None
    ) -> list[Seqno] | None:
        """List the transactions that wrote a key.

        Args:
            key: which.
            first: the first seqno of the range.
            last: the last seqno of the range, included.
            seqnos_max: list no more than the first few.

        Returns:
            Their seqnos in order; nothing if the index has not reached ``last`` yet.

        Raises:
            ValueError: the range goes backwards.
        """
        check_range(first, last)
        if last > self.indexed_up_to.seqno:
            return None
        seqnos = self._seqnos.get(self._encode(key))
        if seqnos is None:
            return []
        found = seqnos[bisect_left(seqnos, first) : bisect_right(seqnos, last)]
        return found[:seqnos_max].tolist()

    def all_write_txs(self, key: K) -> list[Seqno]:
        """List all transactions that wrote a key, as far as the index has come."""
        return self.write_txs_in_range(key, 0, self.indexed_up_to.seqno) or []

    def describe(self) -> "JsonObject":
        """Return the table's name, and how far this index has come."""
        return {
            "target_map": self._table,
            "indexed_watermark": str(self.indexed_up_to),
        }


def check_range(first: Seqno, last: Seqno) -> None:
    """Check that a range goes forwards.

    Raises:
        ValueError: it does not.
    """
    if last < first:
        raise ValueError(f"the range from {first} to {last} goes backwards")


KEY_OVERHEAD_BYTES = DIGEST_BYTES + 4
"""What a key takes, before its seqnos."""
SEQNO_BYTES = 8
_COUNT_BYTES = 4


def write_bucket(seqnos_by_digest: Mapping[bytes, "array[int]"]) -> bytes:
    """Write down which seqnos each key has."""
    digests = sorted(seqnos_by_digest)
    ends, seqnos = array("I"), array("Q")
    for digest in digests:
        seqnos += seqnos_by_digest[digest]
        ends.append(len(seqnos))
    count = array("I", (len(digests),))
    return b"".join(
        (count.tobytes(), *digests, ends.tobytes(), seqnos.tobytes()),
    )


def padded(bucket: bytes) -> bytes:
    """Return a bucket with zeros after its end, up to the next power of two of bytes.

    Its length is then one of a few, none below ``INDEX_PADDED_BYTES_MIN``. A reader
    finds the end by the counts, and ignores the zeros.
    """
    length = max(len(bucket), limits.INDEX_PADDED_BYTES_MIN)
    return bucket.ljust(1 << (length - 1).bit_length(), b"\0")


def seqnos_in(bucket: bytes, digest: bytes) -> "array[int]":
    """Return the seqnos of the key with this digest; none if it is not there."""
    view = memoryview(bucket)
    count = view[:_COUNT_BYTES].cast("I")[0]
    ends_at = _COUNT_BYTES + count * DIGEST_BYTES
    seqnos_at = ends_at + 4 * count

    def digest_at(at: int) -> bytes:
        start = _COUNT_BYTES + at * DIGEST_BYTES
        return bucket[start : start + DIGEST_BYTES]

    found: array[int] = array("Q")
    at = bisect_left(range(count), digest, key=digest_at)
    if at < count and digest_at(at) == digest:
        ends = view[ends_at:seqnos_at].cast("I")
        first, end = ends[at - 1] if at else 0, ends[at]
        found.frombytes(
            view[seqnos_at + SEQNO_BYTES * first : seqnos_at + SEQNO_BYTES * end]
        )
    return found


class _Looked:
    """What a bucket's blobs say about one key.

    Attributes:
        parts: its seqnos in each blob that was asked for; nothing where it is awaited.
        are_asked: whether the host was asked for all of them.
    """

    __slots__ = ("are_asked", "parts")

    def __init__(self, count: int) -> None:
        self.parts: list[array[int] | None] = [None] * count
        self.are_asked = False


class SeqnosByKeyBucketed(Strategy, Generic[K]):
    """The transactions that wrote each key of a table.

    A removal does not count as a write, as in CCF. The blobs of a private table are
    padded, so that their sizes reveal to the host only the order of magnitude of what
    was written. The host sees which buckets are read; it sees the same when the node
    asks for entries of the ledger. CCF accepts only public tables.

    Attributes:
        indexed_up_to: the last transaction that it received; ``0.0`` before any, and
            after the host lost a blob.

    Args:
        table: which one.
        blobs: where the host keeps buckets that are not in memory.
        seqnos_per_bucket: the number of transactions in one bucket.
        buckets_max: how many answers about one key and bucket are kept in memory.

    Raises:
        ValueError: a number is too small.
    """

    def __init__(
        self,
        table: Map[K, Any] | Set[K],
        blobs: Blobs,
        *,
        seqnos_per_bucket: int = limits.INDEX_SEQNOS_PER_BUCKET,
        buckets_max: int = limits.INDEX_BUCKETS_MAX,
    ) -> None:
        if seqnos_per_bucket < 1 or buckets_max < 2:  # noqa: PLR2004  # a range needs two
            raise ValueError(
                f"too small: {seqnos_per_bucket} seqnos a bucket, {buckets_max} buckets"
            )
        self.name = f"SeqnosByKey {table.name}"
        self.indexed_up_to = TxId(0, 0)
        self._table = table.name
        self._are_padded = not is_public(table.name)
        self._encode = table.key_codec.encode
        self._blobs = blobs
        self._per_bucket = seqnos_per_bucket
        self._buckets_max = buckets_max
        self._series = blobs.begin()
        self._begin()

    @staticmethod
    def of_value(
        value: Value[Any],
        blobs: Blobs,
        *,
        seqnos_per_bucket: int = limits.INDEX_SEQNOS_PER_BUCKET,
        buckets_max: int = limits.INDEX_BUCKETS_MAX,
    ) -> "SeqnosByKeyBucketed[None]":
        """Index a table of one value; the key is ``None`` then."""
        return SeqnosByKeyBucketed(
            Map(value.name, UNIT_KEY, RAW),
            blobs,
            seqnos_per_bucket=seqnos_per_bucket,
            buckets_max=buckets_max,
        )

    def _begin(self) -> None:
        self._blob_counts = array("I", (0,))
        """Of each bucket, the current one's last."""
        self._current: dict[bytes, array[int]] = {}
        self._current_bytes = 0
        self._looked: dict[tuple[bytes, int], _Looked] = {}

    @property
    def range_max(self) -> int:
        """The largest distance between the ends of one range."""
        return (self._buckets_max - 1) * self._per_bucket

    @property
    def next_requested(self) -> Seqno:
        """Every transaction is wanted."""
        return self.indexed_up_to.seqno + 1

    def take(self, tx_id: TxId, writes: "WriteSet") -> None:
        """Note which keys the next transaction wrote."""
        seqno = tx_id.seqno
        if seqno >= self._per_bucket * len(self._blob_counts):
            self._hand_over()
            bucket = seqno // self._per_bucket
            self._blob_counts.extend([0] * (bucket + 1 - len(self._blob_counts)))
        written = writes.get(self._table)
        if written is not None:
            for key, value in written.items():
                if value is not None:
                    self._add(sha256(key), seqno)
        self.indexed_up_to = tx_id

    def _add(self, digest: bytes, seqno: Seqno) -> None:
        seqnos = self._current.get(digest)
        if seqnos is None:
            self._current[digest] = array("Q", (seqno,))
            self._current_bytes += KEY_OVERHEAD_BYTES + SEQNO_BYTES
        else:
            seqnos.append(seqno)
            self._current_bytes += SEQNO_BYTES
        if self._current_bytes >= limits.INDEX_BLOB_BYTES_MAX:
            self._hand_over()

    def _hand_over(self) -> None:
        """Store the current bucket's part in memory with the host."""
        if not self._current:
            return
        bucket = len(self._blob_counts) - 1
        name = _name(bucket, self._blob_counts[bucket])
        content = write_bucket(self._current)
        self._series.store(name, padded(content) if self._are_padded else content)
        self._blob_counts[bucket] += 1
        self._current, self._current_bytes = {}, 0

    def write_txs_in_range(
        self, key: K, first: Seqno, last: Seqno
    ) -> list[Seqno] | None:
        """List the transactions that wrote a key.

        Args:
            key: which.
            first: the first seqno of the range.
            last: the last seqno of the range, included.

        Returns:
            Their seqnos in order; nothing if the index has not reached ``last`` yet, or
            has to ask the host. Then ask again.

        Raises:
            ValueError: the range goes backwards, or is longer than ``range_max``.
        """
        check_range(first, last)
        return self._blobs.inside(self._look_up, (key, first, last))

    def _look_up(self, given: tuple[K, Seqno, Seqno]) -> list[Seqno] | None:
        key, first, last = given
        if last > self.indexed_up_to.seqno:
            return None
        if last - first > self.range_max:
            raise ValueError(
                f"the range from {first} to {last} is longer than {self.range_max}"
            )
        digest, per_bucket = sha256(self._encode(key)), self._per_bucket
        seqnos: list[Seqno] = []
        is_whole = True
        for bucket in range(first // per_bucket, last // per_bucket + 1):
            parts = self._look(digest, bucket)
            for part in parts:
                if part is None:
                    is_whole = False
                else:
                    seqnos += (seqno for seqno in part if first <= seqno <= last)
        return seqnos if is_whole else None

    def _look(self, digest: bytes, bucket: int) -> "list[array[int] | None]":
        """Return a key's seqnos in a bucket; ask for blobs that are not here."""
        count = self._blob_counts[bucket]
        parts: list[array[int] | None] = []
        if count:
            looked = self._looked.pop((digest, bucket), None)
            if looked is None or len(looked.parts) != count:
                looked = _Looked(count)
            self._looked[digest, bucket] = looked  # the last one is the newest
            if len(self._looked) > self._buckets_max:
                del self._looked[next(iter(self._looked))]
            if not looked.are_asked:
                self._ask(digest, bucket, looked)
            parts += looked.parts
        if bucket == len(self._blob_counts) - 1 and digest in self._current:
            parts.append(self._current[digest])
        return parts

    def _ask(self, digest: bytes, bucket: int, looked: _Looked) -> None:
        looked.are_asked = all(
            self._series.fetch(
                _name(bucket, part), partial(self._given, digest, looked, part)
            )
            for part in range(len(looked.parts))
            if looked.parts[part] is None
        )

    def _given(
        self, digest: bytes, looked: _Looked, part: int, content: bytes | None
    ) -> None:
        if content is None:
            self._build_anew()
        else:
            looked.parts[part] = seqnos_in(content, digest)

    def _build_anew(self) -> None:
        """Forget the whole index, since a part of it is lost."""
        self._series.forget()
        self._series = self._blobs.begin()
        self.indexed_up_to = TxId(0, 0)
        self._begin()

    def uninstalled(self) -> None:
        """Ask the host to remove the blobs."""
        self._series.forget()

    def describe(self) -> "JsonObject":
        """Return the table's name, how far the index is, and what is in memory."""
        return {
            "target_map": self._table,
            "indexed_watermark": str(self.indexed_up_to),
            "seqnos_per_bucket": self._per_bucket,
            "old_results_max_size": self._buckets_max,
            "old_results_current_size": len(self._looked),
            "current_results_size": len(self._current),
        }


def _name(bucket: int, part: int) -> str:
    return f"{bucket}.{part}"


V = TypeVar("V")


class VisitEachEntryInMap(Strategy, Generic[K, V]):
    """Visits each entry that transactions wrote to a table, in the ledger's order.

    A transaction's entries are visited in one go, in the order of the ledger's bytes.
    If a visit raises, the strategy is told of nothing more, as any other.

    Attributes:
        indexed_up_to: the last transaction whose entries were all visited; ``0.0``
            before any.

    Args:
        table: which one.
    """

    def __init__(self, table: "Map[K, V]") -> None:
        self.name = f"{type(self).__name__} {table.name}"
        self.indexed_up_to = TxId(0, 0)
        self._table = table

    @abstractmethod
    def visit_entry(self, tx_id: TxId, key: K, value: V) -> None:
        """Keep what is wanted of an entry.

        Args:
            tx_id: the transaction that wrote the entry.
            key: the entry's key.
            value: the value that the transaction gave the key.
        """
        ...

    def visit_removal(self, tx_id: TxId, key: K) -> None:
        """Forget what was kept of a key that a transaction removed; by default nothing.

        Args:
            tx_id: the transaction that removed the key.
            key: the removed key.
        """
        del tx_id, key

    @property
    def next_requested(self) -> Seqno:
        """Every transaction is wanted."""
        return self.indexed_up_to.seqno + 1

    def take(self, tx_id: TxId, writes: "WriteSet") -> None:
        """Visit what the next transaction wrote to the table."""
        written = writes.get(self._table.name)
        if written is not None:
            decode_key = self._table.key_codec.decode
            decode_value = self._table.value_codec.decode
            for key, value in written.items():
                if value is None:
                    self.visit_removal(tx_id, decode_key(key))
                else:
                    self.visit_entry(tx_id, decode_key(key), decode_value(value))
        self.indexed_up_to = tx_id

    def describe(self) -> "JsonObject":
        """Return the table's name, and how far this index has come."""
        return {
            "target_map": self._table.name,
            "indexed_watermark": str(self.indexed_up_to),
        }


Kind = TypeVar("Kind", bound=Strategy)


class Lazy(Strategy, Generic[Kind]):
    """Limits a strategy to the transactions that were asked for.

    Attributes:
        strategy: the strategy itself, to be looked up in.
    """

    def __init__(self, strategy: Kind) -> None:
        self.strategy = strategy
        self.name = strategy.name
        self._until: Seqno = 0

    def extend_to(self, seqno: Seqno) -> None:
        """Pass the strategy, in time, all transactions up to ``seqno``."""
        self._until = max(self._until, seqno)

    @property
    def next_requested(self) -> Seqno | None:
        """What the strategy wants next, unless nobody asked for so much."""
        if not self._until:  # nobody asked for anything yet
            return None
        wanted = self.strategy.next_requested
        return None if wanted is None or wanted > self._until else wanted

    def take(self, tx_id: TxId, writes: "WriteSet") -> None:
        """Pass the transaction to the strategy."""
        self.strategy.take(tx_id, writes)

    def describe(self) -> "JsonObject":
        """Return the strategy's own description."""
        return self.strategy.describe()

    def uninstalled(self) -> None:
        """Uninstall the strategy."""
        self.strategy.uninstalled()
