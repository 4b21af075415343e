"""For enclaves that are no ledger node: what their code is made with.

A module that has an ``Enclave`` as its attribute ``enclave`` is one. Its interface is
declared with ``ccfpy.toolkit.interfaces``, and whoever starts it does so with
``ccfpy.toolkit.host``.
"""

from ccfpy.attestation.simulated_sealing import SealPolicy
from ccfpy.toolkit.enclave.limits import Limits
from ccfpy.toolkit.enclave.ocalls import HostFailed
from ccfpy.toolkit.enclave.platform import (
    EnclavePlatform,
    identity_text,
    read_identity,
)
from ccfpy.toolkit.enclave.program import Enclave, Surroundings

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
