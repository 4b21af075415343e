"""An enclave as its host sees it: functions to await, and services that it may ask for.

The task that makes a call also serves the enclave's own calls during that call, and a
call that a service makes runs within that service. The host can drop, delay and invent
messages, but every message has the form of the interface.

Why a call of an enclave has no answer, told apart by type.

What an enclave waits for from its host, and what the host calls meanwhile.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

from ccfpy.base.errors import CcfpyError
from ccfpy.boundary.lifecycle import EnclaveStage, Lifecycle, ResourceLimit, limit_of
from ccfpy.host.enclave_process import EnclaveProcess, ProcessObserver, python_command
from ccfpy.toolkit.interfaces import Interface, Refusal
from ccfpy.toolkit.interfaces.interface import Bound, copied
from ccfpy.toolkit.interfaces.messages import (
    Aborted,
    CallRefused,
    Denial,
    Denied,
    Destroy,
    Ended,
    Initialize,
    Initialized,
    OcallFailed,
    Run,
)


class CallDenied(CcfpyError):
    """The call was not begun; the enclave goes on."""

    def __init__(self, function: str, denial: Denial) -> None:
        super().__init__(f"{function} is not begun: {denial}")
        self.denial = denial


class EnclaveNotStarted(CcfpyError):
    """There is no enclave; the text says what to change."""


class EnclaveDestroyed(CcfpyError):
    """There is no enclave any more, as its host wanted. Create another."""


class EnclaveAborted(CcfpyError):
    """There is no enclave any more: something in it, or said to it, was wrong.

    What was under way is not answered, and no answer is half of one.

    Attributes:
        limit: which the enclave reached, if that was it.
    """

    def __init__(self, reason: str, limit: ResourceLimit | None = None) -> None:
        limited = "" if limit is None else f"it reached its limit {limit}: "
        super().__init__(f"the enclave aborted: {limited}{reason}")
        self.limit = limit


class Ocalls:
    """What the enclave has asked and not been answered, and the calls within that.

    An answer waits until those within have theirs: the enclave takes it as broken faith
    if it comes before, whichever task of the host has lost patience.
    """

    def __init__(self, say: Callable[[object], None]) -> None:
        self._say = say
        self._inner: dict[int, int] = {}
        self._due: dict[int, object] = {}
        self._of: dict[int, int] = {}
        # Which of them is being served where this is read; of this enclave alone.
        self._within: ContextVar[int] = ContextVar("within", default=0)

    @property
    def current(self) -> int:
        """The ocall that is being served here and now; 0 for none."""
        within = self._within.get()
        return within if within in self._inner and within not in self._due else 0

    def begin(self, ocall: int) -> None:
        """Note that the enclave makes an ocall."""
        self._inner[ocall] = 0

    @contextlib.contextmanager
    def serving(self, ocall: int) -> Iterator[None]:
        """Count what is called from here as within an ocall."""
        before = self._within.set(ocall)
        try:
            yield
        finally:
            self._within.reset(before)

    def call(self, number: int, of: int) -> None:
        """Note a call that the host makes within an ocall."""
        if of:
            self._of[number] = of
            self._inner[of] += 1

    def answered(self, call: int) -> None:
        """Note that the enclave has answered a call."""
        of = self._of.pop(call, 0)
        if of:
            self._inner[of] -= 1
            if of in self._due and not self._inner[of]:
                self.end(of, self._due.pop(of))

    def end(self, ocall: int, answer: object) -> None:
        """Answer the enclave, once it has answered what is within."""
        if self._inner.get(ocall):
            self._due[ocall] = answer
            return
        self._inner.pop(ocall, None)
        self._say(answer)


TOOLKIT_MODULE = "ccfpy.toolkit.enclave"
START_WAIT_S = 60.0
"""How long an enclave may take to load."""

Trusted = TypeVar("Trusted")
Untrusted = TypeVar("Untrusted")


class Link(Protocol):
    """A way to an enclave: its process, or the same within this one."""

    async def start(self, observer: ProcessObserver[object]) -> None:
        """Bring it up."""

    def send(self, events: Sequence[object]) -> None:
        """Send events to it."""

    def stop(self) -> None:
        """End it, at once if need be."""


class HostedEnclave(Generic[Trusted, Untrusted]):
    """One enclave, once; see ``hosted`` for the usual way to have one.

    Args:
        interface: the host's copy.
        services: what the enclave may ask of this host.
        link: the way to it.
    """

    def __init__(
        self,
        interface: Interface[Trusted, Untrusted],
        services: Untrusted,
        link: Link,
    ) -> None:
        self._interface = interface
        self._link = link
        self._lifecycle = Lifecycle()
        self._services = {
            bound.call: (bound, getattr(services, bound.function.name))
            for bound in interface.untrusted
        }
        self._answers = {bound.answer for bound in interface.trusted}
        self._calls: dict[int, asyncio.Queue[object]] = {}
        self._last_call = 0
        self._ocalls = Ocalls(self._say)
        self._begun: asyncio.Future[Initialized] | None = None
        self._lost: Callable[[], CcfpyError] | None = None
        self._aborted: Aborted | None = None
        self._told: Initialized | None = None
        self._trusted = cast("Trusted", _Functions(interface.trusted, self._call))

    @property
    def stage(self) -> EnclaveStage:
        """Where the enclave is in its life."""
        return self._lifecycle.stage

    @property
    def instance(self) -> bytes:
        """What tells this enclave from all others that there were; empty before."""
        return b"" if self._told is None else self._told.instance

    @property
    def isolation(self) -> str:
        """What the enclave says is around its process, and what is missing."""
        return "" if self._told is None else self._told.isolation

    @property
    def trusted(self) -> Trusted:
        """The functions of the enclave.

        Each raises ``Refusal`` with a declared word, ``CallDenied`` when it is not
        begun, ``BoundaryViolation`` when its arguments do not fit, and, once there is
        no enclave, ``EnclaveAborted`` or ``EnclaveDestroyed``.
        """
        return self._trusted

    async def initialize(self) -> None:
        """Bring the enclave up, up to where it can be told from others.

        Raises:
            WrongStage: it was before.
            EnclaveNotStarted: it has another interface, or refuses to begin.
            EnclaveAborted: it went wrong at once.
        """
        self._lifecycle.require(EnclaveStage.CREATED)
        self._begun = asyncio.get_running_loop().create_future()
        await self._link.start(self)
        self._say(Initialize(schema=self._interface.schema_digest))
        try:
            async with asyncio.timeout(START_WAIT_S):
                self._told = await self._begun
        except TimeoutError:
            reason = f"no enclave after {START_WAIT_S:g} s"
            self._end(lambda: EnclaveNotStarted(reason))
            raise EnclaveNotStarted(reason) from None
        self._lifecycle.move(EnclaveStage.INITIALIZED)

    def run(self) -> None:
        """Start to serve calls.

        Raises:
            WrongStage: it is not initialised, or runs.
        """
        self._lifecycle.move(EnclaveStage.RUNNING)
        self._say(Run())

    def destroy(self) -> None:
        """Destroy the enclave, with all that it did not seal; once is enough."""
        if self._lost is None:
            reason = "the enclave is destroyed; create another"
            # Whatever it says from now on is not heard.
            self._lost = lambda: EnclaveDestroyed(reason)
            self._link.send([Destroy()])
            self._end(self._lost)

    # What the link tells.

    def effects_received(self, effects: Sequence[object], /) -> None:
        """Pass the enclave's messages to the calls that wait for them."""
        for effect in effects:
            if self._lost is None:
                self._hear(effect)

    def link_congested(self) -> None:
        """Go on: every call waits for its answer."""

    def link_cleared(self) -> None:
        """Go on."""

    def link_lost(self, reason: str) -> None:
        """Fail every waiting call: the enclave is gone."""
        if self._lost is not None:
            return
        aborted = self._aborted
        if aborted is not None:
            self._abort(aborted.reason, aborted.limit)
            return
        exit_code = getattr(self._link, "exit_code", None)
        self._abort(reason, None if exit_code is None else limit_of(exit_code))

    def _hear(self, effect: object) -> None:
        match effect:
            case Initialized():
                self._initialized(effect)
            case Aborted():
                # How the process ends says no more; but it is to have ended.
                self._aborted = effect
            case Ended():
                reason = effect.refusal or "it ended unasked"
                if self.stage is EnclaveStage.CREATED:
                    self._end(lambda: EnclaveNotStarted(reason))
                else:
                    self._abort(reason)
            case CallRefused() | Denied():
                self._answered(effect.call, effect)
            case _:
                message = cast("Any", effect)
                if type(effect) in self._answers:
                    self._answered(message.number, effect)
                else:
                    self._asked(message)

    def _initialized(self, effect: Initialized) -> None:
        own = self._interface.schema_digest
        if effect.schema != own:
            reason = (
                f"the enclave's interface is {effect.schema:.64}, "
                f"the host's is {self._interface.name} {own}"
            )
            self._end(lambda: EnclaveNotStarted(reason))
        elif self._begun is not None and not self._begun.done():
            self._begun.set_result(effect)

    def _answered(self, call: int, effect: object) -> None:
        self._ocalls.answered(call)
        if (waiting := self._calls.get(call)) is not None:
            waiting.put_nowait(effect)

    def _asked(self, ocall: Any) -> None:  # noqa: ANN401  # made of the interface
        if (waiting := self._calls.get(ocall.of)) is not None:
            self._ocalls.begin(ocall.number)
            waiting.put_nowait(ocall)
        else:
            # The caller has given up; the enclave must not wait for ever.
            self._say(OcallFailed(ocall=ocall.number, word=None))

    def _abort(self, reason: str, limit: ResourceLimit | None = None) -> None:
        self._end(lambda: EnclaveAborted(reason, limit))

    def _end(self, error: Callable[[], CcfpyError]) -> None:
        self._lost = error
        self._lifecycle.end()
        self._link.stop()
        if self._begun is not None and not self._begun.done():
            self._begun.set_exception(error())
        for waiting in self._calls.values():
            waiting.put_nowait(error())

    # Calls.

    def _say(self, message: object) -> None:
        if self._lost is None:
            self._link.send([message])

    async def _call(self, bound: Bound, arguments: object) -> object:
        if self._lost is not None:
            raise self._lost()
        self._lifecycle.require(EnclaveStage.RUNNING)
        number = self._last_call + 1
        of = self._ocalls.current
        message = bound.call(number=number, of=of, arguments=arguments)
        message = copied(self._interface.events, message)
        self._last_call = number
        waiting = self._calls[number] = asyncio.Queue()
        failed: Exception | None = None
        try:
            self._ocalls.call(number, of)
            self._say(message)
            while type(said := await waiting.get()) in self._services:
                failed = await self._serve(said) or failed
        finally:
            del self._calls[number]
            while not waiting.empty():
                self._give_up(waiting.get_nowait())
        return self._outcome(bound, said, failed)

    def _give_up(self, said: object) -> None:
        if type(said) in self._services:
            number: int = cast("Any", said).number
            self._ocalls.end(number, OcallFailed(ocall=number, word=None))

    def _outcome(self, bound: Bound, said: object, failed: Exception | None) -> object:
        if isinstance(said, CcfpyError):
            raise said from failed
        if isinstance(said, Denied):
            raise CallDenied(bound.function.name, said.denial)
        if isinstance(said, CallRefused) and said.word in bound.function.refusals:
            raise Refusal(said.word)
        if type(said) is not bound.answer:
            self._abort(
                f"the enclave answers something else than {bound.function.name}"
            )
        if self._lost is not None:
            raise self._lost()
        return getattr(cast("Any", said).result, "result", None)

    async def _serve(self, ocall: object) -> Exception | None:
        """Do what the enclave asks within a call; give the error if that fails."""
        message = cast("Any", ocall)
        bound, service = self._services[type(ocall)]
        answer: object = OcallFailed(ocall=message.number, word=None)
        try:
            with self._ocalls.serving(message.number):
                given = {
                    name: getattr(message.arguments, name)
                    for name in bound.function.parameters
                }
                value = await service(**given)
            answer = self._answer(bound, message.number, value)
        except Refusal as refusal:
            if refusal.word not in bound.function.refusals:
                return refusal
            answer = OcallFailed(ocall=message.number, word=refusal.word)
        except Exception as error:  # noqa: BLE001  # whatever a service may raise
            return error
        finally:
            self._ocalls.end(message.number, answer)
        return None

    def _answer(self, bound: Bound, number: int, value: object) -> object:
        given = {"result": value} if bound.function.has_result else {}
        answer = bound.answer(number=number, result=bound.function.result(**given))
        return copied(self._interface.events, answer)


class _Functions:
    """The trusted side of an interface, as something whose methods are awaited."""

    def __init__(
        self,
        functions: tuple[Bound, ...],
        call: Callable[[Bound, object], Awaitable[object]],
    ) -> None:
        for bound in functions:
            setattr(self, bound.function.name, _caller(bound, call))


def _caller(
    bound: Bound, call: Callable[[Bound, object], Awaitable[object]]
) -> Callable[..., Awaitable[object]]:
    async def function(*values: object, **named: object) -> object:
        return await call(bound, bound.gathered(values, named))

    return function


def enclave_process(
    program: Path | str, interface: Interface[Any, Any]
) -> EnclaveProcess[object, object]:
    """Return an enclave's process, to be started."""
    return EnclaveProcess(
        lambda ends: python_command(
            "-m",
            TOOLKIT_MODULE,
            "--enclave",
            str(program),
            "--channel",
            *map(str, ends),
        ),
        events=interface.events,
        effects=interface.effects,
    )


@contextlib.asynccontextmanager
async def hosted(
    program: Path | str,
    interface: Interface[Trusted, Untrusted],
    services: Untrusted,
) -> AsyncIterator[HostedEnclave[Trusted, Untrusted]]:
    """Run an enclave in a process of its own until the end of the block.

    Args:
        program: the file or package that is the enclave.
        interface: what it and this host may call on each other.
        services: the untrusted side: what the enclave may ask.

    Raises:
        EnclaveNotStarted: it cannot be found, has another interface, or refuses.
        EnclaveAborted: it went wrong at once.
    """
    enclave = HostedEnclave(interface, services, enclave_process(program, interface))
    try:
        await enclave.initialize()
        enclave.run()
        yield enclave
    finally:
        enclave.destroy()
