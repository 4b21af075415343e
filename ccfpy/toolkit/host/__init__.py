"""For whoever starts an enclave that is no ledger node, and serves what it asks."""

from ccfpy.toolkit.host.errors import (
    CallDenied,
    EnclaveAborted,
    EnclaveDestroyed,
    EnclaveNotStarted,
)
from ccfpy.toolkit.host.hosted import HostedEnclave, hosted

__all__ = [
    "CallDenied",
    "EnclaveAborted",
    "EnclaveDestroyed",
    "EnclaveNotStarted",
    "HostedEnclave",
    "hosted",
]
