"""What verifications share: how they report their steps, and the walk up a chain.

A verification takes its steps in one order and stops at the first that fails. It names
each step that succeeded, so a listener also knows the step that failed: it is the first
step that was not named.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias

from ccfpy.base.errors import VerificationFailed
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
