"""A machine for classic BPF, as far as filters of system calls use it.

It is stricter than the kernel's: whatever is not expected of such a program fails.
"""

from collections.abc import Sequence

from ccfpy.enclave.isolation.seccomp import (
    AND,
    ARCHITECTURE_AT,
    ARGUMENTS_AT,
    JUMP,
    JUMP_IF_EQUAL,
    JUMP_IF_NOT_LESS,
    LOAD,
    NUMBER_AT,
    RETURN,
    Instruction,
)

WORD = 0xFFFFFFFF


def run(
    program: Sequence[Instruction],
    *,
    number: int,
    architecture: int = 0,
    arguments: Sequence[int] = (),
) -> tuple[int, int]:
    """Return a program's answer to one call, and the instructions it took."""
    data = {NUMBER_AT: number & WORD, ARCHITECTURE_AT: architecture}
    for index in range(6):
        value = arguments[index] if index < len(arguments) else 0
        data[ARGUMENTS_AT + 8 * index] = value & WORD
        data[ARGUMENTS_AT + 8 * index + 4] = value >> 32 & WORD
    accumulator, place = 0, 0
    for taken in range(1, len(program) + 1):
        code, k, if_true, if_false = program[place]
        assert 0 <= k <= WORD
        assert 0 <= if_true <= 255
        assert 0 <= if_false <= 255
        place += 1
        if code == LOAD:
            accumulator = data[k]
        elif code == AND:
            accumulator &= k
        elif code == JUMP:
            place += k
        elif code == JUMP_IF_EQUAL:
            place += if_true if accumulator == k else if_false
        elif code == JUMP_IF_NOT_LESS:
            place += if_true if accumulator >= k else if_false
        else:
            assert code == RETURN
            return k, taken
    raise AssertionError("the program does not end")
