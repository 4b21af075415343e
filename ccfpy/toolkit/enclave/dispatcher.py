"""Turns calls into the author's functions and their results into answers, in steps.

It is a state machine like a node: messages in, messages out, no I/O. A function is a
coroutine that runs until it answers or asks the host something; in between, others may
run as far as the limits allow. The rules:

1. Stages come in their order. What is said at another stage is a violation.
2. Calls beyond ``calls_at_once_max`` wait, and beyond ``calls_waiting_max`` are denied.
3. While the host serves the enclave's call, it may call what that function allows, and
   that alone: nothing else gets in between a function and its answer.
4. A function answers with a result or a refusal that its interface declares. Anything
   else is a defect: it leaves this class, and the enclave ends without an answer.

The host as code in an enclave sees it: functions to await, and no more.

What comes back has the form that the interface says, and nothing else is known of it:
the host may have made it up. A function whose host fails is told so and may go on; one
that does not expect it ends the enclave, as any defect does.
"""

import inspect
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ports import Entropy
from ccfpy.boundary.lifecycle import EnclaveStage, Lifecycle
from ccfpy.boundary.shape import BoundaryViolation
from ccfpy.enclave.loop import Defect
from ccfpy.toolkit.enclave.platform import EnclavePlatform
from ccfpy.toolkit.enclave.program import CallTimer, Enclave, Surroundings, call_seconds
from ccfpy.toolkit.interfaces.interface import Bound, Refusal, copied
from ccfpy.toolkit.interfaces.messages import (
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


class HostFailed(CcfpyError):
    """The host did not perform a call.

    Attributes:
        word: the word by which the host refused, of those that the function declares;
            nothing if the host failed in another way.
    """

    def __init__(self, function: str, word: str | None) -> None:
        said = "failed" if word is None else f"refused: {word}"
        super().__init__(f"the host's {function} {said}")
        self.word = word


class Ocall:
    """One call of the host: awaited by the code, made by the dispatcher.

    Attributes:
        bound: the function.
        arguments: for it, as they were given.
    """

    __slots__ = ("arguments", "bound")

    def __init__(self, bound: Bound, arguments: object) -> None:
        self.bound = bound
        self.arguments = arguments

    def __await__(self) -> Generator["Ocall", object, object]:
        """Wait until the dispatcher sends the host's answer in."""
        return (yield self)


class HostStubs:
    """The untrusted side of an interface, as something whose methods are awaited."""

    def __init__(self, functions: tuple[Bound, ...]) -> None:
        for bound in functions:
            setattr(self, bound.function.name, _stub(bound))


def _stub(bound: Bound) -> Callable[..., Any]:
    async def call(*values: object, **named: object) -> object:
        return await Ocall(bound, bound.gathered(values, named))

    return call


INSTANCE_BYTES = 16

Running: TypeAlias = Coroutine[Any, Any, object]
Message: TypeAlias = Any
"""A call or an answer, of a class that its interface made."""


@dataclass(slots=True, kw_only=True)
class _Call:
    """One call that has begun.

    Attributes:
        within: the ocall whose service it belongs to; 0 for none.
        depth: how many services it is within.
        ocall: that it waits for; 0 while it runs.
        inner: calls within that ocall that are not answered yet.
    """

    number: int
    bound: Bound
    within: int
    depth: int
    running: Running
    left_s: float
    ocall: int = 0
    asked: Bound | None = None
    inner: int = 0


class Dispatcher:
    """One enclave, from its creation to its end.

    Args:
        enclave: the enclave's definition.
        entropy: the source of randomness for the instance and its code.
        timer: limits the processor time of calls.
        platform: the machine beneath.
        isolation: the layers around its process, reported to its host.
    """

    def __init__(
        self,
        enclave: Enclave[Any, Any],
        *,
        entropy: Entropy,
        timer: CallTimer,
        platform: EnclavePlatform,
        isolation: str,
    ) -> None:
        self._isolation = isolation
        self._enclave = enclave
        self._interface = enclave.interface
        self._entropy = entropy
        self._timer = timer
        self._platform = platform
        self._lifecycle = Lifecycle()
        self._calls_of = {it.call: it for it in enclave.interface.trusted}
        self._answers_of = {it.answer: it for it in enclave.interface.untrusted}
        self._functions: dict[str, Callable[..., Running]] = {}
        self._waiting: deque[Message] = deque()
        self._begun = 0
        self._serving: dict[int, _Call] = {}
        self._last_call = 0
        self._last_ocall = 0
        self._asked: list[object] = []

    @property
    def stage(self) -> EnclaveStage:
        """Where it is in its life."""
        return self._lifecycle.stage

    def step(self, events: Sequence[object]) -> list[object]:
        """Process events from the host, in order, and return the effects.

        Raises:
            BoundaryViolation: the host does not keep the rules.
            Exception: whatever the code's defect is; nothing may be said any more.
        """
        for event in events:
            self._take(event)
            if self._lifecycle.stage is EnclaveStage.DESTROYED:
                break
            self._begin_waiting()
        asked, self._asked = self._asked, []
        return asked

    def _take(self, event: object) -> None:
        match event:
            case Initialize():
                self._at(EnclaveStage.CREATED, event)
                self._initialize(event.schema)
            case Run():
                self._at(EnclaveStage.INITIALIZED, event)
                self._lifecycle.move(EnclaveStage.RUNNING)
            case Destroy():
                self._end(None)
            case OcallFailed():
                self._at(EnclaveStage.RUNNING, event)
                self._fail(event)
            case _:
                self._at(EnclaveStage.RUNNING, event)
                message = cast("Message", event)
                if (bound := self._calls_of.get(type(event))) is not None:
                    self._receive(bound, message)
                else:
                    self._answer(self._answers_of[type(event)], message)

    def _at(self, stage: EnclaveStage, event: object) -> None:
        if self._lifecycle.stage is not stage:
            raise BoundaryViolation(
                f"{type(event).__name__} to an enclave that is {self._lifecycle.stage}"
            )

    # The stages.

    def _initialize(self, schema: str) -> None:
        own = self._interface.schema_digest
        if schema != own:
            self._end(
                f"the host's interface is {schema:.64}, the enclave's is "
                f"{self._interface.name} {own}; build both from the same"
            )
            return
        instance = self._entropy.random_bytes(INSTANCE_BYTES)
        surroundings: Surroundings[Any] = Surroundings(
            host=HostStubs(self._interface.untrusted),
            entropy=self._entropy,
            instance=instance,
            platform=self._platform,
        )
        self._timer.begin(call_seconds(self._enclave.limits))
        try:
            code = self._enclave.code(surroundings)
        except CcfpyError as refusal:
            self._end(str(refusal))
            return
        finally:
            self._timer.pause()
        for bound in self._interface.trusted:
            name = bound.function.name
            function = getattr(code, name, None)
            if not inspect.iscoroutinefunction(function):
                raise Defect(f"its code has no {name} that is async def")
            self._functions[name] = function
        self._lifecycle.move(EnclaveStage.INITIALIZED)
        self._asked.append(
            Initialized(schema=own, instance=instance, isolation=self._isolation)
        )

    def _end(self, refusal: str | None) -> None:
        self._lifecycle.end()
        self._waiting.clear()
        serving, self._serving = self._serving, {}
        for call in serving.values():
            call.running.close()
        self._functions.clear()
        self._asked.append(Ended(refusal=refusal))

    # Calls of the host.

    def _receive(self, bound: Bound, message: Message) -> None:
        if message.number <= self._last_call:
            raise BoundaryViolation(
                f"a call numbered {message.number} after {self._last_call}"
            )
        self._last_call = message.number
        if message.of:
            self._receive_within(bound, message)
        elif bound.function.is_only_within:
            self._deny(message, Denial.ONLY_WITHIN)
        elif self._begun < self._enclave.limits.calls_at_once_max:
            self._begin(bound, message, depth=0)
        elif len(self._waiting) < self._enclave.limits.calls_waiting_max:
            self._waiting.append(message)
        else:
            self._deny(message, Denial.FULL)

    def _receive_within(self, bound: Bound, message: Message) -> None:
        outer = self._serving.get(message.of)
        if outer is None:
            raise BoundaryViolation(f"a call within {message.of}, which is not asked")
        assert outer.asked is not None, "it waits for an answer"
        if bound.function.name not in outer.asked.function.allowed:
            self._deny(message, Denial.NOT_ALLOWED)
        elif outer.depth >= self._enclave.limits.calls_within_max:
            self._deny(message, Denial.TOO_DEEP)
        else:
            outer.inner += 1
            self._begin(bound, message, depth=outer.depth + 1)

    def _deny(self, message: Message, denial: Denial) -> None:
        self._asked.append(Denied(call=message.number, denial=denial))

    def _begin(self, bound: Bound, message: Message, *, depth: int) -> None:
        function = self._functions[bound.function.name]
        arguments = {
            name: getattr(message.arguments, name) for name in bound.function.parameters
        }
        call = _Call(
            number=message.number,
            bound=bound,
            within=message.of,
            depth=depth,
            running=function(**arguments),
            left_s=call_seconds(self._enclave.limits),
        )
        if not call.within:
            self._begun += 1
        self._resume(call, lambda: call.running.send(None))

    def _resume(self, call: _Call, go_on: Callable[[], object]) -> None:
        name = call.bound.function.name
        try:
            asked = self._timed(call, go_on)
        except StopIteration as done:
            self._finish(call, self._result(call.bound, call.number, done.value))
        except Refusal as refusal:
            if refusal.word not in call.bound.function.refusals:
                raise Defect(f"{name} refuses by an undeclared word") from None
            self._finish(call, CallRefused(call=call.number, word=refusal.word))
        except (GeneratorExit, KeyboardInterrupt, SystemExit):
            raise Defect(f"{name} asks to exit") from None
        else:
            if not isinstance(asked, Ocall):
                raise Defect(f"{name} awaits something else than the host")
            self._ask(call, asked)

    def _timed(self, call: _Call, go_on: Callable[[], object]) -> object:
        self._timer.begin(call.left_s)
        try:
            return go_on()
        finally:
            call.left_s = self._timer.pause()

    def _result(self, bound: Bound, number: int, value: object) -> object:
        given = {"result": value} if bound.function.has_result else {}
        if value is not None and not given:
            raise Defect(f"{bound.function.name} answers where nothing is declared")
        answer = bound.answer(number=number, result=bound.function.result(**given))
        return copied(self._interface.effects, answer)

    def _finish(self, call: _Call, answer: object) -> None:
        self._asked.append(answer)
        if call.within:
            self._serving[call.within].inner -= 1
            return
        self._begun -= 1

    def _begin_waiting(self) -> None:
        while self._waiting and self._begun < self._enclave.limits.calls_at_once_max:
            message = self._waiting.popleft()
            self._begin(self._calls_of[type(message)], message, depth=0)

    # Calls on the host.

    def _ask(self, call: _Call, asked: Ocall) -> None:
        self._last_ocall += 1
        message = asked.bound.call(
            number=self._last_ocall, of=call.number, arguments=asked.arguments
        )
        self._asked.append(copied(self._interface.effects, message))
        call.ocall, call.asked, call.inner = self._last_ocall, asked.bound, 0
        self._serving[self._last_ocall] = call

    def _answer(self, bound: Bound, message: Message) -> None:
        call = self._served(message.number)
        if call.asked is not bound:
            raise BoundaryViolation(f"{bound.function.name} answers another function")
        call.asked = None
        given = getattr(message.result, "result", None)
        self._resume(call, lambda: call.running.send(given))

    def _fail(self, event: OcallFailed) -> None:
        call = self._served(event.ocall)
        bound, call.asked = call.asked, None
        assert bound is not None, "it waited for an answer"
        function = bound.function
        if event.word is not None and event.word not in function.refusals:
            raise BoundaryViolation(f"{function.name} refuses by an undeclared word")
        failed = HostFailed(function.name, event.word)
        self._resume(call, lambda: call.running.throw(failed))

    def _served(self, ocall: int) -> _Call:
        call = self._serving.get(ocall)
        if call is None:
            raise BoundaryViolation(f"an answer to {ocall}, which is not asked")
        if call.inner:
            raise BoundaryViolation(f"an answer to {ocall} before those within it")
        del self._serving[ocall]
        call.ocall = 0
        return call
