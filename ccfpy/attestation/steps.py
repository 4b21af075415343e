"""What verifications share: how they report their steps, and the walk up a chain.

A verification takes its steps in one order and stops at the first that fails. It names
each step that succeeded, so a listener also knows the step that failed: it is the first
step that was not named.

The time at which evidence must hold, as the machine's operator says it.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto.certs import Certificate

Took: TypeAlias = Callable[[str], None]
"""Told the name of each step that was taken."""


def verify_chain(chain: Sequence[Certificate], now: datetime, when: str) -> None:
    """Check that each certificate is by the next, the last by itself, and valid.

    ``when`` says in messages what time ``now`` is.

    Raises:
        CcfpyError: one is not.
    """
    for certificate, issuer in zip(chain, (*chain[1:], chain[-1]), strict=True):
        certificate.verify_signed_by(issuer)
        if not issuer.is_authority:
            raise VerificationFailed(f"{issuer} is no authority")
        if not certificate.not_before <= now <= certificate.not_after:
            raise VerificationFailed(f"{certificate} is not valid {when}")


def untold(step: str, /) -> None:
    """Report to nobody."""
    del step


def as_datetime(unix_time_s: int) -> datetime:
    """Return a time in seconds since 1970 as a datetime in UTC, as certificates use.

    Raises:
        Malformed: it is beyond all calendars.
    """
    try:
        return datetime.fromtimestamp(unix_time_s, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(f"not a time: {unix_time_s} s since 1970") from error
