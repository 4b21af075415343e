"""Memory that is never written to the disk as swap, where the machine allows it."""

from pathlib import Path
from types import ModuleType
from typing import Final

from ccfpy.base.limits import KIB
from ccfpy.enclave.isolation import kernel
from ccfpy.enclave.isolation.seccomp import Numbers

try:
    import resource as _resource
except ImportError:  # on Windows
    resource: ModuleType | None = None
else:
    resource = _resource

_MLOCKALL: Final = Numbers(151, 230)
_CURRENT, _FUTURE, _ON_FAULT = 1, 2, 4
"""What is mapped, what will be, and a page of either not before it is used
(``mlockall(2)``): what is mapped and never used takes no memory."""
_SWAPS: Final = Path("/proc/swaps")

LOCKED: Final = "memory is never swapped"


def keep_out() -> str:
    """Lock all memory, that of later too; return in words whether that was possible.

    The limit to locked memory counts mapped memory, not used memory. WebAssembly maps
    gigabytes that are never used, so any limit would be reached some day, within a
    request.
    """
    try:
        _lift_limit()
        _lock()
    except (OSError, ValueError) as error:
        return f"memory is not locked, since {_reason(error)}; {_swap()}"
    return LOCKED


def _lift_limit() -> None:
    if resource is None:
        raise OSError("this system has no limits to lift")
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    if resource.getrlimit(resource.RLIMIT_MEMLOCK) == unlimited:
        return
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, unlimited)
    except (OSError, ValueError) as error:
        _, most = resource.getrlimit(resource.RLIMIT_MEMLOCK)
        raise OSError(
            f"RLIMIT_MEMLOCK is {most // KIB} KiB and would have to be unlimited"
        ) from error


def _lock() -> None:
    number = getattr(_MLOCKALL, kernel.architecture() or "", None)
    if number is None:
        raise OSError(f"there is no table of calls for {kernel.architecture()}")
    kernel.call(number, _CURRENT | _FUTURE | _ON_FAULT)


def _reason(error: OSError | ValueError) -> str:
    described = error.strerror if isinstance(error, OSError) else None
    return f"the kernel says {described!r}" if described else str(error)


def _swap() -> str:
    try:
        swaps = _SWAPS.read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        swaps = ["unknown"]
    return "it may be swapped" if swaps else "the machine has no swap now"
