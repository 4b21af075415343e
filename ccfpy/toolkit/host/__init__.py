"""Parts for hosts of enclaves that are not ledger nodes: start one, serve its calls."""

from ccfpy.toolkit.host.hosted import (
    CallDenied,
    EnclaveAborted,
    EnclaveDestroyed,
    EnclaveNotStarted,
    HostedEnclave,
    hosted,
)

__all__ = [
    "CallDenied",
    "EnclaveAborted",
    "EnclaveDestroyed",
    "EnclaveNotStarted",
    "HostedEnclave",
    "hosted",
]
