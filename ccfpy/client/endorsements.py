"""Chains of endorsements that somebody handed out, followed link by link.

A chain leads from the service of today to the one that signed
(`ccfpy.ledger.endorsement_chain`).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.crypto.ec import PublicKey
from ccfpy.ledger.endorsement_chain import ENDORSEMENTS_MAX, join
from ccfpy.ledger.identity_endorsement import CoseEndorsement, Epoch


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
                join(newer, epoch)
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
