"""Parts for hosts of enclaves that are not ledger nodes: start one, serve its calls."""

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
