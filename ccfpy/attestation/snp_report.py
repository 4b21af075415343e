"""The layout of AMD SEV-SNP's report: 1184 bytes, numbers least significant byte first.

It is table 23 of the SEV-SNP Firmware ABI specification. Nothing here is verified.
"""

import struct
from dataclasses import dataclass
from typing import Self

from ccfpy.attestation.snp_tcb import TCB_BYTES, Processor, Product
from ccfpy.base.errors import Malformed

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
