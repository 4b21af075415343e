"""Service identities across disasters: each new key endorses the one before it.

When a service first opens it endorses its own key without an end. After a recovery the
new key signs the old one, with the part of the ledger during which the old one ruled
and the last root it signed. Following these records backwards leads from the service of
today to the key that signed any older transaction
(``src/service/internal_tables_access.h``).

A service that is opened twice leaves an endorsement of itself whose begin lies after
its end; readers take it as it is.

From the service of today back to the one that signed: chains of COSE endorsements.

A chain is handed out newest first. Each link is signed by the key that the link before
it endorsed, the first by the service of today, and says during which part of the ledger
its key ruled. The parts join without a gap: a recovery adds two views and takes the
next seqno (``src/node/historical_queries_utils.cpp``).

``EndorsementChain`` builds chains from the records that recoveries left, asking for one
earlier record at a time. Clients follow a chain that somebody handed out.

A recovered service that was opened twice leaves a link that endorses its own key, whose
end lies before its begin. It changes no trust and is taken as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import VIEWS_PER_RECOVERY, Seqno, TxId
from ccfpy.crypto import cose
from ccfpy.crypto.ec import KeyPair, PublicKey
from ccfpy.ledger import record
from ccfpy.ledger.signature import CCF_HEADER, COSE_CWT_CLAIMS, CWT_ISSUED_AT

_BEGIN = "epoch.start.txid"
_END = "epoch.end.txid"
_END_ROOT = "epoch.end.merkle.root"


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """The part of a ledger during which one service key ruled.

    Attributes:
        begin: its first transaction.
        end: its last; nothing while it lasts.
        last_root: the root its last signature signed; nothing while it lasts.
    """

    begin: TxId
    end: TxId | None = None
    last_root: bytes | None = None


def after_recovery(last: TxId) -> TxId:
    """Return the first transaction of the epoch after one that ended at ``last``."""
    return TxId(last.view + VIEWS_PER_RECOVERY, last.seqno + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoseEndorsement:
    """The COSE_Sign1 alone, as applications hand it out.

    Attributes:
        message: the message, taken apart.
        endorsed_key: its payload: the public key it vouches for, as DER.
        epoch: when that key ruled.
    """

    message: cose.Sign1
    endorsed_key: bytes
    epoch: Epoch

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a COSE_Sign1 whose headers are those of an endorsement.

        Raises:
            Malformed: they are not.
        """
        message = cose.parse(data)
        if message.payload is None:
            raise Malformed("an identity endorsement without the endorsed key")
        return cls(
            message=message,
            endorsed_key=message.payload,
            epoch=_epoch(message.protected.get(CCF_HEADER)),
        )

    def verify(self, key: PublicKey) -> None:
        """Check the signature of the endorsing key.

        Raises:
            VerificationFailed: it did not sign this.
        """
        self.message.verify(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityEndorsement:
    """The value of ``public:ccf.internal.previous_service_identity_endorsement``.

    Attributes:
        data: the COSE_Sign1, whose payload is the endorsed public key.
        endorsing_key: the signer's public key as DER.
        endorsed_key: the public key it vouches for, as DER.
        epoch: when that key ruled.
        previous_version: where this table was written before.
    """

    data: bytes
    endorsing_key: bytes
    endorsed_key: bytes
    epoch: Epoch
    previous_version: Seqno | None = None

    @classmethod
    def parse(cls, value: bytes) -> Self:
        """Read the table's value.

        Raises:
            Malformed: it is not such a record, or disagrees with the payload that it
                signs.
        """
        fields = json.loads_object(value)
        data = record.blob(fields, "endorsement")
        endorsement = CoseEndorsement.parse(data)
        epoch = endorsement.epoch
        end = record.optional_text(fields, "endorsement_epoch_end")
        stated = (
            TxId.parse(record.text(fields, "endorsement_epoch_begin")),
            None if end is None else TxId.parse(end),
        )
        if stated != (epoch.begin, epoch.end):
            raise Malformed(f"an endorsement of {epoch} is recorded as {stated}")
        return cls(
            data=data,
            endorsing_key=record.blob(fields, "endorsing_key"),
            endorsed_key=endorsement.endorsed_key,
            epoch=epoch,
            previous_version=record.optional_seqno(fields, "previous_version"),
        )

    def serialise(self) -> bytes:
        """Write the table's value."""
        fields: json.JsonObject = {
            "endorsement": record.as_base64(self.data),
            "endorsing_key": record.as_base64(self.endorsing_key),
            "endorsement_epoch_begin": str(self.epoch.begin),
        }
        if self.epoch.end is not None:
            fields["endorsement_epoch_end"] = str(self.epoch.end)
        if self.previous_version is not None:
            fields["previous_version"] = self.previous_version
        return json.dumps(fields)

    @classmethod
    def make(
        cls,
        key: KeyPair,
        endorsed_key: bytes,
        epoch: Epoch,
        *,
        issued_at: int,
        previous_version: Seqno | None = None,
    ) -> Self:
        """Vouch with ``key`` that ``endorsed_key`` ruled during ``epoch``."""
        header: dict[str, str | bytes] = {_BEGIN: str(epoch.begin)}
        if epoch.end is not None:
            header[_END] = str(epoch.end)
        if epoch.last_root is not None:
            header[_END_ROOT] = epoch.last_root
        protected: cose.Header = {
            COSE_CWT_CLAIMS: {CWT_ISSUED_AT: issued_at},
            CCF_HEADER: header,
        }
        return cls(
            data=cose.sign(key, protected=protected, payload=endorsed_key),
            endorsing_key=key.public_key.der,
            endorsed_key=endorsed_key,
            epoch=epoch,
            previous_version=previous_version,
        )

    def verify(self) -> None:
        """Check the signature of the endorsing key.

        Raises:
            VerificationFailed: it did not sign this.
            Malformed: it is not a public key.
        """
        key = PublicKey.from_der(self.endorsing_key)
        CoseEndorsement.parse(self.data).verify(key)


def _epoch(header: object) -> Epoch:
    if not isinstance(header, Mapping):
        raise Malformed("an identity endorsement without its epoch")
    begin, end, root = header.get(_BEGIN), header.get(_END), header.get(_END_ROOT)
    if not isinstance(begin, str) or not isinstance(end, str | None):
        raise Malformed(f"an identity endorsement from {begin!r} to {end!r}")
    if not isinstance(root, bytes | None):
        raise Malformed(f"an identity endorsement with the root {root!r}")
    return Epoch(
        begin=TxId.parse(begin),
        end=None if end is None else TxId.parse(end),
        last_root=root,
    )


ENDORSEMENTS_MAX = 1000
"""Far more recoveries than any service lives through."""


class EndorsementChain:
    """The endorsements that a service's recoveries left, as far as they were read.

    What it was given stays true until the next recovery, so it may be kept.
    """

    def __init__(self, newest: IdentityEndorsement, *, created: Seqno) -> None:
        """Begin with the record that the service of today left when it opened.

        Args:
            newest: the record.
            created: where the service of today was created.
        """
        self._links = [newest]
        self._created = created

    def wanted(self, seqno: Seqno) -> Seqno | None:
        """Return the seqno of the record that must be added next.

        ``None`` when enough is known to prove the transaction at ``seqno``, or when
        there are no earlier records.
        """
        oldest = self._links[-1]
        if seqno >= self._created or oldest.epoch.begin.seqno <= seqno:
            return None
        if len(self._links) == ENDORSEMENTS_MAX:
            return None
        return oldest.previous_version

    def add(self, endorsement: IdentityEndorsement) -> None:
        """Add the record that ``wanted`` named.

        Raises:
            VerificationFailed: it does not lead up to the oldest known one.
        """
        newer = self._links[-1]
        if newer.endorsed_key != endorsement.endorsing_key:
            raise VerificationFailed(
                f"the key of the epoch from {newer.epoch.begin} did not sign the "
                "endorsement before it"
            )
        join(newer.epoch, endorsement.epoch)
        self._links.append(endorsement)

    @property
    def endorsed_keys(self) -> tuple[bytes, ...]:
        """The keys that the known links endorse, newest first, as DER."""
        return tuple(link.endorsed_key for link in self._links)

    def leading_to(self, seqno: Seqno) -> tuple[bytes, ...] | None:
        """Return the chain to the service that signed what is at ``seqno``.

        Return ``None`` if no endorsement covers the seqno: today's service signed it,
        or a service that made no endorsements.
        """
        if seqno >= self._created:
            return None
        chain: list[bytes] = []
        for link in self._links:
            if link.epoch.end is None:
                return None
            chain.append(link.data)
            if link.epoch.begin.seqno <= seqno:
                return tuple(chain)
        return None


def join(newer: Epoch, older: Epoch) -> None:
    """Check that one epoch begins where an older one ended.

    Raises:
        VerificationFailed: it begins elsewhere.
    """
    if older.end is not None and newer.begin != after_recovery(older.end):
        raise VerificationFailed(
            f"an epoch ended at {older.end}, but the next began at {newer.begin}"
        )
