"""Ledger secrets older than those that this node was given.

A node that joined after a rekey has only the latest secret. Each secret names the seqno
of its predecessor's record, which is encrypted under the newer secret. One secret after
another is therefore read back from the ledger (``src/node/historical_queries.h``). Such
a record is the only part that a node uses of an entry that it cannot decrypt yet: the
record decrypts under a secret that the host does not have, and the entry itself must
then decrypt under the secret in the record.
"""

from typing import TYPE_CHECKING

from ccfpy.base.errors import Malformed
from ccfpy.crypto.aead import open_blob
from ccfpy.endpoints.history import HistoryFailed
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.node.history.chain_walk import ChainWalk
from ccfpy.service.tables import recovery

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ids import Seqno
    from ccfpy.node.history.entry_fetcher import EntryFetcher, Waiter
    from ccfpy.node.history.past_entry import PastEntry


class PastSecrets:
    """All ledger secrets: the node's own, and the secrets that were read back.

    Args:
        own: returns the node's own secrets.
        pool: the source of entries.
    """

    def __init__(
        self, own: "Callable[[], LedgerSecrets]", pool: "EntryFetcher"
    ) -> None:
        self._own = own
        self._older = LedgerSecrets()
        self._pointer: Seqno | None = None
        self._lookup = ChainWalk(pool, self._learn)

    def opening(self, seqno: "Seqno") -> LedgerSecrets | None:
        """Return secrets that open the entry at ``seqno``, if they are known."""
        own = self._own()
        if own.reach(seqno):
            return own
        return self._older if self._older.reach(seqno) else None

    def ready(self, seqno: "Seqno", waiter: "Waiter") -> bool:
        """Return whether ``opening`` returns any, or resume ``waiter`` once it may.

        Raises:
            HistoryFailed: no secret known leads there.
        """
        if self.opening(seqno) is not None:
            return True
        if not len(self._own()):
            raise HistoryFailed("this node was not given any ledger secret yet")
        version, earliest = self._earliest()
        pointer = self._pointer or earliest.previous_stored
        if pointer is None:
            raise HistoryFailed(
                f"the earliest known ledger secret, of {version}, does not say where "
                f"the one before it is, which entry {seqno} needs"
            )
        self._lookup.need(pointer, waiter)
        return False

    def release(self, waiter: "Waiter") -> None:
        """Forget a waiter, if it waits."""
        self._lookup.release(waiter)

    def _earliest(self) -> "tuple[Seqno, LedgerSecret]":
        return next(iter(self._older if len(self._older) else self._own()))

    def _learn(self, entry: "PastEntry") -> None:
        """Keep the secret that an entry holds.

        Raises:
            CcfpyError: it is not there, does not open, or does not open the entry.
        """
        seqno = entry.transaction.txid.seqno
        writes = entry.public_writes.get(recovery.PAST_SECRETS.name, {})
        written = recovery.PAST_SECRETS.decode_writes(writes)
        previous = None if written is None else written.previous
        if previous is None:
            raise Malformed(f"entry {seqno} holds no ledger secret")
        version, earliest = self._earliest()
        if previous.version >= version:
            # Shares were issued anew for the same secret: an earlier record goes on.
            if previous.previous_stored is None or previous.previous_stored >= seqno:
                raise Malformed(f"entry {seqno} leads to no earlier ledger secret")
            self._pointer = previous.previous_stored
            return
        raw = open_blob(earliest.raw, previous.encrypted)
        secret = LedgerSecret(raw=raw, previous_stored=previous.previous_stored)
        if previous.version <= seqno and entry.secrets is None:
            entry.transaction.entry.decrypt(secret)
        self._older.add(previous.version, secret)
        self._pointer = None
