"""What Microsoft says of the utility VM a container group runs in.

Its launch measurement is all that a report proves; these endorsements say of which
release that is (``src/node/uvm_endorsements.cpp``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ccfpy.attestation.steps import Took, untold
from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import Json
from ccfpy.crypto import cose, did_x509

FEED = "feed"
_CONTENT_TYPE = "application/json"
_MEASUREMENT = "x-ms-sevsnpvm-launchmeasurement"
_SVN = "x-ms-sevsnpvm-guestsvn"
_SVN_MAX = 2**64 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UvmEndorsement:
    """Who endorsed which release.

    Attributes:
        did: the signer.
        feed: the product.
        svn: its security version, a number as text.
    """

    did: str
    feed: str
    svn: str


_MICROSOFT = "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s"
ROOTS_OF_TRUST = (
    UvmEndorsement(
        did=f"{_MICROSOFT}::eku:1.3.6.1.4.1.311.76.59.1.2",
        feed="ContainerPlat-AMD-UVM",
        svn="100",
    ),
    UvmEndorsement(
        did=f"{_MICROSOFT}::eku:1.3.6.1.4.1.311.76.59.1.5",
        feed="ConfAKS-AMD-UVM",
        svn="1",
    ),
)
"""The signers that are trusted, for which products and from which version on."""


class UvmStep(StrEnum):
    """What is checked, in this order."""

    SIGNATURE = "signature"
    MEASUREMENT = "measurement"
    AUTHORITY = "authority"


def verify_uvm_endorsements(
    endorsements: bytes,
    measurement: bytes,
    roots: Sequence[UvmEndorsement] | None = ROOTS_OF_TRUST,
    *,
    took: Took = untold,
) -> UvmEndorsement:
    """Check endorsements of what a report measured.

    Args:
        endorsements: the signed message.
        measurement: what the report says.
        roots: the trusted signers; ``None`` to trust any and learn which it is.
        took: told each `UvmStep` that was taken.

    Raises:
        Malformed: they are none.
        VerificationFailed: the signature does not hold, they are of something else, or
            by no trusted signer.
    """
    did, message = did_x509.verify(endorsements)
    took(UvmStep.SIGNATURE)
    content_type = message.protected.get(cose.CONTENT_TYPE)
    if content_type != _CONTENT_TYPE:
        raise Malformed(
            f"Unexpected payload content type {content_type}, expected {_CONTENT_TYPE}"
        )
    feed = message.protected.get(FEED, "")
    if not isinstance(feed, str):
        raise Malformed("UVM endorsements whose feed is no text")
    assert message.payload is not None, "what was verified is there"
    payload = json.loads_object(message.payload)
    endorsed = payload.get(_MEASUREMENT)
    if endorsed != measurement.hex():
        raise VerificationFailed(
            f"Launch measurement in UVM endorsements payload {endorsed} is not equal "
            f"to UVM attestation measurement {measurement.hex()}"
        )
    found = UvmEndorsement(did=did, feed=feed, svn=_svn(payload.get(_SVN)))
    took(UvmStep.MEASUREMENT)
    if roots is not None and not any(_covers(root, found) for root in roots):
        raise VerificationFailed(
            f"UVM endorsements did {did}, feed {feed}, svn {found.svn} do not match "
            "any of the known UVM roots of trust"
        )
    took(UvmStep.AUTHORITY)
    return found


def _covers(root: UvmEndorsement, found: UvmEndorsement) -> bool:
    same = (root.did, root.feed) == (found.did, found.feed)
    return same and int(_svn(root.svn)) <= int(found.svn)


def _svn(value: Json) -> str:
    """Read a security version: releases write it as text or as a number."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        if len(value) <= len(str(_SVN_MAX)):
            return value
    elif isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    raise Malformed("UVM endorsements without a security version that is a number")
