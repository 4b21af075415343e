"""``Math.random`` on the node's own entropy, so that a simulator can replay it."""

import struct
from typing import TYPE_CHECKING

from ccfpy.js.extension import StatelessExtension

if TYPE_CHECKING:
    from ccfpy.base.ports import Entropy

_FRACTION_BITS = 53
_SOURCE = "(function (python) { Math.random = () => python.random(); })"


def math_random_extension(entropy: "Entropy") -> StatelessExtension:
    """Return the extension ``Math.random``."""

    def random() -> float:
        """Return a number in [0, 1) with as many random bits as a double can hold."""
        bits: int = struct.unpack("<Q", entropy.random_bytes(8))[0]
        return float(bits >> (64 - _FRACTION_BITS)) / float(1 << _FRACTION_BITS)

    return StatelessExtension(_SOURCE, {"random": random})
