"""Loads an application in Python in a process of its own, and says what it is.

``python -m ccfpy.devtools.python_check APP`` prints one line of JSON: the endpoints, or
why there are none, and the files that were loaded for it.
"""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from ccfpy.base.errors import Malformed
from ccfpy.base.json import dumps
from ccfpy.base.schema import fields_of, parse_json
from ccfpy.enclave.application import ApplicationNotLoaded, load_application
from ccfpy.enclave.code_origin import CodeOrigin, origin_of
from ccfpy.endpoints.app_calls import UNLIMITED

_MODULE = "ccfpy.devtools.python_check"
LOAD_TIMEOUT_S = 60.0
_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What came of loading an application.

    Attributes:
        fault: why it does not load; empty if it does.
        endpoints: each verb and path, without those that every app has.
        files: the author's files that were loaded.
    """

    fault: str = ""
    endpoints: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


async def check(app: Path) -> Checked:
    """Load an application in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", _MODULE, str(app)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, complained = await asyncio.wait_for(process.communicate(), LOAD_TIMEOUT_S)
    except TimeoutError:
        return Checked(fault=f"{app} takes longer than {LOAD_TIMEOUT_S:g} s to load")
    finally:
        if process.returncode is None:
            process.kill()
    try:
        return parse_json(Checked, said.splitlines()[-1] if said else b"")
    except Malformed:
        words = complained.decode(errors="replace").strip().splitlines()
        why = words[-1] if words else "it says nothing"
        return Checked(fault=f"{app} ends the process that loads it: {why}")


def load(app: str) -> Checked:
    """Load an application in this process."""
    fault = ""
    endpoints: tuple[str, ...] = ()
    try:
        registry = load_application(app).registry()
        own = [
            endpoint
            for endpoint in registry
            if endpoint.execution_ms_max != UNLIMITED  # every app has those
        ]
        if registry.default is not None:
            own.append(registry.default)
        endpoints = tuple(
            f"{each.method} /{registry.prefix}{each.path}" for each in own
        )
    except ApplicationNotLoaded as error:
        fault = str(error)
    return Checked(fault=fault, endpoints=endpoints, files=tuple(_own_files()))


def _own_files() -> list[str]:
    """List the files of loaded modules that are neither ours nor installed."""
    named = (getattr(module, "__file__", None) for module in [*sys.modules.values()])
    return sorted(
        {
            name
            for name in named
            if name is not None
            and origin_of(name) is CodeOrigin.APP
            and _INSTALLED.isdisjoint(Path(name).parts)
        }
    )


if __name__ == "__main__":
    sys.stdout.write(dumps(fields_of(load(sys.argv[1]))).decode() + "\n")
