"""An interface: messages that follow from two classes, and a text that describes them.

Each function has one message for the call and one for the answer. An undeclared
function has no number, so nobody can call it. Arguments that are too many, too few, too
large or of another type are violations of the boundary. A sender checks a message as
the receiver will, and sends the copy that it checked.

The most bytes that values of a type take on the wire.

An answer that is no result: the caller's mistake, by a word that was declared.

What a host says the time is, as a type that cannot be mistaken for the time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, make_dataclass
from enum import StrEnum
from functools import cached_property
from inspect import Parameter, Signature
from types import NoneType
from typing import Generic, TypeVar, get_args, get_origin

from ccfpy.base.errors import CcfpyError
from ccfpy.base.limits import FRAME_BYTES_MAX, MIB
from ccfpy.boundary.schema import describe_messages, record_parts
from ccfpy.boundary.shape import BoundaryViolation, parted
from ccfpy.boundary.wire import HEADER_BYTES, Vocabulary
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.toolkit.interfaces import messages
from ccfpy.toolkit.interfaces.declared import (
    FUNCTIONS_MAX,
    Function,
    InterfaceRefused,
    functions_of,
)

INTEGER_BYTES_MAX = 9
HEAD_BYTES_MAX = 5
"""What msgpack puts before a text, bytes or a list."""
CHARACTER_BYTES_MAX = 4


def bytes_max(kind: object) -> int:
    """Return the most bytes that a value of a bounded type takes on the wire."""
    kind, bound = parted(kind)
    most = 0 if bound is None else bound.count
    if isinstance(kind, type):
        return _plain_bytes_max(kind, most)
    arguments = [part for part in get_args(kind) if part is not NoneType]
    if get_origin(kind) is not tuple:
        return bytes_max(arguments[0])
    if arguments[-1] is ...:
        return HEAD_BYTES_MAX + most * bytes_max(arguments[0])
    return HEAD_BYTES_MAX + sum(map(bytes_max, arguments))


def _plain_bytes_max(kind: type, most: int) -> int:
    if kind is bool:
        return 1
    if kind is int:
        return INTEGER_BYTES_MAX
    if kind is bytes:
        return HEAD_BYTES_MAX + most
    if issubclass(kind, StrEnum):
        return HEAD_BYTES_MAX + max(len(str(member).encode()) for member in kind)
    if kind is str:
        return HEAD_BYTES_MAX + CHARACTER_BYTES_MAX * most
    return HEAD_BYTES_MAX + sum(bytes_max(part) for _, part in record_parts(kind))


CALL_BYTES_MAX = 1 * MIB
"""Of the arguments of one call, or its result, unless the interface says otherwise."""
OVERHEAD_BYTES = 1024
"""Of a message around them, and of any that is not of a function."""

Trusted = TypeVar("Trusted")
Untrusted = TypeVar("Untrusted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A function with its place in the messages of its interface.

    Attributes:
        call: the class of the message that calls it; its fields are the number, a
            second number that it has to do with, and the arguments.
        answer: of the message that answers; its fields are the number and the result.
    """

    function: Function
    call: type
    answer: type

    def gathered(self, values: Sequence[object], named: Mapping[str, object]) -> object:
        """Make the record of the arguments that somebody passes.

        Raises:
            TypeError: there are too many, too few, or others.
        """
        parameters = [
            Parameter(name, Parameter.POSITIONAL_OR_KEYWORD)
            for name in self.function.parameters
        ]
        passed = Signature(parameters).bind(*values, **named).arguments
        record: object = self.function.arguments(**passed)
        return record


class Interface(Generic[Trusted, Untrusted]):
    """What one kind of enclave and its host may call on each other.

    Args:
        name: by which people know it.
        trusted: a class of what the host may ask of the enclave.
        untrusted: a class of what the enclave may ask of the host.
        call_bytes_max: of the arguments of one call, or of its result.

    Raises:
        InterfaceRefused: the classes are no interface, or a call could be larger.
    """

    def __init__(
        self,
        name: str,
        *,
        trusted: Callable[..., Trusted],
        untrusted: Callable[..., Untrusted],
        call_bytes_max: int = CALL_BYTES_MAX,
    ) -> None:
        if not 0 < call_bytes_max <= FRAME_BYTES_MAX - OVERHEAD_BYTES:
            raise InterfaceRefused(
                f"{name}: calls of at most {call_bytes_max} bytes, where "
                f"1 to {FRAME_BYTES_MAX - OVERHEAD_BYTES} can be"
            )
        self.name = name
        self.call_bytes_max = call_bytes_max
        self.trusted = tuple(map(_bound, functions_of(trusted)))
        self.untrusted = tuple(map(_bound, functions_of(untrusted)))
        self._check_sizes()
        self._check_marks()

    @property
    def frame_bytes_max(self) -> int:
        """The most that either side says at once."""
        return self.call_bytes_max + OVERHEAD_BYTES

    @cached_property
    def events(self) -> Vocabulary[object]:
        """All that the host may say to the enclave."""
        return Vocabulary(self._kinds(messages.EVENT_KINDS, of_calls=True))

    @cached_property
    def effects(self) -> Vocabulary[object]:
        """All that the enclave may say to the host."""
        return Vocabulary(self._kinds(messages.EFFECT_KINDS, of_calls=False))

    @cached_property
    def schema(self) -> str:
        """The whole interface as text: another text is another interface."""
        lines = [
            f"interface {self.name}",
            f"call bytes at most {self.call_bytes_max}",
            *(f"trusted {bound.function.line}" for bound in self.trusted),
            *(f"untrusted {bound.function.line}" for bound in self.untrusted),
        ]
        # The numbers are part of it: they are what is said.
        events = describe_messages(self._kinds(messages.EVENT_KINDS, of_calls=True))
        effects = describe_messages(self._kinds(messages.EFFECT_KINDS, of_calls=False))
        return "\n".join(lines) + f"\nevents\n{events}effects\n{effects}"

    @cached_property
    def schema_digest(self) -> str:
        """Hex SHA-256 of the schema."""
        return sha256_hex(self.schema.encode())

    def _kinds(self, fixed: Mapping[int, type], *, of_calls: bool) -> dict[int, type]:
        kinds = dict(fixed)
        for start, side, is_called in (
            (messages.TRUSTED_START, self.trusted, of_calls),
            (messages.UNTRUSTED_START, self.untrusted, not of_calls),
        ):
            for number, bound in enumerate(side, start):
                kinds[number] = bound.call if is_called else bound.answer
        return kinds

    def _check_sizes(self) -> None:
        for bound in (*self.trusted, *self.untrusted):
            name = bound.function.name
            for kind in (bound.function.arguments, bound.function.result):
                if (most := bytes_max(kind)) > self.call_bytes_max:
                    raise InterfaceRefused(
                        f"{self.name}: a call of {name} may take {most} bytes, more "
                        f"than the {self.call_bytes_max} allowed; bound its parts"
                    )

    def _check_marks(self) -> None:
        trusted = {bound.function.name for bound in self.trusted}
        allowed: set[str] = set()
        for bound in self.untrusted:
            function = bound.function
            if unknown := set(function.allowed) - trusted:
                raise InterfaceRefused(
                    f"{self.name}: {function.name} allows what is not declared: "
                    f"{', '.join(sorted(unknown))}"
                )
            if function.is_only_within:
                raise InterfaceRefused(
                    f"{self.name}: {function.name} is the host's, which is within none"
                )
            allowed |= set(function.allowed)
        for bound in self.trusted:
            function = bound.function
            if function.allowed:
                raise InterfaceRefused(
                    f"{self.name}: {function.name} is the enclave's, which allows none"
                )
            if function.is_only_within and function.name not in allowed:
                raise InterfaceRefused(
                    f"{self.name}: nothing allows {function.name}, "
                    "so that it could never be called"
                )


def copied(vocabulary: Vocabulary[object], message: object) -> object:
    """Return the copy of a message that its receiver will decode.

    Raises:
        BoundaryViolation: they would refuse it, or would see something else.
    """
    name = type(message).__name__
    try:
        body = vocabulary.encode([message])[HEADER_BYTES:]
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, BoundaryViolation):
            raise
        raise BoundaryViolation(
            f"{name}: a value without a form on the wire ({type(error).__name__})"
        ) from None
    (copy,) = vocabulary.decode(body)
    if copy != message:
        raise BoundaryViolation(f"{name}: a value that is not of its type")
    return copy


def _bound(function: Function) -> Bound:
    assert FUNCTIONS_MAX <= messages.UNTRUSTED_START - messages.TRUSTED_START
    call = [("number", int), ("of", int), ("arguments", function.arguments)]
    answer = [("number", int), ("result", function.result)]
    return Bound(
        function=function,
        call=make_dataclass(function.name, call, frozen=True, kw_only=True),
        answer=make_dataclass(function.name, answer, frozen=True, kw_only=True),
    )


class Refusal(CcfpyError):
    """A function refuses a call, for a reason that its interface names.

    The function has done nothing, or its work is complete. Only the word crosses the
    boundary: there is no text that could carry a secret.
    """

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True, slots=True, kw_only=True)
class UntrustedTime:
    """A host's claim about the time: it may be early, late, or the same for ever.

    The value is not a number, and has no order: code that decides by the time must name
    ``claimed_unix_us``.

    Attributes:
        claimed_unix_us: microseconds since 1970.
    """

    claimed_unix_us: int
