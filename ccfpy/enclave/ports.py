"""The operating system behind the trusted code's ports: entropy, time, memory."""

import os
import time
from pathlib import Path

from ccfpy.base.ports import MemoryUsage
from ccfpy.crypto.rsa import private_key_der


class SystemEntropy:
    """Secret randomness from the operating system."""

    def random_bytes(self, count: int) -> bytes:
        """Give ``count`` bytes nobody can predict."""
        return os.urandom(count)

    def rsa_private_key(self, bits: int) -> bytes:
        """Make an RSA key; give it as DER PKCS#8."""
        return private_key_der(bits)


class SystemClock:
    """Elapsed time inside one step."""

    def monotonic_ns(self) -> int:
        """Give nanoseconds since an arbitrary start."""
        return time.monotonic_ns()


class SystemMemory:
    """What this process takes, where the system tells (Linux); zeros elsewhere."""

    def usage(self) -> MemoryUsage:
        """Read the meter."""
        try:
            status = Path("/proc/self/status").read_text(encoding="utf-8")
        except OSError:
            return MemoryUsage(_UNLIMITED, 0, 0)
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        current, peak = (_kib(fields.get(name, "")) for name in ("VmRSS", "VmHWM"))
        return MemoryUsage(_UNLIMITED, current, peak)


_UNLIMITED = 2**63 - 1


def _kib(field: str) -> int:
    """Read a field such as `` 1234 kB`` as bytes; 0 if it is absent."""
    number = field.strip().partition(" ")[0]
    return int(number) * 1024 if number.isdigit() else 0
