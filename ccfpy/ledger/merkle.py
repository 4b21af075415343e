"""The tree over every transaction of a ledger, as CCF shapes and stores it.

Leaf 0 is 32 zero bytes, leaf *i* is the digest of the entry at seqno *i*. A node is
``SHA-256(left || right)``; a tree of *n* leaves splits at the greatest power of two
below *n*, and a part without a partner is carried up (RFC 6962's shape without its
prefixes).

Digests of complete subtrees only are kept, those of a level end to end. Appending
mostly touches the lowest level alone; the levels above catch up after a batch of
leaves, and when a root or a path is asked for. Complete subtrees never change, so every
earlier size of the tree stays available until it is flushed.

The stored form is merklecpp's, whose integers are big-endian
(``3rdparty/internal/merklecpp/merklecpp.h``).
"""

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple, Self

from ccfpy.base.errors import Malformed
from ccfpy.crypto.hashing import sha256

DIGEST_BYTES: Final = 32
_PAIR_BYTES: Final = 2 * DIGEST_BYTES
_BATCH_BYTES: Final = 64 * DIGEST_BYTES
"""Of leaves, after which the levels above catch up: soon, so that the leaves are still
at hand, and no signature has thousands to do at once."""
FIRST_LEAF = bytes(DIGEST_BYTES)
"""What every ledger's tree starts with, so that leaf *i* belongs to seqno *i*."""

_COUNTS = struct.Struct(">QQ")
_INDEX_MAX = 1 << 56


class PathStep(NamedTuple):
    """One sibling on the way from a leaf to the root."""

    is_left: bool
    """Whether the sibling stands to the left of the digest computed so far."""
    digest: bytes


def climb(leaf: bytes, path: Iterable[PathStep]) -> bytes:
    """Compute the root that ``path`` leads to from ``leaf``."""
    current = leaf
    for is_left, digest in path:
        current = sha256(digest + current) if is_left else sha256(current + digest)
    return current


class MerkleTree:
    """An append-only tree that can forget its past and take back its end.

    Attributes:
        first: the first leaf whose path can still be computed; those before it are
            kept only as the digests of the subtrees along the tree's left edge.
    """

    def __init__(self, leaves: Iterable[bytes] = (FIRST_LEAF,)) -> None:
        self.first = 0
        self._levels = [bytearray(b"".join(leaves))]
        self._starts = [0]

    def __len__(self) -> int:
        """Count all leaves, flushed ones included."""
        return self._starts[0] + len(self._levels[0]) // DIGEST_BYTES

    def append(self, leaf: bytes) -> None:
        """Add the digest of the next transaction."""
        leaves = self._levels[0]
        leaves += leaf
        if not len(leaves) % _BATCH_BYTES:
            self._catch_up()

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add the digests of the next transactions, in order."""
        self._levels[0] += b"".join(leaves)

    def leaf(self, index: int) -> bytes:
        """Return a leaf that was not flushed."""
        assert self.first <= index < len(self), index
        return self._at(0, index)

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first ``size`` leaves, or over all of them.

        A size that reaches back before ``first`` needs subtrees that were forgotten
        and fails an assertion.
        """
        count = len(self) if size is None else size
        assert max(self.first, 1) <= count <= len(self), count
        self._catch_up()
        return self._fold(count, len(self._levels))

    def path(self, index: int, size: int | None = None) -> tuple[PathStep, ...]:
        """Return the siblings from leaf ``index`` to the root over ``size`` leaves."""
        count = len(self) if size is None else size
        assert self.first <= index < count <= len(self), (self.first, index, count)
        self._catch_up()
        steps: list[PathStep] = []
        last = count - 1
        level = 0
        while last:
            if index & 1:
                steps.append(PathStep(is_left=True, digest=self._at(level, index - 1)))
            elif index < last:
                digest = self._node(level, index + 1, count)
                steps.append(PathStep(is_left=False, digest=digest))
            index >>= 1
            last >>= 1
            level += 1
        return tuple(steps)

    def retract(self, to: int) -> None:
        """Remove every leaf after leaf ``to``; does nothing if there is none."""
        count = to + 1
        if count >= len(self):
            return
        assert count >= max(self.first, 1), (count, self.first)
        for level, digests in enumerate(self._levels):
            stays = max((count >> level) - self._starts[level], 0)
            del digests[stays * DIGEST_BYTES :]

    def flush(self, to: int) -> None:
        """Forget the leaves before leaf ``to``; does nothing if they are forgotten."""
        if to <= self.first:
            return
        assert to < len(self), (to, len(self))
        self._catch_up()
        for level, digests in enumerate(self._levels):
            start = (to >> level) & ~1
            del digests[: (start - self._starts[level]) * DIGEST_BYTES]
            self._starts[level] = start
        self.first = to

    def serialise(self, first: int | None = None) -> bytes:
        """Return the stored form of the tree, of leaves ``first`` and later.

        It is the value that a signature transaction writes into
        ``public:ccf.internal.tree``.
        """
        since = self.first if first is None else first
        assert self.first <= since < len(self), (self.first, since)
        self._catch_up()
        leaves = self._levels[0][(since - self._starts[0]) * DIGEST_BYTES :]
        edge = [
            self._at(level, (since >> level) - 1)
            for level in range(since.bit_length())
            if since >> level & 1
        ]
        counts = _COUNTS.pack(len(leaves) // DIGEST_BYTES, since)
        return b"".join((counts, leaves, *edge))

    @staticmethod
    def first_of(data: bytes) -> int:
        """Return the first leaf that a stored tree holds, reading nothing else of it.

        Raises:
            Malformed: it is too short to say.
        """
        if len(data) < _COUNTS.size:
            raise Malformed(f"a stored tree of {len(data)} bytes lacks its counts")
        first: int = _COUNTS.unpack_from(data)[1]
        return first

    @classmethod
    def deserialise(cls, data: bytes) -> Self:
        """Read a stored tree.

        Raises:
            Malformed: its counts do not match its length, or it holds no leaf.
        """
        first = cls.first_of(data)
        count: int = _COUNTS.unpack_from(data)[0]
        digests = count + first.bit_count()
        if not 0 < count <= len(data) or first > _INDEX_MAX:
            raise Malformed(f"a stored tree of {count} leaves from {first}")
        if len(data) != _COUNTS.size + DIGEST_BYTES * digests:
            raise Malformed(
                f"a stored tree of {count} leaves from {first} needs {digests} digests,"
                f" found {len(data) - _COUNTS.size} bytes"
            )
        edge_at = _COUNTS.size + DIGEST_BYTES * count
        tree = cls(())
        tree.first = first
        tree._restore(data[_COUNTS.size : edge_at], data[edge_at:])
        return tree

    def _restore(self, leaves: bytes, edge: bytes) -> None:
        """Put left-edge digests, lowest first, into their levels, then the leaves."""
        depth = max(self.first.bit_length(), 1)
        self._levels = [bytearray() for _ in range(depth)]
        self._starts = [(self.first >> level) & ~1 for level in range(depth)]
        at = 0
        for level in range(depth):
            if self.first >> level & 1:
                self._levels[level] += edge[at : at + DIGEST_BYTES]
                at += DIGEST_BYTES
        self._levels[0] += leaves

    def _catch_up(self) -> None:
        """Compute the complete subtrees that the appended leaves have closed."""
        count = len(self)
        level = 0
        while count >> (level + 1):
            if level + 1 == len(self._levels):
                self._levels.append(bytearray())
                self._starts.append((self.first >> (level + 1)) & ~1)
            children, parents = self._levels[level], self._levels[level + 1]
            done = self._starts[level + 1] + len(parents) // DIGEST_BYTES
            at = 2 * done - self._starts[level]
            stop = 2 * (count >> (level + 1)) - self._starts[level]
            if at < stop:
                pairs = bytes(children[at * DIGEST_BYTES : stop * DIGEST_BYTES])
                parents += b"".join(
                    [
                        sha256(pairs[left : left + _PAIR_BYTES])
                        for left in range(0, len(pairs), _PAIR_BYTES)
                    ]
                )
            level += 1

    def _at(self, level: int, index: int) -> bytes:
        at = (index - self._starts[level]) * DIGEST_BYTES
        return bytes(self._levels[level][at : at + DIGEST_BYTES])

    def _node(self, level: int, index: int, count: int) -> bytes:
        """Return a node of the tree of ``count`` leaves, complete or ragged."""
        if (index + 1) << level <= count:
            return self._at(level, index)
        return self._fold(count, level)

    def _fold(self, count: int, below: int) -> bytes:
        """Join the complete subtrees lower than level ``below``, right to left."""
        digest = b""
        for level in range(below):
            if count >> level & 1:
                peak = self._at(level, (count >> level) - 1)
                digest = sha256(peak + digest) if digest else peak
        return digest
