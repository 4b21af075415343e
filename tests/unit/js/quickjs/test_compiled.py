"""The compiled engine: one for a process, and only for one that runs scripts."""

import subprocess
import sys

import pytest

from ccfpy.js.quickjs.compiled import module
from ccfpy.js.quickjs.wasm_instance import WasmInstance
from tests.unit.js.quickjs.wasm_instances import Echoing


def test_machines_share_it() -> None:
    assert WasmInstance(Echoing())._instance._library is module().library
    assert WasmInstance(Echoing())._instance._library is module().library


@pytest.mark.slow
def test_who_asks_at_once_gets_the_same() -> None:
    code = (
        "from concurrent.futures import ThreadPoolExecutor;"
        "from ccfpy.js.quickjs.compiled import module;"
        "pool = ThreadPoolExecutor(2);"
        "asked = [pool.submit(module) for _ in range(2)];"
        "print(asked[0].result() is asked[1].result())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert ran.stdout == "True\n"


def test_whoever_runs_no_script_does_not_compile_it() -> None:
    code = (
        "import ccfpy.js.quickjs;"
        "from ccfpy.js.quickjs import compiled;"
        "print(compiled._compile.cache_info().currsize)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert ran.stdout == "0\n"
