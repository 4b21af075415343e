"""What a proposal would do, found out by a process that is limited and can be ended.

A proposal is foreign code, and so are a constitution and ballots. They run in an engine
with a node's limits, and the engine in a process of its own: the process cannot reach
files or the network, has so much memory, and is killed when it takes too long. The
process is kept for the next question, so that the engine starts once.
"""

import contextlib
import os
import pickle
import queue
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import IO

import orjson

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import ProposalId
from ccfpy.base.limits import MIB
from ccfpy.client.review.description import (
    Change,
    Description,
    Diff,
    Fact,
    Quote,
    Section,
    Topic,
    Vote,
)
from ccfpy.client.review.proposal import describe
from ccfpy.client.review.public_state import PublicState
from ccfpy.host.enclave_process import enclave_environment, python_command

TIMEOUT_S = 10.0
"""How long one proposal may take, all ballots and the constitution together."""
START_TIMEOUT_S = 60.0
MEMORY_BYTES_MAX = 1024 * MIB
UNAWAITED_NICENESS = 10
"""Of a process whose answers nobody waits for."""
ANSWER_BYTES_MAX = 64 * MIB
CHILD = "ccfpy.console.what_if_child"
_LENGTH_BYTES = 8


class FrameEnded(CcfpyError):
    """The other side has gone away, or sends what is too long."""


class WhatIf:
    """One process, which answers one question at a time.

    Args:
        timeout_s: how long a question may take.
        memory_bytes_max: how much data the process may hold.
        niceness: by how much other processes go first.
    """

    def __init__(
        self,
        *,
        timeout_s: float = TIMEOUT_S,
        memory_bytes_max: int = MEMORY_BYTES_MAX,
        niceness: int = 0,
    ) -> None:
        self._timeout_s, self._niceness = timeout_s, niceness
        self._memory_bytes_max = memory_bytes_max
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()

    def warm(self) -> None:
        """Start the process now, so that the first question does not wait for it.

        Another thread waits until the process is ready.
        """
        threading.Thread(target=self._warm, daemon=True).start()

    def _warm(self) -> None:
        with self._lock:
            self._started()

    def close(self) -> None:
        """End the process, whatever it does, and start no other."""
        self._closed.set()
        # Who waits for the process holds the lock, until the process is gone.
        if (child := self._child) is not None:
            child.kill()
        with self._lock:
            self._end()

    def describe(
        self,
        state: PublicState,
        proposal_id: ProposalId,
        names: Mapping[str, str],
        shown: str = "",
    ) -> Description:
        """Describe a proposal; without what it would do, if that was not found out.

        Args:
            state: what the service's tables hold.
            proposal_id: which.
            names: members' names, by id, as far as they are known here.
            shown: the outcome that somebody read earlier, by its name.

        Raises:
            NoSuchProposal: the service does not remember it.
        """
        question = pickle.dumps(
            (
                state.rows(),
                state.not_served,
                state.has_moved,
                str(proposal_id),
                dict(names),
                shown,
            )
        )
        with self._lock:
            answer = self._ask(question)
        if isinstance(answer, str):
            return describe(state, proposal_id, names, unknown=answer)
        return answer

    def _ask(self, question: bytes) -> Description | str:
        """Return what the process answers, or why it does not."""
        if (child := self._started()) is None:
            return "the process that runs proposals does not start here"
        began = time.monotonic()
        timer = threading.Timer(self._timeout_s, child.kill)
        timer.start()
        try:
            assert child.stdin is not None, "it is a pipe"
            assert child.stdout is not None, "it is a pipe"
            write_frame(child.stdin, question)
            return _read(read_frame(child.stdout, ANSWER_BYTES_MAX))
        except (OSError, FrameEnded, KeyError, TypeError, ValueError):
            self._end()
        finally:
            timer.cancel()
        if time.monotonic() - began >= self._timeout_s:
            return (
                f"the proposal and its ballots took longer than {self._timeout_s:g} s "
                "to run, and were stopped: a node may take as long"
            )
        return (
            "the process that ran the proposal ended, as one does that needs more than "
            f"{self._memory_bytes_max // MIB} MiB"
        )

    def _started(self) -> subprocess.Popen[bytes] | None:
        """Return the process, started if it does not run; nothing if it cannot."""
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._end()
        if self._closed.is_set():
            return None
        child = self._child = self._spawned()
        if self._closed.is_set():  # meanwhile
            child.kill()
        timer = threading.Timer(START_TIMEOUT_S, child.kill)
        timer.start()
        try:
            assert child.stdout is not None, "it is a pipe"
            read_frame(child.stdout, 0)
        except FrameEnded:
            self._end()
            return None
        finally:
            timer.cancel()
        return child

    def _spawned(self) -> subprocess.Popen[bytes]:
        """Start the process in a thread that lasts as long as the process does.

        The system ends the process with the thread that started it.
        """
        started: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()

        def keep() -> None:
            numbers = (os.getpid(), self._memory_bytes_max, self._niceness)
            child = subprocess.Popen(  # noqa: S603  # fixed words; no shell
                python_command("-m", CHILD, *map(str, numbers)),
                env=enclave_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            started.put(child)
            child.wait()

        threading.Thread(target=keep, daemon=True).start()
        return started.get()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None, "it was made"
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def write_frame(pipe: IO[bytes], data: bytes) -> None:
    """Write bytes, after how many they are."""
    pipe.write(len(data).to_bytes(_LENGTH_BYTES, "big") + data)
    pipe.flush()


def read_frame(pipe: IO[bytes], bytes_max: int) -> bytes:
    """Read what ``write_frame`` wrote.

    Raises:
        FrameEnded: there is nothing more, or more than is allowed.
    """
    size = int.from_bytes(head := pipe.read(_LENGTH_BYTES), "big")
    if len(head) < _LENGTH_BYTES or size > bytes_max:
        raise FrameEnded(f"no frame of at most {bytes_max} bytes")
    data = pipe.read(size)
    if len(data) < size:
        raise FrameEnded("the frame ends early")
    return data


def _read(answer: bytes) -> Description | str:
    """Read a description, or the sentence in its place."""
    fields = orjson.loads(answer)
    if isinstance(fields, str):
        return fields
    return Description(
        title=fields["title"],
        sections=tuple(map(_section, fields["sections"])),
        votes=tuple(Vote(**each) for each in fields["votes"]),
        outcome=str(fields["outcome"]),
        digest=str(fields["digest"]),
    )


def _section(fields: dict[str, object]) -> Section:
    facts, diffs = fields["facts"], fields["diffs"]
    if not isinstance(facts, list) or not isinstance(diffs, list):
        raise TypeError(fields)
    return Section(
        topic=Topic(str(fields["topic"])),
        title=str(fields["title"]),
        facts=tuple(
            Fact(**{**each, "quotes": tuple(Quote(**it) for it in each["quotes"])})
            for each in facts
        ),
        diffs=tuple(
            Diff(
                **{
                    **each,
                    "change": Change(each["change"]),
                    "lines": tuple(each["lines"]),
                    "laid_out": tuple(each["laid_out"]),
                }
            )
            for each in diffs
        ),
    )
