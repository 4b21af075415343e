"""AMD's processors, and the versions of the firmware that a guest's secrecy rests on.

A version of the trusted computing base (TCB) is eight bytes, each the security version
of a part; which part is which depends on the processor (SEV-SNP Firmware ABI, table 3).
Processors and versions are written in hex most significant byte first, the reverse of
what lies in memory (``include/ccf/pal/sev_snp_cpuid.h``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject

CPUID_BYTES = 4
TCB_BYTES = 8
_BASE_FAMILY_MAX = 0xF
"""A family above it is the sum of this and of an extended family."""


class Product(StrEnum):
    """A line of processors, as AMD's servers name it."""

    MILAN = "Milan"
    GENOA = "Genoa"
    TURIN = "Turin"


_PRODUCTS = {
    (0x19, 0x01): Product.MILAN,
    (0x19, 0x11): Product.GENOA,
    (0x1A, 0x01): Product.TURIN,
}
"""By family and model."""
_MILAN_GENOA = {"boot_loader": 0, "tee": 1, "snp": 6, "microcode": 7}
_TURIN = {"fmc": 0, "boot_loader": 1, "tee": 2, "snp": 3, "microcode": 7}
LAYOUTS: Mapping[Product, Mapping[str, int]] = {
    Product.MILAN: _MILAN_GENOA,
    Product.GENOA: _MILAN_GENOA,
    Product.TURIN: _TURIN,
}
"""The byte of each part, in memory."""
PARTS = ("microcode", "snp", "tee", "boot_loader", "fmc")


@dataclass(frozen=True, slots=True)
class Processor:
    """A kind of processor: family, model and stepping, as CPUID gives them."""

    family: int
    model: int
    stepping: int

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read CPUID's first word, such as ``00a00f11``.

        Raises:
            Malformed: it is none.
        """
        word = int.from_bytes(from_hex(text, CPUID_BYTES, "CPUID"), "big")
        return cls(
            family=((word >> 8 & 0xF) + (word >> 20 & 0xFF)) & 0xFF,
            model=(word >> 16 & 0xF) << 4 | (word >> 4 & 0xF),
            stepping=word & 0xF,
        )

    @property
    def hex(self) -> str:
        """Write it back; families and models have one form, as processors use it."""
        base = min(self.family, _BASE_FAMILY_MAX)
        word = (
            (self.family - base) << 20
            | (self.model >> 4) << 16
            | base << 8
            | (self.model & 0xF) << 4
            | self.stepping
        )
        return word.to_bytes(CPUID_BYTES, "big").hex()

    @property
    def product(self) -> Product:
        """The line it is of.

        Raises:
            Malformed: it is none that is known.
        """
        product = _PRODUCTS.get((self.family, self.model))
        if product is None:
            raise Malformed(
                f"SEV-SNP: Unsupported CPUID family {self.family} model {self.model}"
            )
        return product


def policy_of(product: Product, tcb: bytes) -> JsonObject:
    """Split a version, as it lies in memory, into its parts: CCF's policy object."""
    policy: JsonObject = {"hexstring": tcb[::-1].hex()}
    return policy | {name: tcb[at] for name, at in LAYOUTS[product].items()}


def policy_of_hex(cpuid_hex: str, tcb_hex: str) -> JsonObject:
    """Split a version that is written in hex, for a processor that is written in hex.

    Raises:
        Malformed: not hex of the right length, or not a processor that is known.
    """
    product = Processor.from_hex(cpuid_hex).product
    return policy_of(product, from_hex(tcb_hex, TCB_BYTES, "TCB version")[::-1])


def meets(minimum: JsonObject, reported: JsonObject) -> bool:
    """Return whether a version has just the parts of a minimum, none of them older.

    Raises:
        Malformed: a part of the minimum is no number.
    """
    compared = [(_part(minimum, name), _part(reported, name)) for name in PARTS]
    return all(_is_at_least(least, found) for least, found in compared)


def _is_at_least(least: int | None, found: int | None) -> bool:
    if least is None or found is None:
        return least is found
    return least <= found


def _part(policy: JsonObject, name: str) -> int | None:
    value: Json = policy.get(name)
    if value is None or (type(value) is int and value >= 0):
        return value
    raise Malformed(f"the TCB version's {name} is no number: {value!r}")


def from_hex(text: str, count: int, what: str) -> bytes:
    """Read that many bytes of hex.

    Raises:
        Malformed: it is not that.
    """
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise Malformed(f"{what} is not hex: {text!r}") from error
    if len(data) != count:
        raise Malformed(f"{what} has {len(data)} bytes, expected {count}")
    return data
