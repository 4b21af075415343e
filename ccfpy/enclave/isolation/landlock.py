"""Landlock: no file, no port, no process beyond this one.

Landlock is a second line behind the filter of calls, at another place in the kernel: it
denies objects, whatever the call. The domain has no exceptions, so only objects that
were opened before can be used. The kernel is first asked what its version of Landlock
can deny (``linux/landlock.h``; the kernel's ``userspace-api/landlock.rst``).
"""

import os
import struct
from typing import Final, NamedTuple

from ccfpy.enclave.isolation import kernel

# The numbers are the same for all processors.
_CREATE_RULESET = 444
_RESTRICT_SELF = 446
_ASK_VERSION = 1


class HandledAccess(NamedTuple):
    """What is denied: bits of ``struct landlock_ruleset_attr``, in its order."""

    files: int
    ports: int = 0
    scopes: int = 0


_FILES_1 = (1 << 13) - 1
"""Execute, write, read, list, remove and make of every kind."""
_REFER = 1 << 13
_TRUNCATE = 1 << 14
_DEVICE_CONTROL = 1 << 15
_PORTS = 0b11
"""To bind a TCP port, and to connect to one."""
_SCOPES = 0b11
"""Abstract sockets, and signals, of processes outside."""

BY_VERSION: Final = (
    HandledAccess(_FILES_1),
    HandledAccess(_FILES_1 | _REFER),
    HandledAccess(_FILES_1 | _REFER | _TRUNCATE),
    HandledAccess(_FILES_1 | _REFER | _TRUNCATE, _PORTS),
    HandledAccess(_FILES_1 | _REFER | _TRUNCATE | _DEVICE_CONTROL, _PORTS),
    HandledAccess(_FILES_1 | _REFER | _TRUNCATE | _DEVICE_CONTROL, _PORTS, _SCOPES),
)
"""From version 1 on. Later versions deny no more, as far as this table knows."""


def version() -> int:
    """Return the version of the kernel's interface.

    Raises:
        OSError: none, or it was not turned on when the kernel started.
    """
    return kernel.call(_CREATE_RULESET, 0, 0, _ASK_VERSION)


def denied_by(version: int) -> HandledAccess:
    """Return all access that a version can deny."""
    return BY_VERSION[min(version, len(BY_VERSION)) - 1]


def restrict() -> int:
    """Deny everything to this thread and those it starts; give the version.

    It must have renounced new privileges before.

    Raises:
        OSError: the kernel refuses, or has no such thing.
    """
    found = version()
    # An older kernel knows the beginning of this alone, and takes zeros after it.
    attributes = kernel.Buffer(struct.pack("=QQQ", *denied_by(found)))
    rules = kernel.call(_CREATE_RULESET, attributes.address, len(attributes), 0)
    try:
        kernel.call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)
    return found
