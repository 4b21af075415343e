"""The operating system behind the trusted code's ports: entropy, time, memory."""

import contextlib
import os
import time

from ccfpy.base.ports import MemoryUsage
from ccfpy.crypto.rsa import private_key_der


class SystemEntropy:
    """Secret randomness from the operating system."""

    def random_bytes(self, count: int) -> bytes:
        """Return ``count`` bytes that nobody can predict."""
        return os.urandom(count)

    def rsa_private_key(self, bits: int) -> bytes:
        """Make an RSA key; give it as DER PKCS#8."""
        return private_key_der(bits)


class SystemClock:
    """Elapsed time inside one step."""

    monotonic_ns = staticmethod(time.monotonic_ns)
    """Return nanoseconds since an arbitrary start; a request asks twice."""


class SystemMemory:
    """What this process takes, where the system tells (Linux); zeros elsewhere.

    The meter is opened here and kept: later the process may open nothing.
    """

    def __init__(self) -> None:
        self._meter: int | None = None
        with contextlib.suppress(OSError):
            self._meter = os.open(_METER, os.O_RDONLY)

    def __del__(self) -> None:
        """Close the meter."""
        if self._meter is not None:
            os.close(self._meter)

    def usage(self) -> MemoryUsage:
        """Read the meter."""
        fields = self._read()
        return MemoryUsage(_UNLIMITED, fields.get("VmRSS", 0), fields.get("VmHWM", 0))

    def data_bytes(self) -> int:
        """Return the bytes that this process holds of its own, and has touched.

        What is only reserved, as JavaScript's engine reserves room for each script,
        takes nothing from anybody.
        """
        return self._read().get("RssAnon", 0)

    def _read(self) -> dict[str, int]:
        if self._meter is None:
            return {}
        status = os.pread(self._meter, _METER_BYTES_MAX, 0).decode("ascii")
        lines = (line.partition(":") for line in status.splitlines())
        return {name: _kib(field) for name, _, field in lines}


_UNLIMITED = 2**63 - 1
_METER = "/proc/self/status"
_METER_BYTES_MAX = 1 << 14


def _kib(field: str) -> int:
    """Read a field such as `` 1234 kB`` as bytes; 0 if it is absent."""
    number = field.strip().partition(" ")[0]
    return int(number) * 1024 if number.isdigit() else 0
