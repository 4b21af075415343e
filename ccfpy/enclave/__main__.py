"""The enclave's process: ``python -m ccfpy.enclave --app APP --channel READ WRITE``.

Only a host starts it. It writes to neither stdout nor stderr.
"""

import gc

GC_THRESHOLDS = (50_000, 20, 50)
"""Collections are rare: almost all that a request makes dies by reference count."""

# Before all that is imported: imports make no garbage, and to look for it takes time.
gc.set_threshold(*GC_THRESHOLDS)

import argparse
import contextlib
import os
import sys
import threading
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from ccfpy.base.limits import LAST_WORD_WAIT_MS
from ccfpy.base.places import places_of
from ccfpy.boundary.effects import Effect, LogLevel, WriteLog
from ccfpy.boundary.lifecycle import ExitCode
from ccfpy.boundary.wire import EFFECTS
from ccfpy.enclave.assembly import build_node
from ccfpy.enclave.channel import HostChannel
from ccfpy.enclave.code_origin import OwnThread
from ccfpy.enclave.isolation import confine, isolate
from ccfpy.enclave.loop import NODE, PLACES_MAX, run
from ccfpy.enclave.ports import SystemMemory
from ccfpy.enclave.scripts import attend_scripts, keep_engine
from ccfpy.enclave.threads import NodeThreads
from ccfpy.node.node import Node


def main(argv: Sequence[str]) -> ExitCode:
    """Run one enclave to its end."""
    parser = argparse.ArgumentParser(prog="ccfpy.enclave")
    parser.add_argument("--app", required=True)
    parser.add_argument("--channel", required=True, type=int, nargs=2)
    options = parser.parse_args(argv)
    isolate(parent=os.getppid())
    with HostChannel(*options.channel) as channel:
        threading.excepthook = partial(_thread_failed, channel)
        memory = SystemMemory()
        threads = NodeThreads(memory, stuck=partial(_give_up, channel), ended=os._exit)
        code = run(
            NODE,
            channel,
            lambda: partial(
                threads.drive,
                _confined(
                    build_node(options.app, memory=memory, threads=threads), channel
                ),
                started=_settle_the_collector,
            ),
        )
    if threads.is_any_busy:
        # Python would wait for code that may never come back.
        os._exit(code)
    return code


def _confined(node: Node, channel: HostChannel) -> Node:
    """Close the process around a node that has read all it will ever read.

    Raises:
        NotClosed: something is open that is not the node's.
    """
    keep_engine()
    isolation = confine(known=channel.descriptors)
    attend_scripts()
    channel.send(EFFECTS.encode([isolation.log()]))
    return node


def _thread_failed(channel: HostChannel, failure: threading.ExceptHookArgs) -> None:
    """End the process if the thread is ccfpy's: without it a node is half a node.

    A thread that the application started may end as it likes, wherever it fails. That
    is logged, without any of the error's values.
    """
    error = failure.exc_value or failure.exc_type()
    if isinstance(failure.thread, OwnThread):
        end_at_once(channel, NODE.crashed(error))
    if isinstance(error, SystemExit):
        return  # how a thread may end, for Python
    message = (
        f"A thread of the application failed: {type(error).__name__} at "
        f"{places_of(error, places_max=PLACES_MAX)}"
    )
    log = WriteLog(level=LogLevel.FAIL, message=message)
    # Nobody reads it if the host is gone.
    with contextlib.suppress(OSError, ValueError):
        channel.send(EFFECTS.encode([log]))


def _give_up(channel: HostChannel, reason: str) -> NoReturn:
    """End the process, as code of the application's cannot be ended."""
    message = f"Code of the application holds this node for good: {reason}"
    end_at_once(channel, WriteLog(level=LogLevel.FATAL, message=message))


def end_at_once(channel: HostChannel, last_word: Effect) -> NoReturn:
    """End the process from any thread, whether or not the host hears why.

    Nothing is said if a thread is in the midst of saying something, and goes on.
    """
    try:
        channel.send_within(EFFECTS.encode([last_word]), wait_ms=LAST_WORD_WAIT_MS)
    finally:
        os._exit(ExitCode.CRASHED)


def _settle_the_collector() -> None:
    # What start-up made lives as long as the process: take it out of every collection.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
