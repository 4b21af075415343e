"""A node of a few lines on a node's threads, and the host's end of its channel."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ccfpy.base.ids import SessionId
from ccfpy.base.limits import MIB
from ccfpy.base.ports import CallGivenUp, CallStopped
from ccfpy.boundary.effects import Effect, SendData, Stop
from ccfpy.boundary.events import Event, SessionData
from ccfpy.boundary.lifecycle import ExitCode
from ccfpy.boundary.wire import EFFECTS, EVENTS, FrameReader
from ccfpy.enclave.channel import HostChannel
from ccfpy.enclave.loop import NODE, run
from ccfpy.enclave.ports import SystemMemory
from ccfpy.enclave.threads import NodeThreads
from tests.unit.enclave.hosts_end import HostsEnd

LONG_MS = 60_000
SHORT_MS = 30
MEMORY_BYTES = 128 * MIB
DEADLINE_S = 60.0

Function = Callable[[Any], object]

AGAIN = object()
"""What a function returns that is to be called again."""


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that another thread will make true."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.001)


class Asked:
    """What a client asked for: a call of a function by its name.

    Attributes:
        call: what the call is known by, once the node goes on without it.
    """

    def __init__(self, event: SessionData) -> None:
        self.session = event.session
        self.name = event.data.decode()
        self.call: object | None = None


class SmallNode:
    """Calls functions that clients name, and answers with what they return.

    Attributes:
        exclusion: says that no two threads step the node at once.
        threads_of: the threads that called each function.
        given_up: calls that came back after they had been given up.
    """

    def __init__(self, threads: NodeThreads, functions: dict[str, Function]) -> None:
        self.threads = threads
        self.functions = functions
        self.execution_ms_max = LONG_MS
        self.taken_up_ns = 0
        self.exclusion = threading.Lock()
        self.threads_of: dict[str, list[int]] = {}
        self.stopped: list[CallStopped] = []
        self.given_up: list[str] = []
        self._asked: deque[Asked] = deque()
        self._now: Asked | None = None
        self._away: dict[object, Asked] = {}
        self._effects: list[Effect] = []
        self._is_to_stop = False

    def step(self, events: Sequence[Event]) -> Sequence[Effect]:
        """Take what clients ask for, and do it."""
        self._enter()
        self._asked += [Asked(each) for each in events if type(each) is SessionData]
        return self._go()

    def leave(self, call: object) -> None:
        """Go on without the call under way."""
        with self._entered():
            asked, self._now = self._now, None
            assert asked is not None
            asked.call = call
            self._away[call] = asked

    def give_up(self, call: object, reason: str) -> Sequence[Effect]:
        """Answer in the place of a call."""
        self._enter()
        self._answer(self._away[call], f"given up: {reason}")
        return self._go()

    def came_back_late(self, call: object) -> None:
        """Note that a call is over whose caller was answered."""
        self._away.pop(call, None)

    def use(self, text: str) -> str:
        """Use the node's own state, which no step may do meanwhile."""
        with self._entered():
            return text.upper()

    def stop(self) -> None:
        """Stop at the end of the step."""
        self._is_to_stop = True

    def _go(self) -> Sequence[Effect]:
        while self._asked:
            asked = self._now = self._asked.popleft()
            self._do(asked)
        if self._is_to_stop:
            self._effects.append(Stop(exit_code=0, reason="asked"))
        effects, self._effects = self._effects, []
        self.exclusion.release()
        return effects

    def _do(self, asked: Asked) -> None:
        match asked.name:
            case "stop":
                self.stop()
            case "crash":
                raise ZeroDivisionError("secret")
            case "nothing":
                self._answer(asked, "nothing")
            case _:
                self._answer(asked, self._called(asked))
        if asked.call is not None:
            del self._away[asked.call]
            self.threads.came_back()

    def _answer(self, asked: Asked, text: str) -> None:
        self._effects.append(SendData(session=asked.session, data=text.encode()))

    def _called(self, asked: Asked) -> str:
        if self.threads.is_full:
            return "full"
        name = asked.name
        self.threads_of.setdefault(name, []).append(threading.get_ident())
        answer: object = AGAIN
        while answer is AGAIN:
            self.exclusion.release()
            try:
                answer = self._call(name)
            except CallGivenUp:
                self.given_up.append(name)
                raise
            except CallStopped as stopped:
                self._enter()
                self.stopped.append(stopped)
                return f"stopped: {stopped.reason}"
            self._enter()
        return f"{name}: {answer}"

    def _call(self, name: str) -> object:
        function = self.functions[name]
        if name.startswith("beside"):
            return self.threads.beside(function, self)
        return self.threads.call(
            function, self, self.execution_ms_max, MEMORY_BYTES, self.taken_up_ns
        )

    def _entered(self) -> threading.Lock:
        assert not self.exclusion.locked(), "two threads step the node at once"
        return self.exclusion

    def _enter(self) -> None:
        assert self.exclusion.acquire(blocking=False), "two threads step the node"


class Gate:
    """A function that waits until a test opens it."""

    def __init__(self, answer: object = "open") -> None:
        self._answer = answer
        self._is_open = threading.Event()
        self._entered = False

    def __call__(self, _: object) -> object:
        """Wait, and return the answer."""
        self._entered = True
        assert self._is_open.wait(DEADLINE_S)
        return self._answer

    def wait_until_entered(self) -> None:
        """Wait until the function is called."""
        wait_until(lambda: self._entered)

    def open(self) -> None:
        """End all waiting."""
        self._is_open.set()


class Talk:
    """What a host and a small node say to each other, from the host's end."""

    def __init__(self) -> None:
        self.host = HostsEnd()
        self._reader = FrameReader()
        self._heard: list[Effect] = []

    def ask(self, *names: str) -> None:
        """Send requests that are read at once, each in a session of its own number."""
        self.host.say(
            EVENTS.encode(
                [
                    SessionData(session=SessionId(number), data=name.encode())
                    for number, name in enumerate(names)
                ]
            )
        )

    def hear(self, count: int = 1) -> list[str]:
        """Wait for so many answers."""
        return [
            effect.data.decode()
            for effect in self.hear_effects(count)
            if isinstance(effect, SendData)
        ]

    def hear_effects(self, count: int = 1) -> list[Effect]:
        """Wait for so many effects."""
        while len(self._heard) < count:
            data = self.host.hear()
            assert data, "the enclave has ended"
            for body in self._reader.feed(data):
                self._heard += EFFECTS.decode(body)
        heard, self._heard = self._heard[:count], self._heard[count:]
        return heard


class Enclave(Talk):
    """A small node in threads of this process, and the host's end of its channel."""

    def __init__(
        self,
        functions: dict[str, Function],
        stuck: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self.exit_code: ExitCode | None = None
        self.ended: list[ExitCode] = []
        self.meter = SystemMemory()
        self.threads = NodeThreads(self.meter, stuck=stuck, ended=self.ended.append)
        self.node = SmallNode(self.threads, functions)
        self.started = 0
        self.home = threading.Thread(target=self._run, daemon=True)
        self.home.start()

    def _run(self) -> None:
        with HostChannel(*self.host.theirs) as theirs:
            self.exit_code = run(
                NODE,
                theirs,
                lambda: partial(self.threads.drive, self.node, started=self._count),
            )

    def _count(self) -> None:
        self.started += 1

    def call(self, function: Function, execution_ms_max: int = LONG_MS) -> str:
        """Ask the node to call one function, and return the answer."""
        self.ask_for(function, execution_ms_max)
        return self.hear()[0]

    def ask_for(self, function: Function, execution_ms_max: int) -> None:
        """Ask the node to call one function."""
        self.node.functions["it"] = function
        self.node.execution_ms_max = execution_ms_max
        self.ask("it")

    def gate(self, name: str) -> Gate:
        """Make a function of that name that waits."""
        gate = Gate()
        self.node.functions[name] = gate
        return gate

    def end(self) -> ExitCode | None:
        """Hang up, and wait for the end."""
        self.host.close()
        self.home.join(DEADLINE_S)
        return self.exit_code
