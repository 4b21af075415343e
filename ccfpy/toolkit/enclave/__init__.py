"""Parts for the code of enclaves that are not ledger nodes.

Such an enclave is a module with an ``Enclave`` as its attribute ``enclave``. Its
interface is declared with ``ccfpy.toolkit.interfaces``. A host starts it with
``ccfpy.toolkit.host``.
"""

from ccfpy.toolkit.enclave.dispatcher import HostFailed
from ccfpy.toolkit.enclave.platform import (
    EnclavePlatform,
    SealPolicy,
    identity_text,
    read_identity,
)
from ccfpy.toolkit.enclave.program import Enclave, Limits, Surroundings

__all__ = [
    "Enclave",
    "EnclavePlatform",
    "HostFailed",
    "Limits",
    "SealPolicy",
    "Surroundings",
    "identity_text",
    "read_identity",
]
