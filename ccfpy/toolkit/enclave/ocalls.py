"""The host as code in an enclave sees it: functions to await, and no more.

What comes back has the form that the interface says, and nothing else is known of it:
the host may have made it up. A function whose host fails is told so and may go on; one
that does not expect it ends the enclave, as any defect does.
"""

from collections.abc import Callable, Generator
from typing import Any

from ccfpy.base.errors import CcfpyError
from ccfpy.toolkit.interfaces.interface import Bound


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
