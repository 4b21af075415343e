"""An AMD SEV-SNP guest's own platform: the processor, by the kernel's device for it.

Linux passes a guest's requests on to the processor's firmware: for a report that it
signs, and for keys that depend on the guest's measurement. The structures are those of
``include/uapi/linux/sev-guest.h`` and of the SEV-SNP Firmware ABI, tables 20 to 25
(``include/ccf/pal/snp_ioctl6.h``).

The device is opened once, before the process is closed, and kept.
"""

import ctypes
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeAlias

from ccfpy.attestation.snp_report import REPORT_BYTES, TCB_BYTES, SnpReport
from ccfpy.base.errors import ConfigurationRefused, VerificationFailed
from ccfpy.base.ports import Attestation

DEVICE = Path("/dev/sev-guest")
FORMAT = "AMD_SEV_SNP_v1"
MINIMUM_VERSION = 3
REPORT_DATA_BYTES = 64
KEY_BYTES = 32

_REQUEST = struct.Struct("<B7xQQII")
"""Message version, the request's and the answer's addresses, the errors of the firmware
and of the hypervisor."""
_REPORT_REQUEST = struct.Struct(f"<{REPORT_DATA_BYTES}sI28x")
"""What is to be said, and the privilege level that asks."""
_KEY_REQUEST = struct.Struct(f"<IIQII{TCB_BYTES}s")
"""Which root key, reserved, what is mixed in, privilege level, guest's security
version, and the firmware's."""
_ANSWER_HEADER = struct.Struct("<II24x")
"""Status and size, before a report; a key's answer has the status alone."""
_ANSWER_BYTES = 4000
_MESSAGE_VERSION = 1
_MEASUREMENT, _TCB_VERSION = 1 << 3, 1 << 5
"""What a key is mixed from."""


def _iowr(number: int) -> int:
    """Return the number of an ioctl that reads and writes (``asm-generic/ioctl.h``)."""
    return 3 << 30 | _REQUEST.size << 16 | ord("S") << 8 | number


GET_REPORT = _iowr(0)
GET_DERIVED_KEY = _iowr(1)

Control: TypeAlias = Callable[[int, int, bytearray], int]
"""``ioctl``: descriptor, request, and the structure that is read and written."""


def _ioctl(descriptor: int, request: int, structure: bytearray) -> int:
    import fcntl  # noqa: PLC0415  # absent on Windows, where no guest has the device

    done: int = fcntl.ioctl(descriptor, request, structure)
    return done


class SnpGuest:
    """The processor beneath this guest.

    Args:
        descriptor: of the open device.
        control: passes requests to it.
    """

    def __init__(self, descriptor: int, control: Control = _ioctl) -> None:
        self._descriptor = descriptor
        self._control = control
        self._tcb_version: bytes | None = None

    @classmethod
    def open(cls, device: Path = DEVICE) -> Self:
        """Open the device.

        Raises:
            ConfigurationRefused: it cannot be opened.
        """
        try:
            return cls(os.open(device, os.O_RDWR | os.O_CLOEXEC))
        except OSError as error:
            raise ConfigurationRefused(
                f'Failed to open "{device}": {(error.strerror or "").lower()}'
            ) from error

    def attest(self, report_data: bytes, *, host_data: bytes) -> Attestation:
        """Return the processor's report on this guest; endorsements come separately.

        Args:
            report_data: what is to be said; zeros fill its field.
            host_data: is the processor's to say here, so that this means nothing.

        Raises:
            ConfigurationRefused: the processor gave no report that can be used.
        """
        del host_data
        if len(report_data) > REPORT_DATA_BYTES:
            raise ConfigurationRefused(
                "User-defined report data is larger than available space"
            )
        answer = self._ask(
            GET_REPORT,
            _REPORT_REQUEST.pack(report_data, 0),
            "SEV_SNP_GUEST_MSG_REPORT",
        )
        size = _ANSWER_HEADER.unpack_from(answer)[1]
        if size != REPORT_BYTES:
            raise ConfigurationRefused(
                f"SEV-SNP: a report of {size} bytes, expected {REPORT_BYTES}"
            )
        start = _ANSWER_HEADER.size
        raw = answer[start : start + size]
        version = SnpReport.parse(raw).version
        if version < MINIMUM_VERSION:
            raise ConfigurationRefused(
                f"SEV-SNP: attestation version {version} is less than the minimum "
                f"supported version {MINIMUM_VERSION}"
            )
        return Attestation(format=FORMAT, quote=raw, endorsements=b"")

    @property
    def tcb_version(self) -> bytes:
        """The version that the processor reports of its firmware."""
        if self._tcb_version is None:
            quote = self.attest(b"", host_data=b"").quote
            self._tcb_version = SnpReport.parse(quote).reported_tcb
        return self._tcb_version

    def derived_key(self, tcb_version: bytes, *, host_data: bytes) -> bytes:
        """Derive the key for this guest's measurement and a version of firmware.

        Args:
            tcb_version: the processor refuses one that is newer than its own.
            host_data: mixed in by the processor, whatever is said here.

        Raises:
            VerificationFailed: the processor gives none.
        """
        del host_data
        if len(tcb_version) != TCB_BYTES:
            raise VerificationFailed(
                f"a security version of {len(tcb_version)} bytes is none of this "
                "platform"
            )
        request = _KEY_REQUEST.pack(
            0, 0, _MEASUREMENT | _TCB_VERSION, 0, 0, tcb_version
        )
        try:
            answer = self._ask(
                GET_DERIVED_KEY, request, "SEV_SNP_GUEST_MSG_DERIVED_KEY"
            )
        except ConfigurationRefused as error:
            raise VerificationFailed(str(error)) from error
        start = _ANSWER_HEADER.size
        return answer[start : start + KEY_BYTES]

    def _ask(self, number: int, request: bytes, name: str) -> bytes:
        """Send a request; give the firmware's answer.

        Raises:
            ConfigurationRefused: there is none.
        """
        sent = ctypes.create_string_buffer(request, len(request))
        answer = ctypes.create_string_buffer(_ANSWER_BYTES)
        addresses = ctypes.addressof(sent), ctypes.addressof(answer)
        argument = bytearray(_REQUEST.pack(_MESSAGE_VERSION, *addresses, 0, 0))
        try:
            self._control(self._descriptor, number, argument)
        except OSError as error:
            *_, firmware, hypervisor = _REQUEST.unpack(argument)
            raise ConfigurationRefused(
                f"Failed to issue ioctl {name}: {error.strerror} fw_error: {firmware} "
                f"vmm_error: {hypervisor}"
            ) from error
        status = _ANSWER_HEADER.unpack_from(answer.raw)[0]
        if status != 0:
            raise ConfigurationRefused(f"Failed to issue ioctl {name}: {status}")
        return answer.raw


def is_present(device: Path = DEVICE) -> bool:
    """Return whether this machine is such a guest, and we may ask it for reports."""
    return os.access(device, os.W_OK)
