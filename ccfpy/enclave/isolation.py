"""What the process gives up before it holds a secret.

On Linux: it dies with its parent, leaves no core dump, and other processes of the same
user cannot attach to it. Elsewhere these are no-ops: the end of the channel still ends
the process.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4


def isolate(*, parent: int | None = None) -> None:
    """Give up what the trusted process does not need.

    ``parent`` is who must be alive for this process to go on.
    """
    for name in ("SIGINT", "SIGHUP"):
        # A terminal sends these to the whole group; stopping is the host's to ask.
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    _forbid_core_dumps()
    if sys.platform == "linux":
        _die_with_parent()
        if parent is not None and os.getppid() != parent:
            raise SystemExit(0)


def _forbid_core_dumps() -> None:
    try:
        import resource  # noqa: PLC0415  # absent on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _die_with_parent() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
