"""Snapshot files: a whole state, and the receipt that the service vouched for it.

A file is one entry, whose domains hold maps instead of changes, then a JSON receipt to
its end. The receipt is for the transaction that wrote the snapshot's digest into
``public:ccf.internal.snapshot_evidence``; the same digest is that transaction's claims
digest, so the receipt binds the file (``src/node/snapshot_serdes.h``). Until the
evidence is committed there is no receipt and the file has no ``.committed`` name.

Names of snapshot files: ``snapshot_<seqno>_<evidence seqno>[.committed]``.

Names have their own module, so that code that only stores files loads no cryptography.

Making a snapshot's bytes a little at a time.

The tag of the encryption and the digest of the whole come out only at the end, and a
large state takes longer to order, encrypt and hash than a step may. So the work is cut
in steps of bounded size, and the bytes stay in pieces until they are written.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

from ccfpy.base import json, limits
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import Seqno
from ccfpy.crypto.aead import GcmEncryption
from ccfpy.crypto.certs import Certificate
from ccfpy.kv.snapshot import (
    FrozenMap,
    MapSnapshot,
    PublicSnapshot,
    parse_maps,
    parse_public_snapshot,
    public_head,
    serialise_frozen,
)
from ccfpy.ledger.entry import Entry, snapshot_iv, snapshot_prefix
from ccfpy.ledger.frame import read_frame
from ccfpy.ledger.merkle import DIGEST_BYTES, MerkleTree
from ccfpy.ledger.receipt import Receipt, StepTaken
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.tables import SINGLE_KEY, TREE


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot taken apart, its private maps still encrypted.

    Attributes:
        entry: the entry that holds the state.
        public: the public domain.
        receipt: the receipt of its evidence, once there is one.
    """

    entry: Entry
    public: PublicSnapshot
    receipt: Receipt | None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a snapshot file.

        Raises:
            Malformed: it is not one.
        """
        size = read_frame(data).entry_bytes
        if size > len(data):
            raise Malformed(f"a snapshot of {size} bytes is cut short at {len(data)}")
        entry = Entry.parse(data[:size])
        if not entry.is_snapshot:
            raise Malformed("expected a snapshot, found a transaction")
        public = parse_public_snapshot(entry.public)
        if public.version != entry.txid.seqno:
            raise Malformed(
                f"a snapshot of seqno {entry.txid.seqno} holds the state of seqno "
                f"{public.version}"
            )
        if len(public.leaf) != DIGEST_BYTES:
            raise Malformed(f"a snapshot's leaf of {len(public.leaf)} bytes")
        receipt = Receipt.parse(data[size:]) if size < len(data) else None
        return cls(entry=entry, public=public, receipt=receipt)

    @property
    def seqno(self) -> Seqno:
        """The seqno of the state."""
        return self.public.version

    @property
    def digest(self) -> bytes:
        """What the evidence transaction claims."""
        return self.entry.digest

    def verify(self, service: Certificate) -> tuple[StepTaken, ...]:
        """Check that the service vouched for this state; give the receipt's steps.

        Raises:
            ReceiptRefused: the receipt does not hold, or is for another snapshot.
            VerificationFailed: there is no receipt, or its evidence comes too early.
        """
        if self.receipt is None:
            raise VerificationFailed("the snapshot carries no receipt")
        taken = self.receipt.verify(service, claims_digest=self.digest)
        leaf = self.receipt.leaf
        assert not isinstance(leaf, bytes), "bare leaves bind no claims"
        if leaf.txid.seqno <= self.seqno:
            raise VerificationFailed(
                f"evidence at {leaf.txid} for a snapshot of seqno {self.seqno}"
            )
        return taken

    def private_maps(self, secrets: LedgerSecrets) -> tuple[MapSnapshot, ...]:
        """Decrypt the private maps.

        Raises:
            VerificationFailed: the entry does not open.
            Malformed: what it held are not maps.
        """
        return parse_maps(self.entry.decrypt(secrets.at(self.seqno)))

    def value(self, table: str, key: bytes = SINGLE_KEY) -> bytes | None:
        """Return a value of a public map."""
        for name, _, entries in self.public.maps:
            if name == table:
                return next((held for at, _, held in entries if at == key), None)
        return None

    def tree(self) -> MerkleTree:
        """Rebuild the Merkle tree up to and including the snapshot's seqno.

        Raises:
            Malformed: the stored tree is missing, or ends elsewhere.
        """
        stored = self.value(TREE)
        if stored is None:
            raise Malformed("the snapshot holds no Merkle tree")
        tree = MerkleTree.deserialise(stored)
        if len(tree) != self.seqno:
            raise Malformed(
                f"the snapshot of seqno {self.seqno} holds a tree of {len(tree)} leaves"
            )
        tree.append(self.public.leaf)
        return tree


def receipt_bytes(receipt: Receipt) -> bytes:
    """Write the receipt as it ends a snapshot's file."""
    return json.dumps(receipt.to_json())


_SEQNO = "([1-9][0-9]{0,18})"
_NAME = re.compile(rf"snapshot_{_SEQNO}_{_SEQNO}(\.committed)?")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SnapshotName:
    """What the name of a snapshot file says.

    Attributes:
        seqno: the state is the one after this transaction.
        evidence: the transaction that recorded the snapshot's digest.
        is_committed: that transaction is committed and the receipt is in the file.
    """

    seqno: Seqno
    evidence: Seqno
    is_committed: bool = False

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read a file's name (without its folder).

        Raises:
            Malformed: it is not a snapshot's name.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise Malformed(f"not the name of a snapshot: {name!r}")
        return cls(
            seqno=int(match[1]),
            evidence=int(match[2]),
            is_committed=match[3] is not None,
        )

    def __str__(self) -> str:
        """Return the file's name."""
        suffix = ".committed" if self.is_committed else ""
        return f"snapshot_{self.seqno}_{self.evidence}{suffix}"

    def committed(self) -> Self:
        """Return the name once the receipt is in the file."""
        return replace(self, is_committed=True)


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
