"""Identities of earlier services, and ledger secrets from before this node joined.

Both are found by a walk back through the ledger, one known entry after another
(`ChainWalk`).

The record of each service names the seqno of the record of the service that it
recovered. A walk back from today's record finds the certificates of all services
(``src/node/historical_queries_utils.cpp``). It also follows the COSE endorsements of
recoveries: where endorsements exist, the certificate's key must be the endorsed key.
Ledgers from before CCF 2 do not name these seqnos. Then the signing service is unknown,
and a receipt proves no more than its signature does.

A node that joined after a rekey has only the latest ledger secret. Each secret names
the seqno of the record of its predecessor, which is encrypted under the newer secret
(``src/node/historical_queries.h``). This record is the only part that a node uses of an
entry which it cannot decrypt yet. The record decrypts under a secret that the host does
not have, and the entry itself must then decrypt under the secret in the record.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import Seqno
from ccfpy.crypto.aead import open_blob
from ccfpy.crypto.certs import Certificate, endorse_authority
from ccfpy.endpoints.history import HistoryFailed
from ccfpy.ledger.identity_endorsement import CoseEndorsement, EndorsementChain
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.service.tables import recovery, service

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ports import Entropy
    from ccfpy.kv.store import Store
    from ccfpy.node.history.fetch import EntryFetcher, PastEntry, Waiter
    from ccfpy.node.identity import ServiceIdentity
    from ccfpy.service.tables.service import ServiceInfo


class ChainWalk:
    """A chain of entries, of which each names the seqno of the entry before it.

    Args:
        pool: where entries come from.
        learn: called with an entry that was needed.
    """

    def __init__(
        self, pool: "EntryFetcher", learn: "Callable[[PastEntry], None]"
    ) -> None:
        self._pool = pool
        self._learn = learn
        self._wanted: Seqno | None = None
        self._waiting: dict[Waiter, None] = {}

    def need(self, seqno: Seqno, waiter: "Waiter") -> None:
        """Read an entry, and resume ``waiter`` when this or another entry is learnt."""
        self._waiting[waiter] = None
        if self._wanted is None:
            self._wanted = seqno
            self._pool.block(self, seqno)

    def release(self, waiter: "Waiter") -> None:
        """Forget a waiter, if it waits."""
        self._waiting.pop(waiter, None)

    def advance(self) -> None:
        """Read the entry, and resume everybody that waited for its fact."""
        assert self._wanted is not None, "nothing else is told of"
        entry = self._pool.take(self._wanted)
        assert entry is not None, "it is there now"
        try:
            self._learn(entry)
        except CcfpyError as error:
            self._pool.refuse(self._wanted, error)
            self.lost(str(error))
            return
        for waiter in self._freed():
            waiter.advance()

    def lost(self, reason: str) -> None:
        """Report the lost entry to all waiters, and forget them."""
        for waiter in self._freed():
            waiter.lost(reason)

    def _freed(self) -> "list[Waiter]":
        waiting = list(self._waiting)
        self._waiting.clear()
        self._wanted = None
        return waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The service that ruled over a part of the ledger.

    Attributes:
        certificate: the service's certificate, if the ledger has it.
        service_endorsements: certificates (PEM) in which today's service endorses the
            key; empty for today's service.
        cose_endorsements: COSE endorsements, newest first; nothing for today's service,
            or if there are none.
    """

    certificate: Certificate | None
    service_endorsements: tuple[str, ...] = ()
    cose_endorsements: tuple[bytes, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """A service's record.

    Attributes:
        created: the service's first seqno.
        previous: the seqno of the earlier service's record, if this record names it.
    """

    created: "Seqno"
    certificate: Certificate
    previous: "Seqno | None"


@dataclass(frozen=True, slots=True, eq=False)
class Learner:
    """A waiter for identities alone, without a state.

    Attributes:
        stir: called when an entry arrived, or could not be read.
    """

    stir: "Callable[[], None]"

    def advance(self) -> None:
        """Note that an entry arrived."""
        self.stir()

    def lost(self, reason: str) -> None:
        """Note that an entry could not be read."""
        del reason
        self.stir()


@dataclass(eq=False, kw_only=True)
class PastIdentities:
    """All identities of a service, from today's identity back.

    Attributes:
        store: returns today's state.
        identity: returns today's key and certificate.
        pool: fetches entries.
        secrets: the ledger secrets, which must be known before a record is read.
        entropy: randomness for issued certificates.
    """

    store: "Callable[[], Store]"
    identity: "Callable[[], ServiceIdentity]"
    pool: "EntryFetcher"
    secrets: "PastSecrets"
    entropy: "Entropy"

    def __post_init__(self) -> None:
        self._records: list[_Record] = []
        self._lookup_record = ChainWalk(self.pool, self._learn_record)
        self._chain: EndorsementChain | None = None
        self._lookup_link = ChainWalk(self.pool, self._learn_link)
        self._rulings: dict[tuple[Seqno, int], Ruling] = {}

    def ruling_at(self, seqno: "Seqno", waiter: "Waiter") -> Ruling | None:
        """Return the service of ``seqno``, or resume ``waiter`` once it is known.

        Raises:
            HistoryFailed: the service can never be known.
            VerificationFailed: the ledger's records of services contradict each other.
        """
        today = self._today()
        if today is None or seqno >= today.created:
            return Ruling(certificate=self.identity().certificate)
        if not self._reaches(seqno, waiter):
            return None
        record = next((each for each in self._records if each.created <= seqno), None)
        chain = None if self._chain is None else self._chain.leading_to(seqno)
        if record is None:
            return Ruling(certificate=None, cose_endorsements=chain)
        known = self._rulings.get(key := (record.created, len(chain or ())))
        if known is None:
            known = self._rulings[key] = self._rule(record.certificate, chain)
        return known

    def keys(self, waiter: "Waiter") -> tuple[bytes, ...] | None:
        """Return today's public key and all keys that endorsements lead back to.

        The keys are DER, newest first. Returns nothing until all endorsements are read,
        and resumes ``waiter`` when more are.

        Raises:
            HistoryFailed: the service has not opened.
        """
        today = self.identity().key.public_key.der
        if self._chain is None and self._today() is not None:
            self._chain = self._begin_chain()
        chain = self._chain
        if chain is None:
            return (today,)
        wanted = chain.wanted(1)
        if wanted is not None:
            self._read(self._lookup_link, wanted, waiter)
            return None
        return tuple(dict.fromkeys((today, *chain.endorsed_keys)))

    def release(self, waiter: "Waiter") -> None:
        """Forget a waiter, if it waits."""
        self._lookup_record.release(waiter)
        self._lookup_link.release(waiter)

    def _today(self) -> _Record | None:
        """Return today's record, or nothing if it has no first seqno."""
        if not self._records:
            info = service.INFO.of(self.store().begin(read_only=True)).get()
            if info is None or info.current_service_create_txid is None:
                return None
            self._records.append(_record(info, info.current_service_create_txid.seqno))
        return self._records[0]

    def _reaches(self, seqno: "Seqno", waiter: "Waiter") -> bool:
        """Return whether all records and endorsements back to ``seqno`` are known."""
        oldest = self._records[-1]
        if oldest.created > seqno and oldest.previous is not None:
            return self._read(self._lookup_record, oldest.previous, waiter)
        if self._chain is None:
            self._chain = self._begin_chain()
        wanted = None if self._chain is None else self._chain.wanted(seqno)
        return wanted is None or self._read(self._lookup_link, wanted, waiter)

    def _read(self, lookup: ChainWalk, seqno: "Seqno", waiter: "Waiter") -> bool:
        if self.secrets.ready(seqno, waiter):
            lookup.need(seqno, waiter)
        return False

    def _begin_chain(self) -> EndorsementChain | None:
        """Return a chain with the endorsement that today's service made, if any."""
        tx = self.store().begin(read_only=True)
        newest = service.PREVIOUS_IDENTITY_ENDORSEMENT.of(tx).get()
        if newest is None:
            return None
        if newest.endorsing_key != self.identity().key.public_key.der:
            raise HistoryFailed("the service has not opened, and endorsed nothing yet")
        return EndorsementChain(newest, created=self._records[0].created)

    def _learn_record(self, entry: "PastEntry") -> None:
        """Keep the record of the service before the oldest known one.

        Raises:
            Malformed: the entry has no record of an earlier service.
        """
        at = entry.transaction.txid.seqno
        info = service.INFO.decode_writes(
            entry.public_writes.get(service.INFO.name, {})
        )
        if info is None:
            raise Malformed(f"entry {at} holds no record of a service")
        created = info.current_service_create_txid
        record = _record(info, at if created is None else created.seqno)
        previous, oldest = record.previous, self._records[-1].created
        if record.created > oldest or (previous is not None and previous >= at):
            raise Malformed(f"the service recorded at {at} is not an earlier one")
        # In CCF's ledgers each record names the write before it, which may belong to
        # the same service.
        if record.created == oldest:
            self._records.pop()
        self._records.append(record)

    def _learn_link(self, entry: "PastEntry") -> None:
        """Keep the endorsement before the oldest known one.

        Raises:
            Malformed: the entry has no endorsement.
            VerificationFailed: it does not endorse a key in the chain.
        """
        at = entry.transaction.txid.seqno
        table = service.PREVIOUS_IDENTITY_ENDORSEMENT
        link = table.decode_writes(entry.public_writes.get(table.name, {}))
        if link is None:
            raise Malformed(f"entry {at} holds no endorsement of a service")
        link.verify()
        assert self._chain is not None, "the chain named this seqno"
        self._chain.add(link)

    def _rule(
        self, certificate: Certificate, chain: tuple[bytes, ...] | None
    ) -> Ruling:
        """Endorse an earlier service.

        Raises:
            VerificationFailed: the endorsements lead to another key than its own.
        """
        if chain and CoseEndorsement.parse(chain[-1]).endorsed_key != (
            certificate.public_key.der
        ):
            raise VerificationFailed("the endorsements lead to another service's key")
        today = self.identity()
        endorsement = endorse_authority(
            certificate.public_key,
            subject=certificate.subject,
            issuer_key=today.key,
            issuer_cert=today.certificate,
            entropy=self.entropy,
        )
        return Ruling(
            certificate=certificate,
            service_endorsements=(endorsement.pem,),
            cose_endorsements=chain,
        )


def _record(info: "ServiceInfo", created: "Seqno") -> _Record:
    return _Record(
        created=created,
        certificate=Certificate.from_pem(info.cert),
        previous=info.previous_service_identity_version,
    )


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
