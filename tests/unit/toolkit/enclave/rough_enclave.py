"""An enclave that does whatever an enclave should not, to be started as a process."""

import os
import re
import socket
import sys
import time

from ccfpy.base.limits import MIB
from ccfpy.toolkit.enclave import Enclave, Limits, Surroundings
from tests.unit.toolkit.enclave.rough import INTERFACE, Host

CALL_CPU_MS_MAX = 400
SECRET = "attack at dawn"


class Rough:
    """Overdoes what it is asked to."""

    def __init__(self, around: Surroundings[Host]) -> None:
        self._host = around.host

    async def answer(self) -> int:
        return 42

    async def overdo(self, how: str) -> int:  # noqa: C901, PLR0912  # one a way
        match how:
            case "memory":
                held = [bytes(MIB) for _ in range(1000)]
                return len(held)
            case "many small":
                return len([bytearray(2000 + n % 9) for n in range(1_000_000)])
            case "recursion":
                return _deeper(0)
            case "call cpu":
                while True:
                    pass
            case "call cpu, stubborn":
                while True:
                    try:
                        while True:
                            pass
                    except BaseException:  # noqa: BLE001  # stubborn
                        continue
            case "call cpu, in C":
                re.match(r"(a+)+$", "a" * 60 + "b")
            case "cpu over calls":
                began = time.process_time()
                while time.process_time() - began < CALL_CPU_MS_MAX / 2000:
                    pass
            case "cpu between waits":
                for _ in range(20):
                    began = time.process_time()
                    while time.process_time() - began < CALL_CPU_MS_MAX / 4000:
                        pass
                    await self._host.wait()
            case "defect":
                raise ValueError(SECRET)
            case "segfault":
                _segfault()
            case _:
                os._exit(int(how))
        return 0

    async def try_to(self, how: str) -> str:
        ways = {
            "open": lambda: open("/etc/passwd"),  # noqa: PTH123, SIM115
            "connect": lambda: socket.create_connection(("127.0.0.1", 1)),
            "start": os.fork,
            "raise limit": _raise_limit,
        }
        try:
            ways[how]()
        except Exception as error:  # noqa: BLE001  # it is what is asked
            return type(error).__name__
        return "done"


def _deeper(depth: int) -> int:
    return _deeper(depth + 1)


def _segfault() -> None:
    import ctypes  # noqa: PLC0415  # it is loaded

    ctypes.string_at(0)


def _raise_limit() -> None:
    import resource  # noqa: PLC0415  # it is loaded

    resource.setrlimit(resource.RLIMIT_DATA, (1 << 40, 1 << 40))


assert "ctypes" in sys.modules

enclave = Enclave(
    interface=INTERFACE,
    code=Rough,
    limits=Limits(
        memory_bytes_max=96 * MIB, call_cpu_ms_max=CALL_CPU_MS_MAX, cpu_s_max=2
    ),
)
