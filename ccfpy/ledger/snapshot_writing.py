"""Making a snapshot's bytes a little at a time.

The tag of the encryption and the digest of the whole come out only at the end, and a
large state takes longer to order, encrypt and hash than a step may. So the work is cut
in steps of bounded size, and the bytes stay in pieces until they are written.
"""

import hashlib
from collections.abc import Iterator, Sequence

from ccfpy.base import limits
from ccfpy.base.ids import Seqno
from ccfpy.crypto.aead import GcmEncryption
from ccfpy.kv.frozen import FrozenMap, serialise_frozen
from ccfpy.kv.snapshot import public_head
from ccfpy.ledger.entry import snapshot_iv, snapshot_prefix
from ccfpy.ledger.secrets import LedgerSecret


class SnapshotWriting:
    """One snapshot in the making.

    Args:
        secret: the ledger secret that applies at the snapshot's seqno.
        seqno: the snapshot's.
        leaf: the Merkle leaf of that seqno.
        view_history: first seqno of each view, from view 1.
        public: its public maps, in name order.
        private: its private maps, in name order.

    Attributes:
        pieces: once it is done, its bytes: an entry, to which the receipt is appended.
        digest: once it is done, what the evidence transaction claims.
    """

    def __init__(
        self,
        secret: LedgerSecret,
        *,
        seqno: Seqno,
        leaf: bytes,
        view_history: Sequence[Seqno],
        public: Sequence[FrozenMap],
        private: Sequence[FrozenMap],
    ) -> None:
        self.pieces: list[bytes] = []
        self.digest = b""
        self._seqno = seqno
        head = public_head(seqno, leaf, view_history)
        self._steps = self._work(secret, head, public, private)

    def advance(self, keys: int) -> bool:
        """Work for about as long as ordering ``keys`` takes; tell whether it is done.

        It may take longer by one value, which cannot be cut.
        """
        done = 0
        for work in self._steps:
            done += work
            if done >= keys:
                return False
        return True

    def _work(
        self,
        secret: LedgerSecret,
        head: bytes,
        public_maps: Sequence[FrozenMap],
        private_maps: Sequence[FrozenMap],
    ) -> Iterator[int]:
        public = [head]
        yield from serialise_frozen(public_maps, self._seqno, public)
        private: list[bytes] = []
        yield from serialise_frozen(private_maps, self._seqno, private)
        encryption = GcmEncryption(secret.raw, snapshot_iv(self._seqno))
        for piece in public:
            encryption.authenticate(piece)
            yield _work_of(piece)
        for at, piece in enumerate(private):
            private[at] = encryption.encrypt(piece)
            yield _work_of(piece)
        prefix = snapshot_prefix(
            self._seqno,
            encryption.finish(),
            public_bytes=sum(map(len, public)),
            private_bytes=sum(map(len, private)),
        )
        pieces = [prefix, *public, *private]
        hasher = hashlib.sha256()
        for piece in pieces:
            hasher.update(piece)
            yield _work_of(piece)
        self.pieces, self.digest = pieces, hasher.digest()


def cut(pieces: Sequence[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in pieces of ``size``, the last of them shorter."""
    waiting: list[bytes] = []
    room = size
    for piece in pieces:
        at = 0
        while len(piece) - at >= room:
            waiting.append(piece[at : at + room])
            at += room
            yield b"".join(waiting)
            waiting, room = [], size
        waiting.append(piece[at:])
        room -= len(piece) - at
    if room < size:
        yield b"".join(waiting)


def _work_of(piece: bytes) -> int:
    return 1 + len(piece) // limits.SNAPSHOT_BYTES_PER_KEY
