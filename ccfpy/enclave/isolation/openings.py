"""What of the outside this process still holds: descriptors, and memory it shares.

No layer takes away what is open already. A library that the application imports may
have opened a file, and through a descriptor or a shared mapping of it a secret would
reach the disk after everything else is closed.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from ccfpy.base.errors import CcfpyError

_STANDARD_STREAMS: Final = frozenset(range(3))
"""They lead nowhere once the process is confined."""
_DESCRIPTORS: Final = Path("/proc/self/fd")
_MAPPINGS: Final = Path("/proc/self/maps")
_FLAGS: Final = Path("/proc/self/smaps")
_SEV_GUEST: Final = "/dev/sev-guest"
"""The processor beneath, which is asked for evidence."""
_ANONYMOUS: Final = "/dev/zero (deleted)"
"""Memory without a file, shared with nobody who was not forked from here."""
_SHARED: Final = "s"
_WRITABLE: Final = "w"
_MAY_BE_WRITABLE: Final = "mw"
_FIELDS: Final = 6
"""Of a line: addresses, rights, offset, device, inode, and what is mapped (proc(5))."""


class NotClosed(CcfpyError):
    """Something is open that nobody knows of; the text names it and says what to do."""


def check(known: Collection[int]) -> None:
    """Refuse an unknown descriptor, or an unknown shared writable mapping.

    The standard streams, the null device, the process's own meter of memory and the
    processor's device are known.

    Args:
        known: descriptors of the caller.

    Raises:
        NotClosed: there is one.
        OSError: the kernel does not list what is open.
    """
    for descriptor, path in _descriptors():
        if descriptor not in known and not _is_known(path):
            raise NotClosed(
                f"the enclave cannot be closed while descriptor {descriptor} is open "
                f"on {path}: have the application, or its library that opened this, "
                "close it or not open it"
            )
    for path in _writable_mappings():
        raise NotClosed(
            f"the enclave cannot be closed while its memory is shared with {path}: "
            "have the application, or its library that mapped this, not map it"
        )


def _is_known(path: str) -> bool:
    return path in (os.devnull, f"/proc/{os.getpid()}/status", _SEV_GUEST)


def _descriptors() -> Iterator[tuple[int, str]]:
    """Return each descriptor with what it is open on."""
    for link in list(_DESCRIPTORS.iterdir()):
        descriptor = int(link.name)
        try:
            path = str(link.readlink())
        except FileNotFoundError:  # that of the list itself
            continue
        if descriptor not in _STANDARD_STREAMS:
            yield descriptor, path


def _writable_mappings() -> Iterator[str]:
    """Return what this process could write to by its memory."""
    readable: set[str] = set()
    for line in _MAPPINGS.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split(maxsplit=_FIELDS - 1)
        addresses, rights = fields[:2]
        path = fields[-1] if len(fields) == _FIELDS else "memory without a name"
        if not rights.endswith(_SHARED) or path == _ANONYMOUS:
            continue
        if _WRITABLE in rights:
            yield path
        readable.add(addresses)
    if readable:
        yield from _made_writable(readable)


def _made_writable(mappings: Collection[str]) -> Iterator[str]:
    """Return which of some mappings could be made writable, by their addresses."""
    path: str | None = None
    for line in _FLAGS.read_text(encoding="utf-8", errors="replace").splitlines():
        word, _, rest = line.partition(" ")
        if not word.endswith(":"):
            path = rest.split(maxsplit=_FIELDS - 2)[-1] if word in mappings else None
        elif (
            path is not None and word == "VmFlags:" and _MAY_BE_WRITABLE in rest.split()
        ):
            yield path
