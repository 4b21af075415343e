"""For enclaves that are no ledger node: what their code is made with.

A module that has an ``Enclave`` as its attribute ``enclave`` is one. Its interface is
declared with ``ccfpy.boundary.interfaces``, and whoever starts it does so with
``ccfpy.host.toolkit``.
"""

from ccfpy.attestation.simulated_sealing import SealPolicy
from ccfpy.enclave.toolkit.limits import Limits
from ccfpy.enclave.toolkit.ocalls import HostFailed
from ccfpy.enclave.toolkit.platform import (
    EnclavePlatform,
    identity_text,
    read_identity,
)
from ccfpy.enclave.toolkit.program import Enclave, Surroundings

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
