"""A guest: its modules, and how its calls are told to have ended."""

import pytest

from ccfpy.base.app_threads import AppThreads
from ccfpy.js.engine import JsException, JsLimit, JsLimitExceeded, JsLimits
from ccfpy.js.extension import ExtensionFunction
from ccfpy.js.quickjs.engine import compile_module
from ccfpy.js.quickjs.native import Trapped
from ccfpy.js.quickjs.script_instance import (
    Runtime,
    ScriptInstance,
    found_in,
    relative,
)
from ccfpy.js.quickjs.values import encode
from ccfpy.js.quickjs.wasm_instance import WasmInstance
from tests.unit.js.conftest import CountingClock
from tests.unit.js.quickjs.wasm_instances import started


def test_modules_are_found_with_and_without_their_leading_slash() -> None:
    find = found_in({"/lib/a.js": "a"})
    assert [find("/lib/a.js"), find("lib/a.js"), find("a.js")] == ["a", "a", None]
    assert relative("/lib/a.js") == "lib/a.js"


def _runtime() -> Runtime:
    return Runtime(CountingClock(), AppThreads())


def _script(*functions: ExtensionFunction) -> ScriptInstance:
    script = ScriptInstance(
        Runtime(CountingClock(), AppThreads()), functions, lambda _name: None
    )
    script.instance = started()
    return script


def test_a_guest_knows_whether_it_asked() -> None:
    script = ScriptInstance(
        Runtime(CountingClock(), AppThreads()),
        (lambda value: value,),
        lambda _name: None,
    )
    script.instance = started()
    script.instance.callbacks = script
    asked = [script.has_asked]
    assert script.invoke("ask", 2, "yes") == "yes"
    asked += [script.has_asked, script.silent().has_asked]
    assert asked == [False, True, False]


def test_what_is_no_plain_value_is_refused() -> None:
    script = _script(lambda: None)
    refused = script.call_function(b"\x04" + (2).to_bytes(8, "little") + b"\x08")
    assert refused == b"\x01"


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"\x04",
        encode("2"),
        encode(3),
        encode(65535),
        encode(2) + b"\x06\xff\xff\xff\xff",
        encode(2) + b"\x05\0",
        encode(2) + b"\x06\x01\0\0\0\xff",
        encode(2) + b"\x09",
    ],
)
def test_what_is_no_call_ends_the_instance_and_not_the_node(row: bytes) -> None:
    script = _script(lambda: None)
    with pytest.raises(Trapped):
        script.call_function(row)
    assert not script.instance.is_sound


@pytest.mark.skipif(
    not hasattr(WasmInstance.run, "__code__"),
    reason="a class in Python cannot inherit from a compiled one",
)
@pytest.mark.parametrize(
    ("ending", "left"),
    [(0, b""), (0, b"\x06\x09\0\0\0no"), (0, b"\xff"), (1, b""), (1, encode("no"))],
)
def test_what_is_no_row_of_values_ends_the_instance_and_not_the_node(
    ending: int, left: bytes
) -> None:
    class Broken(WasmInstance):
        """Leaves what an engine leaves whose memory is broken."""

        def run(self, export: str, row: bytes, argument: int = 0) -> tuple[int, bytes]:
            super().run(export, row, argument)
            return ending, left

    script = _script()
    image = script.instance.image()
    script.instance = Broken(script)
    script.instance.lay(image)
    with pytest.raises(JsLimitExceeded):
        script.invoke("echo", 1)
    assert not script.instance.is_sound


@pytest.mark.parametrize(
    ("trap", "limit"),
    [
        (Trapped("deep", is_stack_overflow=True), JsLimit.STACK),
        (Trapped("memory"), JsLimit.HEAP),
    ],
)
def test_a_trap_is_a_limit_that_was_reached(trap: Trapped, limit: JsLimit) -> None:
    failure = _script().broken(trap)
    assert isinstance(failure, JsLimitExceeded)
    assert failure.which is limit


def test_a_trap_after_the_time_ran_out_is_a_matter_of_time() -> None:
    script = _script()
    script.begin(JsLimits(execution_ms_max=0))
    assert script.is_over()
    failure = script.broken(Trapped("interrupted"))
    assert isinstance(failure, JsLimitExceeded)
    assert failure.which is JsLimit.TIME


def test_a_promise_that_nothing_settles_is_a_failure() -> None:
    with pytest.raises(JsException, match="still pending"):
        _script().invoke("never")


def test_bytecode_is_for_tables_alone() -> None:
    code = compile_module("a.js", "export const a = 1")
    assert isinstance(code, bytes)
    assert b"a.js" in code
