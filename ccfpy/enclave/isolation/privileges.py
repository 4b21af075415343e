"""Rights and means of this process, given up for good."""

import signal
import struct
import sys
from types import ModuleType

from ccfpy.enclave.isolation import kernel
from ccfpy.enclave.isolation.seccomp import Numbers

try:
    import resource as _resource
except ImportError:  # on Windows
    resource: ModuleType | None = None
else:
    resource = _resource

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CAPSET = Numbers(126, 91)
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITY_BYTES = 24
"""Two halves of three sets: effective, permitted, inheritable."""


def forbid_core_dumps() -> None:
    """Leave no image of memory behind, whatever happens; on all but Windows."""
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def die_with_parent() -> None:
    """Be killed when the process that started this one ends."""
    kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def forbid_attaching() -> None:
    """Forbid every process of the same user to read or trace this one.

    Its folder in ``/proc`` is root's from then on.
    """
    kernel.prctl(_PR_SET_DUMPABLE, 0)


def renounce_new_privileges() -> None:
    """Never gain a right, by whatever program: filters ask for this first.

    Raises:
        OSError: the kernel refuses.
    """
    kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Keep nothing of what root may do but being the owner of root's files.

    Raises:
        OSError: the kernel refuses.
    """
    architecture = kernel.architecture()
    header = kernel.Buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    none = kernel.Buffer(bytes(_CAPABILITY_BYTES))
    number = getattr(_CAPSET, architecture or "", None)
    if number is None:
        raise OSError(f"no table of calls for {architecture}")
    kernel.call(number, header.address, none.address)


def limit() -> None:
    """Open nothing more, and let no file grow.

    The limit on a user's processes stays unchanged: it counts all processes and threads
    of the user, including those that run already.

    Raises:
        OSError: the kernel refuses.
    """
    if resource is None:
        raise OSError(f"no limits on {sys.platform}")
    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE):
        resource.setrlimit(kind, (0, 0))
