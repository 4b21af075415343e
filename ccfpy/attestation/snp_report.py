"""The layout of AMD SEV-SNP's report: 1184 bytes, numbers least significant byte first.

It is table 23 of the SEV-SNP Firmware ABI specification. Nothing here is verified.

AMD's processors, and the versions of the firmware that a guest's secrecy rests on.

A version of the trusted computing base (TCB) is eight bytes, each the security version
of a part; which part is which depends on the processor (SEV-SNP Firmware ABI, table 3).
Processors and versions are written in hex most significant byte first, the reverse of
what lies in memory (``include/ccf/pal/sev_snp_cpuid.h``).
"""

import struct
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


REPORT_BYTES = 1184
SIGNED_BYTES = 0x2A0
HALF_BYTES = 72
"""Of a half of the signature; what follows the two is of no account."""
DEBUG_BIT = 19
MIGRATE_BIT = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class SnpReport:
    """A report, taken apart; ``raw`` is all of it."""

    raw: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a report.

        Raises:
            Malformed: it has another length.
        """
        if len(raw) != REPORT_BYTES:
            raise Malformed(
                "Input SEV-SNP attestation report is not of expected size "
                f"{REPORT_BYTES}: {len(raw)}"
            )
        return cls(raw=bytes(raw))

    def u32(self, offset: int) -> int:
        """Return the number at an offset."""
        value: int = struct.unpack_from("<I", self.raw, offset)[0]
        return value

    def part(self, offset: int, size: int) -> bytes:
        """Return the bytes at an offset."""
        return self.raw[offset : offset + size]

    @property
    def version(self) -> int:
        """Of the report's form."""
        return self.u32(0x000)

    @property
    def policy(self) -> int:
        """What the guest's owner demands, as bits."""
        value: int = struct.unpack_from("<Q", self.raw, 0x008)[0]
        return value

    @property
    def vmpl(self) -> int:
        """The privilege level that asked; beyond 3 it was the host."""
        return self.u32(0x030)

    @property
    def signature_algorithm(self) -> int:
        """Which algorithm signed."""
        return self.u32(0x034)

    @property
    def platform_info(self) -> int:
        """How the platform is set up, as bits."""
        return self.raw[0x040]

    @property
    def flags(self) -> int:
        """Which keys there are, as bits."""
        return self.u32(0x048)

    @property
    def mask_chip_key(self) -> int:
        """Whether the operator hides the chip's key."""
        return self.flags >> 1 & 1

    @property
    def signing_key(self) -> int:
        """Which key signed: 0 is the chip's own."""
        return self.flags >> 2 & 7

    @property
    def report_data(self) -> bytes:
        """What the guest wanted said, 64 bytes."""
        return self.part(0x050, 64)

    @property
    def measurement(self) -> bytes:
        """Of the guest at its launch, 48 bytes."""
        return self.part(0x090, 48)

    @property
    def host_data(self) -> bytes:
        """What the host said of the guest's purpose, 32 bytes."""
        return self.part(0x0C0, 32)

    @property
    def reported_tcb(self) -> bytes:
        """The version that the signing key stands for, least significant byte first."""
        return self.part(0x180, TCB_BYTES)

    @property
    def chip_id(self) -> bytes:
        """The chip, 64 bytes."""
        return self.part(0x1A0, 64)

    @property
    def processor(self) -> Processor:
        """The kind of processor."""
        return Processor(self.raw[0x188], self.raw[0x189], self.raw[0x18A])

    @property
    def product(self) -> Product:
        """The processor's line.

        Raises:
            Malformed: it is none that is known.
        """
        return self.processor.product

    @property
    def signature(self) -> tuple[bytes, bytes]:
        """The signature's r and s, least significant byte first."""
        both = self.part(SIGNED_BYTES, 2 * HALF_BYTES)
        return both[:HALF_BYTES], both[HALF_BYTES:]

    @property
    def is_debugged(self) -> bool:
        """Whether the guest's owner lets the host read its memory."""
        return bool(self.policy >> DEBUG_BIT & 1)

    @property
    def is_movable(self) -> bool:
        """Whether the guest may be moved to another machine."""
        return bool(self.policy >> MIGRATE_BIT & 1)
