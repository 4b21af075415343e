"""The two steps of isolation: at the start, and after all files are read."""

import os
import signal
import sys
from collections.abc import Callable, Collection, Mapping

from ccfpy.enclave.isolation import (
    landlock,
    openings,
    privileges,
    seccomp,
    swap,
    traces,
)
from ccfpy.enclave.isolation.preload import preload
from ccfpy.enclave.isolation.report import Isolation

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
    traces.silence()
    traces.forget_environment()
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
        openings.check(known)
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
