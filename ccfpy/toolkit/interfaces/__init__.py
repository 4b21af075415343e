"""What an enclave and its host may call on each other, as types say it.

An `Interface` is made of two classes of annotated methods: what the host may ask of the
enclave, and what the enclave may ask of the host. From them follow the messages, their
strict form on the wire, and a text that says it all, whose digest tells interfaces
apart. Both sides use the same object; nothing that it does not declare can be said.
"""

from ccfpy.boundary.shape import AtMost, BoundaryViolation
from ccfpy.toolkit.interfaces.declared import (
    InterfaceRefused,
    allows,
    only_within,
    refuses,
)
from ccfpy.toolkit.interfaces.interface import Interface, Refusal, UntrustedTime

__all__ = [
    "AtMost",
    "BoundaryViolation",
    "Interface",
    "InterfaceRefused",
    "Refusal",
    "UntrustedTime",
    "allows",
    "only_within",
    "refuses",
]
