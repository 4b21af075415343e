"""The two steps of isolation: at the start, and after all files are read.

Modules that libraries would import too late are loaded before the second step. Nothing
of the process is left where another could read it: no environment, no streams, no dump.
The host's log learns which layers are in force.

What of the outside this process still holds: descriptors, and memory it shares.

No layer takes away what is open already. A library that the application imports may
have opened a file, and through a descriptor or a shared mapping of it a secret would
reach the disk after everything else is closed.
"""

import ctypes
import faulthandler
import importlib
import os
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccfpy.base.errors import CcfpyError
from ccfpy.boundary.effects import LogLevel, WriteLog
from ccfpy.enclave.isolation import landlock, privileges, seccomp, swap

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """The layers around this process.

    Attributes:
        layers: those in force.
        lacks: what there is not, each with the reason.
        memory: whether it may be written to the disk as swap.
    """

    layers: tuple[str, ...]
    lacks: tuple[str, ...]
    memory: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not self.lacks

    def __str__(self) -> str:
        """Return the report in one line."""
        there = ", ".join(self.layers)
        memory = f"; {self.memory}" if self.memory else ""
        if self.is_whole:
            return f"Isolation: {there}{memory}"
        lacking = "; ".join(self.lacks)
        reduced = f"Isolation is reduced: {lacking} (there is: {there or 'nothing'})"
        return reduced + memory

    def log(self) -> WriteLog:
        """Report to the host; what is missing must not be overlooked."""
        level = LogLevel.INFO if self.is_whole else LogLevel.FAIL
        return WriteLog(level=level, message=str(self), file="isolation")


SWITCH = "CCFPY_ENCLAVE_ISOLATION"
"""The environment variable that turns it off, for debugging, when it is ``off``."""
OFF = "off"

Layer = Callable[[], object]


def is_turned_off(environment: Mapping[str, str]) -> bool:
    """Return whether the host asked to leave the process open."""
    return environment.get(SWITCH) == OFF


def isolate(*, parent: int | None = None) -> None:
    """Drop what the process never needs.

    The process ends when its parent, whose id is ``parent``, has ended.
    """
    for name in ("SIGINT", "SIGHUP"):
        # A terminal sends these to the whole group; stopping is the host's to ask.
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    privileges.forbid_core_dumps()
    if sys.platform == "linux":
        privileges.die_with_parent()
        privileges.forbid_attaching()
        if parent is not None and os.getppid() != parent:
            raise SystemExit(0)


def confine(*, known: Collection[int] = ()) -> Isolation:
    """Close off everything outside this process but what is open and known.

    No file can be read after this, nor a module imported. Threads that run already are
    not within Landlock: start them afterwards.

    Args:
        known: descriptors of the caller, such as those of its channel.

    Raises:
        NotClosed: another is open, or memory is shared with a file.
    """
    is_off = is_turned_off(os.environ)
    preload()
    unseen = () if is_off or sys.platform != "linux" else _look(known)
    silence()
    forget_environment()
    if is_off:
        return Isolation(layers=(), lacks=(f"turned off by {SWITCH}={OFF}",))
    if sys.platform != "linux":
        lack = f"{sys.platform} has no seccomp and no Landlock"
        return Isolation(layers=(), lacks=(lack,))
    return _raise_layers(unseen)


def _look(known: Collection[int]) -> tuple[str, ...]:
    """Look for what is open; return what cannot be seen.

    Raises:
        NotClosed: something is open that is not known.
    """
    try:
        check(known)
    except OSError as error:
        return (f"no look at what is open: {error.strerror}",)
    return ()


def _raise_layers(unseen: Collection[str]) -> Isolation:
    layers: list[str] = []
    lacks = list(unseen)
    memory = swap.keep_out()
    # The filter forbids making the others; and it needs the privileges to be renounced.
    for name, lack, raise_layer in (
        ("no_new_privs", "new privileges", privileges.renounce_new_privileges),
        ("Landlock", "no Landlock", landlock.restrict),
        ("no capabilities", "capabilities", privileges.drop_capabilities),
        ("rlimits", "no rlimits", privileges.limit),
        ("seccomp", "no seccomp", seccomp.install),
    ):
        try:
            answer = raise_layer()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            lacks.append(f"{lack}: {reason or error}")
        else:
            layers.append(name if answer is None else f"{name}({answer})")
    return Isolation(layers=tuple(layers), lacks=tuple(lacks), memory=memory)


_STREAMS = 3
_ENVIRONMENT_FIELDS = (50, 51)
"""In ``/proc/self/stat``: where the environment begins and ends (proc(5))."""
_FIRST_AFTER_NAME = 3


def silence() -> None:
    """Lead stdin, stdout and stderr nowhere, and print nothing at a fault."""
    faulthandler.disable()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(_STREAMS):
        os.dup2(null, stream)
    if null >= _STREAMS:
        os.close(null)


def forget_environment() -> None:
    """Empty the environment, in the memory too from which ``/proc`` shows it."""
    os.environ.clear()
    if sys.platform == "linux":
        start, end = _environment()
        ctypes.memset(start, 0, end - start)


def _environment() -> tuple[int, int]:
    line = Path("/proc/self/stat").read_text(encoding="utf-8")
    # The name before may hold anything, spaces and parentheses too.
    fields = line.rpartition(")")[2].split()
    start, end = (int(fields[n - _FIRST_AFTER_NAME]) for n in _ENVIRONMENT_FIELDS)
    return start, end


LATE: Final[Sequence[str]] = (
    # Codecs are looked up when first named.
    *(
        f"encodings.{name}"
        for name in (
            *("ascii", "latin_1", "cp1252", "utf_8", "utf_8_sig", "utf_16"),
            *("utf_16_be", "utf_16_le", "utf_32", "unicode_escape", "idna"),
            "punycode",
        )
    ),
    "unicodedata",  # characters by name, and domain names
    "stringprep",  # domain names
    "_strptime",  # dates by their form
    "locale",  # the same, and numbers by custom
    "traceback",  # imported where an exception is told of
)


def preload() -> None:
    """Import all of it that this Python has."""
    for name in LATE:
        with suppress(ImportError):
            importlib.import_module(name)
