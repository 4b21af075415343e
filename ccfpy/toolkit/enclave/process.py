"""The process of an enclave: load it, put it under its limits, serve it to its end."""

import traceback
from typing import Any

from ccfpy.base.errors import CcfpyError
from ccfpy.boundary.lifecycle import ExitCode, ResourceLimit
from ccfpy.boundary.wire import Vocabulary
from ccfpy.enclave.channel import HostChannel
from ccfpy.enclave.isolation import confine
from ccfpy.enclave.loop import BoundaryProtocol, StepsOf, describe_crash, serve_in
from ccfpy.enclave.ports import SystemEntropy
from ccfpy.toolkit.enclave.dispatcher import Dispatcher
from ccfpy.toolkit.enclave.loading import EnclaveNotLoaded, Loaded, load_enclave
from ccfpy.toolkit.enclave.platform import EnclavePlatform
from ccfpy.toolkit.enclave.program import Enclave, impose, impose_recursion, timer_of
from ccfpy.toolkit.interfaces.messages import EFFECT_KINDS, EVENT_KINDS, Aborted, Ended


def run(name: str, channel: HostChannel) -> ExitCode:
    """Serve an enclave, in this process, until it ends."""
    try:
        loaded = load_enclave(name)
        impose(loaded.enclave.limits)
        isolation = str(confine(known=channel.descriptors))
    except CcfpyError as refusal:
        reason = str(refusal)
        return serve_in(_BARE, channel, lambda: _refuse(reason))
    impose_recursion(loaded.enclave.limits)
    return serve_in(
        protocol_of(loaded.enclave), channel, lambda: dispatcher_of(loaded, isolation)
    )


def dispatcher_of(loaded: Loaded, isolation: str) -> Dispatcher:
    """Put an enclave together, on the operating system's ports."""
    entropy = SystemEntropy()
    return Dispatcher(
        loaded.enclave,
        entropy=entropy,
        timer=timer_of(loaded.enclave.limits),
        platform=EnclavePlatform(loaded.platform, entropy),
        isolation=isolation,
    )


def protocol_of(enclave: Enclave[Any, Any]) -> BoundaryProtocol[object, object]:
    """Return the protocol between an enclave and its host."""
    interface = enclave.interface
    return BoundaryProtocol(
        events=interface.events,
        effects=interface.effects,
        last=Ended,
        refused=_ended,
        crashed=aborted,
        frame_bytes_max=interface.frame_bytes_max,
    )


def aborted(error: BaseException) -> Aborted:
    """Return the message that the enclave has failed, and for which limit, if any."""
    # What the functions that failed still hold may be all the memory there is.
    traceback.clear_frames(error.__traceback__)
    limit = None
    if isinstance(error, MemoryError):
        limit = ResourceLimit.MEMORY
    elif isinstance(error, RecursionError):
        limit = ResourceLimit.RECURSION
    return Aborted(reason=describe_crash(error), limit=limit)


def _ended(reason: str) -> Ended:
    return Ended(refusal=reason)


def _refuse(reason: str) -> StepsOf[object, object]:
    raise EnclaveNotLoaded(reason)


_BARE: BoundaryProtocol[object, object] = BoundaryProtocol(
    events=Vocabulary(EVENT_KINDS),
    effects=Vocabulary(EFFECT_KINDS),
    last=Ended,
    refused=_ended,
    crashed=aborted,
)
"""What can be said before it is known what enclave it is."""
