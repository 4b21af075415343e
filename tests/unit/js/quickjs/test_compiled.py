"""The compiled engine: one for a process, and only for one that runs scripts."""

import subprocess
import sys

from ccfpy.js.quickjs import compiled
from ccfpy.js.quickjs.machine import Machine
from tests.unit.js.quickjs.machines import Echoing


def test_machines_share_it() -> None:
    assert Machine(Echoing())._instance._library is compiled.MODULE.library
    assert Machine(Echoing())._instance._library is compiled.MODULE.library


def test_whoever_runs_no_script_does_not_compile_it() -> None:
    code = (
        "import sys, ccfpy.js.quickjs as engine;"
        "print(f'{engine.__name__}.compiled' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert ran.stdout == "False\n"
