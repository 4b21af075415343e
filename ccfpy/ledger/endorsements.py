"""From the service of today back to the one that signed: chains of COSE endorsements.

A chain is handed out newest first. Each link is signed by the key that the link before
it endorsed, the first by the service of today, and says during which part of the ledger
its key ruled. The parts join without a gap: a recovery adds two views and takes the
next seqno (``src/node/historical_queries_utils.cpp``).

``EndorsementChain`` builds chains from the records that recoveries left, asking for one
earlier record at a time; ``links`` follows a chain that somebody handed out.

A recovered service that was opened twice leaves a link that endorses its own key, whose
end lies before its begin. It changes no trust and is taken as it is.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.crypto.ec import PublicKey
from ccfpy.ledger.identity import (
    CoseEndorsement,
    Epoch,
    IdentityEndorsement,
    after_recovery,
)

ENDORSEMENTS_MAX = 1000
"""Far more recoveries than any service lives through."""


class EndorsementChain:
    """The endorsements that a service's recoveries left, as far as they were read.

    What it was given stays true until the next recovery, so it may be kept.
    """

    __slots__ = ("_created", "_links")

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
        _join(newer.epoch, endorsement.epoch)
        self._links.append(endorsement)

    def leading_to(self, seqno: Seqno) -> tuple[bytes, ...] | None:
        """Return the chain to the service that signed what is at ``seqno``.

        ``None`` if no endorsement covers it: the service of today signed it, or one
        that made no endorsements.
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


class Link(NamedTuple):
    """A link that held."""

    endorsed: PublicKey
    epoch: Epoch


def links(chain: Sequence[bytes], service: PublicKey) -> Iterator[Link]:
    """Follow a chain from the service of today, giving each link as it holds.

    Raises:
        VerificationFailed: the link after the last one given does not hold.
        Malformed: it is no endorsement.
    """
    if len(chain) > ENDORSEMENTS_MAX:
        raise Malformed(f"a chain of {len(chain)} endorsements")
    trusted, newer = service, None
    for number, data in enumerate(chain, 1):
        endorsement = CoseEndorsement.parse(data)
        epoch = endorsement.epoch
        try:
            endorsement.verify(trusted)
            endorsed = PublicKey.from_der(endorsement.endorsed_key)
            if endorsed.der != trusted.der:
                _check_range(epoch)
            if newer is not None:
                _join(newer, epoch)
        except VerificationFailed as error:
            raise VerificationFailed(
                f"endorsement {number}, of the epoch from {epoch.begin}: {error}"
            ) from error
        yield Link(endorsed, epoch)
        trusted, newer = endorsed, epoch


def covers(epoch: Epoch, txid: TxId) -> bool:
    """Return whether a transaction lies in an epoch that has ended."""
    begin, end = epoch.begin, epoch.end
    return (
        end is not None
        and begin.seqno <= txid.seqno <= end.seqno
        and begin.view <= txid.view <= end.view
    )


def _check_range(epoch: Epoch) -> None:
    if epoch.end is None or epoch.last_root is None:
        raise VerificationFailed("it says not where the epoch ended")
    if epoch.end.seqno < epoch.begin.seqno or epoch.end.view < epoch.begin.view:
        raise VerificationFailed(f"the epoch ended before it began, at {epoch.end}")


def _join(newer: Epoch, older: Epoch) -> None:
    if older.end is not None and newer.begin != after_recovery(older.end):
        raise VerificationFailed(
            f"an epoch ended at {older.end}, but the next began at {newer.begin}"
        )
