"""``Math.random`` on the node's own entropy, so that a simulator can replay it."""

import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ccfpy.js.extension import ExtensionFunction

if TYPE_CHECKING:
    from ccfpy.base.ports import Entropy

_FRACTION_BITS = 53


class MathRandomExtension:
    """The extension ``Math.random``."""

    source: Final = "(function (python) { Math.random = () => python.random(); })"

    def __init__(self, entropy: "Entropy") -> None:
        self._entropy = entropy

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {"random": self._random}

    def _random(self) -> float:
        """Return a number in [0, 1) with as many random bits as a double can hold."""
        bits: int = struct.unpack("<Q", self._entropy.random_bytes(8))[0]
        return float(bits >> (64 - _FRACTION_BITS)) / float(1 << _FRACTION_BITS)
