"""Programs of classic BPF that decide about system calls.

A filter sees the number, the processor's kind and the arguments of a call (``struct
seccomp_data``), and answers with an action. What is here turns a table of numbers into
such a program: a search by halves, so that the last number is found as fast as the
first. Since Linux 5.11 the kernel notes once which numbers are always allowed, and runs
no program for them.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

LOAD: Final = 0x20
"""The accumulator becomes the word at ``k`` of the data."""
AND: Final = 0x54
JUMP: Final = 0x05
JUMP_IF_EQUAL: Final = 0x15
JUMP_IF_NOT_LESS: Final = 0x35
RETURN: Final = 0x06

NUMBER_AT: Final = 0
ARCHITECTURE_AT: Final = 4
ARGUMENTS_AT: Final = 16
_ARGUMENT_BYTES = 8
_WORD_BYTES = 4

WORD: Final = 0xFFFFFFFF
FAR: Final = 255
"""How far a conditional jump reaches."""
PROGRAM_MAX: Final = 4096
"""Instructions that the kernel takes."""


class Instruction(NamedTuple):
    """One instruction: jumps count from the next one."""

    code: int
    k: int
    if_true: int = 0
    if_false: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """An argument, masked, is a value; all of 64 bits, which processors give in halves.

    Attributes:
        argument: its place, from 0.
    """

    argument: int
    mask: int
    value: int


@dataclass(frozen=True, slots=True)
class Guarded:
    """An action where conditions hold, all of them, and another where they do not."""

    conditions: Sequence[Condition]
    then: int
    otherwise: int


Rule: TypeAlias = "int | Guarded"
"""What to answer for a number: an action, or one that depends on arguments."""


def assemble(
    rules: Mapping[int, Rule], *, otherwise: int, beyond: tuple[int, int]
) -> list[Instruction]:
    """Make the part of a program that decides by number.

    Args:
        rules: by number.
        otherwise: what is answered for numbers that are not among them.
        beyond: from which number on another action is answered, and which.
    """
    end, last = beyond
    starts: list[tuple[int, Rule]] = [(0, otherwise)]
    for number, rule in sorted(rules.items()):
        assert 0 <= number < end, f"no number of a call: {number}"
        _begin(starts, number, rule)
        _begin(starts, number + 1, otherwise)
    _begin(starts, end, last)
    return [Instruction(LOAD, NUMBER_AT), *_search(starts)]


def only_on(
    architecture: int, program: Sequence[Instruction], *, otherwise: int
) -> list[Instruction]:
    """Make a program answer for one kind of processor, whose numbers it has."""
    return [
        Instruction(LOAD, ARCHITECTURE_AT),
        Instruction(JUMP_IF_EQUAL, architecture, if_true=1),
        Instruction(RETURN, otherwise),
        *program,
    ]


def encode(program: Sequence[Instruction]) -> bytes:
    """Write a program as an array of ``struct sock_filter``."""
    assert len(program) <= PROGRAM_MAX, "the kernel takes no longer one"
    return b"".join(
        struct.pack("=HBBI", code, if_true, if_false, k)
        for code, k, if_true, if_false in program
    )


def _begin(starts: list[tuple[int, Rule]], number: int, rule: Rule) -> None:
    """From a number on there is another rule; neighbours with the same are one."""
    if starts[-1][0] == number:
        del starts[-1]
    if not starts or starts[-1][1] != rule:
        starts.append((number, rule))


def _search(starts: Sequence[tuple[int, Rule]]) -> list[Instruction]:
    if len(starts) == 1:
        return _answer(starts[0][1])
    middle = len(starts) // 2
    below, above = _search(starts[:middle]), _search(starts[middle:])
    number = starts[middle][0]
    if len(below) <= FAR:
        jump = [Instruction(JUMP_IF_NOT_LESS, number, if_true=len(below))]
    else:
        jump = [
            Instruction(JUMP_IF_NOT_LESS, number, if_false=1),
            Instruction(JUMP, len(below)),
        ]
    return [*jump, *below, *above]


def _answer(rule: Rule) -> list[Instruction]:
    if isinstance(rule, int):
        return [Instruction(RETURN, rule)]
    steps = [step for condition in rule.conditions for step in _steps(condition)]
    # Each comparison that fails jumps behind all others and the answer after them.
    checked = [
        step._replace(if_false=len(steps) - place)
        if step.code == JUMP_IF_EQUAL
        else step
        for place, step in enumerate(steps)
    ]
    return [
        *checked,
        Instruction(RETURN, rule.then),
        Instruction(RETURN, rule.otherwise),
    ]


def _steps(condition: Condition) -> list[Instruction]:
    """Compare the low half and the high one, as far as they are asked about."""
    steps = []
    for half in range(2):
        shift = 32 * half
        mask = condition.mask >> shift & WORD
        if not mask:
            continue
        place = condition.argument * _ARGUMENT_BYTES + half * _WORD_BYTES
        steps.append(Instruction(LOAD, ARGUMENTS_AT + place))
        if mask != WORD:
            steps.append(Instruction(AND, mask))
        steps.append(Instruction(JUMP_IF_EQUAL, condition.value >> shift & WORD))
    return steps
