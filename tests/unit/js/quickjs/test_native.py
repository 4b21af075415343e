"""WebAssembly as such: instances, their memory and their traps."""

import pytest

from ccfpy.js.quickjs.compiled import module
from ccfpy.js.quickjs.native import (
    PAGE_BYTES,
    Module,
    NativeInstance,
    Trapped,
    read_engine,
)
from ccfpy.js.quickjs.wasm_instance import WasmInstance
from tests.unit.js.quickjs.wasm_instances import Echoing, invoke, started


def test_an_instance_has_a_stack_below_its_data() -> None:
    instance = NativeInstance(module())
    assert 0 < instance.stack_top < instance.memory_bytes
    assert {"start", "invoke", "compile", "settle"} <= set(instance.exports)
    instance.close()


def test_memory_grows_by_pages_up_to_what_addresses_reach() -> None:
    instance = NativeInstance(module())
    before = instance.memory_bytes
    assert instance.grow(2)
    assert instance.memory_bytes == before + 2 * PAGE_BYTES
    assert not instance.grow(1 << 16)
    assert instance.memory_bytes == before + 2 * PAGE_BYTES
    instance.close()


def test_calling_too_deep_for_the_process_is_a_trap_of_its_own() -> None:
    instance = started()
    instance.restrict(1 << 30, 1 << 30)
    with pytest.raises(Trapped) as caught:
        invoke(instance, "dive_natively")
    assert caught.value.is_stack_overflow
    assert not instance.is_sound


def test_a_machine_may_ask_while_another_answers() -> None:
    inner = started()

    class Nested(Echoing):
        def call_function(self, row: bytes) -> bytes:
            assert invoke(inner, "ask", b"inner") == (0, b"inner")
            return super().call_function(row)

    outer = started(Nested())
    assert invoke(outer, "ask", b"outer") == (0, b"outer")


@pytest.mark.parametrize("export", ["invoke", "compile"])
def test_an_engine_that_was_not_started_traps(export: str) -> None:
    instance = WasmInstance(Echoing())
    with pytest.raises(Trapped):
        instance.run(export, b"\x06\0\0\0\0" * 2, 0)
    assert not instance.is_sound


def test_a_module_that_was_compiled_before_is_the_same_module() -> None:
    again = Module(read_engine(), module().serialize())
    assert again.was_kept
    instance, other = NativeInstance(module()), NativeInstance(again)
    assert list(other.exports) == list(instance.exports)
    assert other.view() == instance.view()
    instance.close()
    other.close()


@pytest.mark.slow
def test_what_this_machine_cannot_run_is_compiled_anew() -> None:
    again = Module(read_engine(), b"made by another release")
    assert not again.was_kept
    assert again.serialize() == module().serialize()
