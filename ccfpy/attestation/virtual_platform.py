"""A platform in software that keeps secrets for its programs, but not from its owner.

The platform takes the place of an SEV-SNP guest's processor. From a secret that never
leaves the platform it derives a key for each program and security version. It refuses
security versions that are newer than its own: data that was sealed on an up-to-date
platform does not open on a platform that was set back to an older state
(``include/ccf/pal/snp_ioctl6.h``).
"""

from dataclasses import dataclass, field
from typing import Self

from ccfpy.attestation import virtual
from ccfpy.attestation.virtual import MEASUREMENT
from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ports import Attestation, Entropy
from ccfpy.crypto.hashing import hkdf_sha256

ROOT_BYTES = 32
TCB_VERSION_BYTES = 8
_LABEL = b"ccfpy virtual platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualPlatform:
    """One simulated machine.

    Attributes:
        root: its secret.
        tcb_version: the security version of each of its parts.
    """

    root: bytes = field(repr=False)
    tcb_version: bytes = bytes(TCB_VERSION_BYTES)

    @classmethod
    def make(cls, entropy: Entropy) -> Self:
        """Make a new one."""
        return cls(root=entropy.random_bytes(ROOT_BYTES))

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read one back.

        Raises:
            Malformed: it is none.
        """
        fields = json.loads_object(text)
        return cls(
            root=_hex(fields.get("root"), ROOT_BYTES, "root"),
            tcb_version=_hex(
                fields.get("tcb_version"), TCB_VERSION_BYTES, "tcb_version"
            ),
        )

    def serialise(self) -> bytes:
        """Write it down, secret included."""
        return json.dumps(
            {"root": self.root.hex(), "tcb_version": self.tcb_version.hex()}
        )

    def attest(self, report_data: bytes, *, host_data: bytes) -> Attestation:
        """Make evidence, which needs no secret: anybody could."""
        return virtual.attest(report_data, host_data=host_data)

    def derived_key(self, tcb_version: bytes, *, host_data: bytes) -> bytes:
        """Return the key of a program for a security version.

        Raises:
            VerificationFailed: a part of this platform is older than that.
        """
        if len(tcb_version) != TCB_VERSION_BYTES:
            raise VerificationFailed(
                f"a security version of {len(tcb_version)} bytes is none of this "
                "platform"
            )
        if any(w > h for w, h in zip(tcb_version, self.tcb_version, strict=True)):
            raise VerificationFailed(
                f"this platform's security version {self.tcb_version.hex()} is older "
                f"than {tcb_version.hex()}"
            )
        return hkdf_sha256(
            ikm=self.root,
            salt=tcb_version,
            info=b"\0".join((_LABEL, MEASUREMENT.encode(), host_data)),
            length=32,
        )


def _hex(value: json.Json, size: int, name: str) -> bytes:
    try:
        read = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        read = b""
    if len(read) != size:
        raise Malformed(f"{name} of a virtual platform is {size} bytes in hex")
    return read
