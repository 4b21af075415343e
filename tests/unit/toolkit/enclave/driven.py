"""An enclave whose host is a test: it says what it likes, and sees what is said."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from ccfpy.enclave.platforms.simulated import SimulatedPlatform
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.toolkit.enclave import Enclave, HostFailed, Limits, Surroundings
from ccfpy.toolkit.enclave.dispatcher import Dispatcher
from ccfpy.toolkit.enclave.platform import EnclavePlatform
from ccfpy.toolkit.enclave.program import CallTimer, NoTimer
from ccfpy.toolkit.interfaces import (
    AtMost,
    Interface,
    Refusal,
    UntrustedTime,
    allows,
    only_within,
    refuses,
)
from ccfpy.toolkit.interfaces.interface import Bound
from ccfpy.toolkit.interfaces.messages import Initialize, Initialized, Run

Note = Annotated[bytes, AtMost(64)]


class Trusted(Protocol):
    """What the host may ask."""

    async def plain(self, number: int) -> int: ...

    async def keep(self, note: Note) -> int: ...

    @refuses("no", "not-now")
    async def refuse(self, word: Annotated[str, AtMost(16)]) -> None: ...

    async def cope(self) -> Annotated[str, AtMost(64)]: ...

    async def misbehave(self, how: Annotated[str, AtMost(32)]) -> int: ...

    @only_within
    async def confirm(self, note: Note) -> int: ...

    async def confirm_all(self) -> int: ...

    async def when(self) -> UntrustedTime: ...


class Host(Protocol):
    """What the enclave may ask."""

    @allows("confirm", "confirm_all")
    @refuses("full")
    async def store(self, note: Note) -> int: ...

    async def now(self) -> UntrustedTime: ...


INTERFACE: Interface[Trusted, Host] = Interface(
    "driven", trusted=Trusted, untrusted=Host
)


class _Elsewhere:
    def __await__(self) -> Any:  # noqa: ANN401  # no type that an enclave knows
        yield "something else"


class Code:
    """Functions for each thing that code may do, right or wrong."""

    def __init__(self, around: Surroundings[Host]) -> None:
        self._host = around.host
        self._random = around.entropy.random_bytes
        self.confirmed = 0

    async def plain(self, number: int) -> int:
        return number + 1

    async def keep(self, note: Note) -> int:
        return await self._host.store(note)

    async def refuse(self, word: str) -> None:
        raise Refusal(word)

    async def cope(self) -> str:
        try:
            return str(await self._host.store(b""))
        except HostFailed as failed:
            return f"{failed} ({failed.word})"

    async def misbehave(self, how: str) -> int:  # noqa: C901, PLR0911, PLR0912  # one a way
        match how:
            case "defect":
                raise ValueError(f"a secret: {self._random(4)!r}")
            case "wrong type":
                return "text"  # type: ignore[return-value]  # wrong on purpose
            case "out of range":
                return -1
            case "nothing":
                return None  # type: ignore[return-value]  # wrong on purpose
            case "large ocall":
                return await self._host.store(bytes(65))
            case "wrong ocall":
                return await self._host.store("text")  # type: ignore[arg-type]  # wrong on purpose
            case "no such ocall":
                return await self._host.fetch()  # type: ignore[attr-defined,no-any-return]  # wrong on purpose
            case "exit":
                raise SystemExit(0)
            case "interrupt":
                raise KeyboardInterrupt
            case "await elsewhere":
                await _Elsewhere()
            case "after the host":
                await self._host.now()
                raise ValueError("a secret")
            case "unexpected failure":
                await self._host.now()
            case _:
                raise AssertionError(how)
        return 0

    async def confirm(self, note: Note) -> int:
        self.confirmed += len(note)
        return self.confirmed

    async def confirm_all(self) -> int:
        return await self._host.store(b"all")

    async def when(self) -> UntrustedTime:
        return await self._host.now()


def enclave(**limits: Any) -> Enclave[Trusted, Host]:  # noqa: ANN401  # those of Limits
    return Enclave(interface=INTERFACE, code=Code, limits=Limits(**limits))


@dataclass
class Driven:
    """A dispatcher, and all that it has said."""

    enclave: Enclave[Any, Any] = field(default_factory=enclave)
    timer: CallTimer = field(default_factory=NoTimer)
    beneath: SimulatedPlatform | None = None
    said: list[object] = field(default_factory=list)
    last: int = 0

    def __post_init__(self) -> None:
        self.dispatcher = Dispatcher(
            self.enclave,
            entropy=SeededEntropy(1),
            timer=self.timer,
            platform=EnclavePlatform(self.beneath, SeededEntropy(2)),
            isolation="none: a test",
        )

    @property
    def interface(self) -> Interface[Any, Any]:
        return self.enclave.interface

    def say(self, *messages: object) -> list[Any]:
        said = self.dispatcher.step(messages)
        self.said += said
        return list(said)

    def begin(self) -> "Driven":
        schema = self.interface.schema_digest
        (begun,) = self.say(Initialize(schema=schema))
        assert isinstance(begun, Initialized)
        assert self.say(Run()) == []
        return self

    def trusted(self, name: str) -> Bound:
        return _named(self.interface.trusted, name)

    def untrusted(self, name: str) -> Bound:
        return _named(self.interface.untrusted, name)

    def calling(
        self,
        name: str,
        *values: object,
        of: int = 0,
        number: int | None = None,
    ) -> object:
        bound = self.trusted(name)
        self.last = self.last + 1 if number is None else number
        arguments = bound.gathered(values, {})
        message: object = bound.call(number=self.last, of=of, arguments=arguments)
        return message

    def call(self, name: str, *values: object, of: int = 0) -> list[Any]:
        return self.say(self.calling(name, *values, of=of))

    def result(self, name: str, number: int, *value: object) -> object:
        bound = self.trusted(name)
        result = bound.function.result(**({"result": value[0]} if value else {}))
        message: object = bound.answer(number=number, result=result)
        return message

    def asking(self, name: str, number: int, of: int, *values: object) -> object:
        bound = self.untrusted(name)
        arguments = bound.gathered(values, {})
        message: object = bound.call(number=number, of=of, arguments=arguments)
        return message

    def answering(self, name: str, number: int, *value: object) -> object:
        bound = self.untrusted(name)
        result = bound.function.result(**({"result": value[0]} if value else {}))
        message: object = bound.answer(number=number, result=result)
        return message


def _named(side: Sequence[Bound], name: str) -> Bound:
    (found,) = (bound for bound in side if bound.function.name == name)
    return found
