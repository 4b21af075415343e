"""From the service of today back to the one that signed: chains of COSE endorsements.

A chain is handed out newest first. Each link is signed by the key that the link before
it endorsed, the first by the service of today, and says during which part of the ledger
its key ruled. The parts join without a gap: a recovery adds two views and takes the
next seqno (``src/node/historical_queries_utils.cpp``).

``EndorsementChain`` builds chains from the records that recoveries left, asking for one
earlier record at a time. Clients follow a chain that somebody handed out.

A recovered service that was opened twice leaves a link that endorses its own key, whose
end lies before its begin. It changes no trust and is taken as it is.
"""

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ids import Seqno
from ccfpy.ledger.identity_endorsement import Epoch, IdentityEndorsement, after_recovery

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
