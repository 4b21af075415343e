"""The process of an enclave: load it, put it under its limits, serve it to its end."""

import socket
import traceback
from pathlib import Path
from typing import Any

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ports import Entropy
from ccfpy.boundary.ending import ExitCode, Limit
from ccfpy.boundary.interfaces.messages import ASKED, TOLD, Aborted, Ended
from ccfpy.boundary.wire import Vocabulary
from ccfpy.enclave.importing import find_code, load_attribute
from ccfpy.enclave.isolation import confine
from ccfpy.enclave.loop import Dialect, StepsOf, describe_crash, serve_in
from ccfpy.enclave.ports import SystemEntropy
from ccfpy.enclave.toolkit.dispatcher import Dispatcher
from ccfpy.enclave.toolkit.limits import impose, timer_of
from ccfpy.enclave.toolkit.program import Enclave, Surroundings

ATTRIBUTE = "enclave"


class EnclaveNotLoaded(CcfpyError):
    """The enclave cannot be found or is none; the text says what to change."""


def load_enclave(name: str) -> Enclave[Any, Any]:
    """Load an enclave by the path of its file or package.

    Raises:
        EnclaveNotLoaded: there is none there, or its code fails.
    """
    path = find_code([Path(name)])
    if path is None:
        raise EnclaveNotLoaded(
            f"no enclave {name!r}: give the path of a Python file or package"
        )
    of = f"the enclave {name!r}"
    found = load_attribute(path, ATTRIBUTE, of=of, refuse=EnclaveNotLoaded)
    if not isinstance(found, Enclave):
        raise EnclaveNotLoaded(f"{of} has an {ATTRIBUTE!r} that is no Enclave")
    return found


def run(name: str, channel: socket.socket) -> ExitCode:
    """Serve an enclave, in this process, until it ends."""
    try:
        enclave = load_enclave(name)
        impose(enclave.limits)
    except CcfpyError as refusal:
        reason = str(refusal)
        return serve_in(_BARE, channel, lambda: _refuse(reason))
    isolation = str(confine())
    return serve_in(
        dialect_of(enclave), channel, lambda: dispatcher_of(enclave, isolation)
    )


def dispatcher_of(enclave: Enclave[Any, Any], isolation: str) -> Dispatcher:
    """Put an enclave together, on the operating system's ports."""
    return Dispatcher(
        enclave,
        entropy=SystemEntropy(),
        timer=timer_of(enclave.limits),
        surround=_surround,
        isolation=isolation,
    )


def dialect_of(enclave: Enclave[Any, Any]) -> Dialect[object, object]:
    """Give what an enclave and its host say to each other."""
    interface = enclave.interface
    return Dialect(
        told=interface.told,
        asked=interface.asked,
        last=Ended,
        refused=_ended,
        crashed=aborted,
        frame_bytes_max=interface.frame_bytes_max,
    )


def aborted(error: BaseException) -> Aborted:
    """Say that there is no enclave any more, and for what limit if it was one."""
    # What the functions that failed still hold may be all the memory there is.
    traceback.clear_frames(error.__traceback__)
    limit = None
    if isinstance(error, MemoryError):
        limit = Limit.MEMORY
    elif isinstance(error, RecursionError):
        limit = Limit.RECURSION
    return Aborted(reason=describe_crash(error), limit=limit)


def _ended(reason: str) -> Ended:
    return Ended(refusal=reason)


def _refuse(reason: str) -> StepsOf[object, object]:
    raise EnclaveNotLoaded(reason)


def _surround(host: Any, entropy: Entropy, instance: bytes) -> Surroundings[Any]:  # noqa: ANN401  # of any interface
    return Surroundings(host=host, entropy=entropy, instance=instance)


_BARE: Dialect[object, object] = Dialect(
    told=Vocabulary(TOLD),
    asked=Vocabulary(ASKED),
    last=Ended,
    refused=_ended,
    crashed=aborted,
)
"""What can be said before it is known what enclave it is."""
