"""Tables become programs that answer as the tables do."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.enclave.isolation.seccomp import (
    Condition,
    Guarded,
    Instruction,
    Rule,
    assemble,
    encode,
    only_on,
)
from tests.unit.enclave.isolation.machine import run

ALL = (1 << 64) - 1
OTHERWISE, BEYOND, ELSEWHERE = 1000, 2000, 3000
END = 600

words = st.integers(0, ALL)
conditions = st.builds(
    lambda argument, mask, value: Condition(argument, mask, value & mask),
    st.integers(0, 5),
    words,
    words,
)
rules: st.SearchStrategy[Rule] = st.integers(0, 3) | st.builds(
    Guarded, st.lists(conditions, max_size=3).map(tuple), st.just(4), st.just(5)
)
tables = st.dictionaries(st.integers(0, END - 1), rules, max_size=60)


def asked(table: dict[int, Rule], number: int, arguments: list[int]) -> int:
    """Look an answer up in the table itself."""
    if number >= END:
        return BEYOND
    rule = table.get(number, OTHERWISE)
    if isinstance(rule, int):
        return rule
    holds = all(arguments[c.argument] & c.mask == c.value for c in rule.conditions)
    return rule.then if holds else rule.otherwise


@pytest.mark.slow
@given(tables, st.data())
def test_a_program_answers_as_its_table(
    table: dict[int, Rule], data: st.DataObject
) -> None:
    program = assemble(table, otherwise=OTHERWISE, beyond=(END, BEYOND))
    near = [n + d for n in table for d in (-1, 0, 1) if n + d >= 0]
    for number in [0, END - 1, END, END + 1, 0xFFFFFFFF, *near]:
        arguments = data.draw(st.lists(words, min_size=6, max_size=6))
        rule = table.get(number)
        if isinstance(rule, Guarded) and data.draw(st.booleans()):
            for c in rule.conditions:
                arguments[c.argument] = arguments[c.argument] & ~c.mask | c.value
        answer, _ = run(program, number=number, arguments=arguments)
        assert answer == asked(table, number, arguments)


def test_the_last_number_is_found_about_as_fast_as_the_first() -> None:
    table: dict[int, Rule] = {number: number for number in range(0, 512, 2)}
    program = assemble(table, otherwise=OTHERWISE, beyond=(END, BEYOND))
    taken = [run(program, number=number)[1] for number in range(END + 1)]
    assert max(taken) <= 14  # ten comparisons, and as few far jumps


def test_neighbours_with_one_answer_cost_no_comparison() -> None:
    program = assemble(dict.fromkeys(range(100), 1), otherwise=2, beyond=(END, 2))
    assert len(program) == 4  # load, compare, two answers


def test_a_program_is_for_one_processor() -> None:
    program = only_on(7, assemble({}, otherwise=1, beyond=(END, 1)), otherwise=9)
    assert run(program, number=0, architecture=7)[0] == 1
    assert run(program, number=0, architecture=8)[0] == 9


def test_all_64_bits_of_an_argument_count() -> None:
    guarded = Guarded((Condition(2, ALL, 0),), 1, 2)
    program = assemble({5: guarded}, otherwise=3, beyond=(END, 3))
    for value, answer in ((0, 1), (1, 2), (1 << 32, 2), (1 << 63, 2)):
        assert run(program, number=5, arguments=[0, 0, value])[0] == answer


def test_numbers_beyond_the_end_of_the_table_are_a_mistake() -> None:
    with pytest.raises(AssertionError):
        assemble({END: 1}, otherwise=1, beyond=(END, 1))


def test_instructions_are_written_as_the_kernel_reads_them() -> None:
    assert encode([Instruction(0x35, 0x01020304, if_true=5, if_false=6)]) == (
        struct.pack("=HBBI", 0x35, 5, 6, 0x01020304)
    )
