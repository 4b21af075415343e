"""For whoever starts an enclave that is no ledger node, and serves what it asks."""

from ccfpy.host.toolkit.errors import (
    CallDenied,
    EnclaveAborted,
    EnclaveDestroyed,
    EnclaveNotStarted,
)
from ccfpy.host.toolkit.hosted import HostedEnclave, hosted

__all__ = [
    "CallDenied",
    "EnclaveAborted",
    "EnclaveDestroyed",
    "EnclaveNotStarted",
    "HostedEnclave",
    "hosted",
]
