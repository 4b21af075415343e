"""A machine: what crosses, what ends it, and that its memory can be laid out again."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccfpy.base.limits import JS_HEAP_BYTES_CEILING, JS_STACK_BYTES_CEILING
from ccfpy.js.quickjs.native import Trapped
from ccfpy.js.quickjs.values import decode, encode
from ccfpy.js.quickjs.wasm_instance import WasmInstance
from tests.attacks import attack
from tests.unit.js.quickjs.wasm_instances import FACE, Echoing, invoke, started

DONE, THROWN, PENDING = range(3)
MIB = 1 << 20


@pytest.mark.parametrize(
    "value", [None, True, False, 7, -(2**31), 2**40, 0.5, "é\0", b"", b"\0\xff"]
)
def test_plain_values_come_back(value: object) -> None:
    instance = started()
    assert invoke(instance, "echo", value) == (DONE, value)
    assert invoke(instance, "ask", value) == (DONE, value)


@pytest.mark.parametrize("size", [0xFFFF, 0x10000, 0x10001, 3 * MIB])
def test_the_buffer_is_as_large_as_what_crosses(size: int) -> None:
    instance = started()
    assert invoke(instance, "length", "x" * size) == (DONE, size)
    assert invoke(instance, "echo", b"x" * size) == (DONE, b"x" * size)
    assert invoke(instance, "ask", b"y" * size) == (DONE, b"y" * size)


def test_an_answer_may_be_larger_than_its_question() -> None:
    callbacks = Echoing(answer=encode(b"z" * MIB))
    assert invoke(started(callbacks), "ask", 1) == (DONE, b"z" * MIB)
    assert [decode(row) for row in callbacks.asked] == [[1]]


def test_what_is_thrown_says_what_it_is_and_where() -> None:
    instance = started()
    ending, left = instance.run("invoke", encode("fail"), 0)
    reason, trace = decode(left)
    assert (ending, reason) == (THROWN, "TypeError: no")
    assert "at fail (face:" in str(trace)


def test_a_promise_is_waited_for_while_anything_can_settle_it() -> None:
    instance = started()
    assert invoke(instance, "later", 5) == (DONE, 5)
    assert invoke(instance, "never")[0] == PENDING


def test_taking_one_size_after_another_needs_no_more_memory_than_the_largest() -> None:
    count, sizes = 20_000, (8, 24, 40, 56, 72, 88, 104, 120, 136)
    each, largest = started(), started()
    for size in sizes:
        assert invoke(each, "take", count, size) == (DONE, None)
    assert invoke(largest, "take", count, sizes[-1]) == (DONE, None)
    assert each.memory_bytes <= largest.memory_bytes + MIB


def test_a_full_heap_is_said_and_is_no_trap() -> None:
    instance = started()
    instance.restrict(2 * MIB, MIB)
    assert invoke(instance, "fill")[0] == THROWN
    assert instance.lacked_memory
    assert not instance.is_sound
    assert invoke(instance, "echo", 1) == (DONE, 1)
    assert not instance.lacked_memory


def test_a_script_s_stack_is_bounded() -> None:
    instance = started()
    instance.restrict(64 * MIB, 64 * 1024)
    assert invoke(instance, "dive", 10) == (DONE, 10)
    ending, reason = invoke(instance, "dive", 10_000)
    assert (ending, reason) == (THROWN, "InternalError: stack overflow")


@pytest.mark.parametrize("stack", [0, 1, 2, 3])
def test_no_stack_is_no_stack(stack: int) -> None:
    instance = started()
    instance.restrict(64 * MIB, stack)
    assert invoke(instance, "dive", 1)[0] == THROWN
    assert instance.is_sound


def test_no_heap_is_no_heap() -> None:
    instance = started()
    instance.restrict(0, MIB)
    assert invoke(instance, "grow", 1)[0] == THROWN
    assert instance.lacked_memory


@pytest.mark.parametrize(
    ("heap", "stack"),
    [(JS_HEAP_BYTES_CEILING + 1, 1 << 20), (1 << 70, JS_STACK_BYTES_CEILING + 1)],
)
def test_bounds_beyond_a_machine_mean_what_it_has(heap: int, stack: int) -> None:
    instance = started()
    instance.restrict(heap, stack)
    assert invoke(instance, "dive", 100) == (DONE, 100)


def test_a_machine_goes_back_to_where_its_image_was_taken() -> None:
    instance = started()
    invoke(instance, "count")
    image = instance.image()
    for _ in range(3):
        assert [invoke(instance, "count")[1] for _ in range(3)] == [2, 3, 4]
        instance.relay(image)


def test_another_machine_goes_on_from_an_image() -> None:
    first = started()
    invoke(first, "count")
    second = WasmInstance(Echoing())
    second.lay(first.image())
    assert invoke(second, "count") == (DONE, 2)
    assert invoke(first, "count") == (DONE, 2)


@given(st.lists(st.integers(0, 300_000), max_size=8), st.integers(0, 200_000))
def test_whatever_was_allocated_meanwhile(sizes: list[int], before: int) -> None:
    """The allocator's own state lies in the memory too, at both of its ends."""
    instance = started()
    invoke(instance, "grow", before)
    image = instance.image()
    for size in sizes:
        invoke(instance, "grow", size)
        if instance.memory_bytes == image.memory_bytes:
            instance.relay(image)
            assert invoke(instance, "grow", size)[1] == 2
        else:
            instance = WasmInstance(Echoing())
            instance.lay(image)


@pytest.mark.slow
@given(st.integers(0, 200_000), st.lists(st.integers(0, 300_000), max_size=8))
@example(0, [100_000, 300_000])
def test_where_an_image_has_nothing_may_lie_anything(
    before: int, sizes: list[int]
) -> None:
    """Calls leave there what they wrote, and the allocator must not take it for its."""
    instance = started()
    invoke(instance, "grow", before)
    image = instance.image()
    ends = [place + len(part) for place, part in image.parts]
    gaps = zip(ends, [place for place, _ in image.parts[1:]], strict=False)
    left = tuple((end, b"\xff" * (begin - end)) for end, begin in gaps)
    instance.relay(replace(image, parts=left))
    instance.relay(image)
    for number, size in enumerate(sizes, 2):
        assert invoke(instance, "grow", size) == (DONE, number)
    text = "x" * (before + 1)
    assert invoke(instance, "echo", text) == (DONE, text)


def test_an_image_leaves_room_for_ordinary_calls() -> None:
    instance = started()
    image = instance.image()
    invoke(instance, "grow", MIB // 2)
    assert instance.memory_bytes == image.memory_bytes
    invoke(instance, "grow", 2 * MIB)
    assert instance.memory_bytes > image.memory_bytes


def test_a_place_outside_its_memory_is_refused() -> None:
    """A guest that has broken its own memory may say anything of where things are."""
    size = started().memory_bytes
    for place, length in [(size, 1), (0, size + 1)]:
        instance = started()
        with pytest.raises(Trapped, match="outside"):
            instance.on_call([place << 32 | length])  # type: ignore[arg-type]
        assert not instance.is_sound
    instance = started()
    with pytest.raises(Trapped, match="outside"):
        instance.on_random([instance.memory_bytes, 0, 1])  # type: ignore[arg-type]


def test_a_machine_that_broke_off_says_so() -> None:
    class Raising(Echoing):
        def call_function(self, row: bytes) -> bytes:
            raise ValueError(row)

    instance = started(Raising())
    with pytest.raises(Trapped):
        invoke(instance, "ask", 1)
    assert not instance.is_sound


@attack("applications: a script that looks for other calls' bytes in its buffers")
def test_a_block_whose_head_was_overwritten_ends_the_instance() -> None:
    """What writes beyond its own block is found out by who gives back the next one."""
    instance = started()
    size = 12_345
    invoke(instance, "grow", size)
    memory = instance._read(0, instance.memory_bytes)
    word = size.to_bytes(4, "little")
    places = [at for at in range(0, len(memory), 4) if memory[at : at + 4] == word]
    for place in places:
        sealed = memory[place + 4 : place + 8]
        if int.from_bytes(sealed, "little") == place ^ size ^ 0x5EA1ED0B:
            instance._place(place, (size + 1).to_bytes(4, "little"))
    with pytest.raises(Trapped):
        invoke(instance, "shed")
    assert not instance.is_sound


def test_a_script_that_is_none_is_refused() -> None:
    instance = WasmInstance(Echoing())
    ending, left = instance.run("start", encode("(") + encode("face"))
    assert ending == THROWN
    assert str(decode(left)[0]).startswith("SyntaxError")
    assert FACE
