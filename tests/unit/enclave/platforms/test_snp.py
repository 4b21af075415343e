"""Requests to the processor, byte by byte, answered as the kernel's device would."""

import ctypes
import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from ccfpy.attestation.snp_report import SnpReport
from ccfpy.base.errors import ConfigurationRefused, VerificationFailed
from ccfpy.enclave.platforms.snp import (
    GET_DERIVED_KEY,
    GET_REPORT,
    SnpGuest,
    is_present,
)
from tests.unit.attestation.hardware import report_of
from tests.unit.attestation.processor import TCB, FakeProcessor

PROCESSOR = FakeProcessor()
DESCRIPTOR = 7


class Device:
    """What is behind the descriptor: reads and writes the structures it is pointed to.

    Args:
        answer: makes the firmware's answer of a request.
        status: the firmware's.
    """

    def __init__(self, answer: Callable[[bytes], bytes], status: int = 0) -> None:
        self._answer = answer
        self._status = status
        self.requests: list[tuple[int, bytes]] = []

    def __call__(self, descriptor: int, number: int, argument: bytearray) -> int:
        assert descriptor == DESCRIPTOR
        assert len(argument) == 32
        version, request_at, answer_at, errors = struct.unpack("<B7xQQQ", argument)
        assert (version, errors) == (1, 0)
        size = {GET_REPORT: 96, GET_DERIVED_KEY: 32}[number]
        request = ctypes.string_at(request_at, size)
        self.requests.append((number, request))
        assert ctypes.string_at(answer_at, 4000) == bytes(4000)
        body = self._answer(request)
        head = struct.pack("<II24x", self._status, len(body))
        ctypes.memmove(answer_at, head + body, len(head) + len(body))
        return 0


def reported(request: bytes) -> bytes:
    return PROCESSOR.report({0x050: request[:64]})


def guest(answer: Callable[[bytes], bytes] = reported, status: int = 0) -> SnpGuest:
    return SnpGuest(DESCRIPTOR, Device(answer, status))


def test_requests_are_numbered_as_linux_does() -> None:
    assert (GET_REPORT, GET_DERIVED_KEY) == (0xC0205300, 0xC0205301)


def test_a_report_is_asked_for_and_bound_to_the_key() -> None:
    device = Device(reported)
    evidence = SnpGuest(DESCRIPTOR, device).attest(b"\x11" * 32, host_data=b"ignored")
    assert evidence.format == "AMD_SEV_SNP_v1"
    assert evidence.endorsements == b""
    report = SnpReport.parse(evidence.quote)
    assert report.report_data == b"\x11" * 32 + bytes(32)
    ((number, request),) = device.requests
    assert number == GET_REPORT
    assert request == b"\x11" * 32 + bytes(32 + 4 + 28)


def test_no_more_can_be_said_than_fits() -> None:
    whole = guest().attest(b"\x11" * 64, host_data=b"")
    assert SnpReport.parse(whole.quote).report_data == b"\x11" * 64
    with pytest.raises(ConfigurationRefused, match="larger than available space"):
        guest().attest(bytes(65), host_data=b"")


def test_the_version_is_the_reports_and_asked_for_once() -> None:
    device = Device(reported)
    platform = SnpGuest(DESCRIPTOR, device)
    assert platform.tcb_version == platform.tcb_version == TCB
    assert len(device.requests) == 1


def test_a_key_is_derived_from_measurement_and_version() -> None:
    device = Device(lambda _: b"k" * 32)
    platform = SnpGuest(DESCRIPTOR, device)
    assert platform.derived_key(TCB, host_data=b"ignored") == b"k" * 32
    ((number, request),) = device.requests
    assert number == GET_DERIVED_KEY
    assert request == struct.pack("<IIQII", 0, 0, 0b101000, 0, 0) + TCB
    with pytest.raises(VerificationFailed, match="of 7 bytes"):
        platform.derived_key(bytes(7), host_data=b"")


def test_what_the_firmware_refuses_is_no_answer() -> None:
    with pytest.raises(ConfigurationRefused, match="MSG_REPORT: 22"):
        guest(status=22).attest(b"", host_data=b"")
    with pytest.raises(VerificationFailed, match="DERIVED_KEY: 22"):
        guest(status=22).derived_key(TCB, host_data=b"")


def test_what_the_kernel_refuses_is_said_with_its_reasons() -> None:
    def fail(_descriptor: int, _number: int, argument: bytearray) -> int:
        struct.pack_into("<II", argument, 24, 3, 2)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(ConfigurationRefused, match="fw_error: 3 vmm_error: 2"):
        SnpGuest(DESCRIPTOR, fail).attest(b"", host_data=b"")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda _: b"", "a report of 0 bytes, expected 1184"),
        (lambda _: bytes(1185), "a report of 1185 bytes"),
        (lambda _: bytes(1184), "version 0 is less than the minimum supported"),
    ],
    ids=["nothing", "longer", "older"],
)
def test_a_report_of_another_form_is_none(
    answer: Callable[[bytes], bytes], reason: str
) -> None:
    with pytest.raises(ConfigurationRefused, match=reason):
        guest(answer).attest(b"", host_data=b"")


def test_a_recorded_report_passes_as_it_is() -> None:
    raw = report_of("milan")
    assert guest(lambda _: raw).attest(b"", host_data=b"").quote == raw


def test_a_machine_without_the_device_is_no_guest(tmp_path: Path) -> None:
    missing = tmp_path / "sev-guest"
    assert not is_present(missing)
    with pytest.raises(ConfigurationRefused, match="no such file"):
        SnpGuest.open(missing)
    missing.touch()
    assert is_present(missing)
    with pytest.raises(ConfigurationRefused, match="Failed to issue ioctl"):
        SnpGuest.open(missing).attest(b"", host_data=b"")
