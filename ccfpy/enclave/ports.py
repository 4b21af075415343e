"""The operating system behind the trusted code's ports: entropy and elapsed time."""

import os
import time

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
