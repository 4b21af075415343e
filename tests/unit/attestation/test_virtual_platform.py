"""Keys of one simulated machine, one program and one security version."""

import pytest

from ccfpy.attestation.virtual import VirtualPlatform
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.testing.entropy import SeededEntropy

HOST_DATA = b"\x11" * 32
PLATFORM = VirtualPlatform(
    root=b"\x07" * 32, tcb_version=bytes([3, 0, 0, 0, 0, 0, 8, 115])
)


def test_a_key_is_the_same_again_and_another_for_anything_else() -> None:
    def key(
        platform: VirtualPlatform = PLATFORM,
        tcb_version: bytes = PLATFORM.tcb_version,
        host_data: bytes = HOST_DATA,
    ) -> bytes:
        return platform.derived_key(tcb_version, host_data=host_data)

    other = VirtualPlatform(root=b"\x08" * 32, tcb_version=PLATFORM.tcb_version)
    keys = {
        key(),
        key(VirtualPlatform.parse(PLATFORM.serialise())),
        key(other),
        key(tcb_version=bytes(8)),
        key(host_data=b"\x12" * 32),
    }
    assert len(keys) == 4
    assert {len(each) for each in keys} == {32}


@pytest.mark.parametrize("part", range(8))
def test_no_key_is_given_for_a_version_newer_in_any_part(part: int) -> None:
    newer = bytearray(PLATFORM.tcb_version)
    newer[part] += 1
    with pytest.raises(VerificationFailed, match="is older than"):
        PLATFORM.derived_key(bytes(newer), host_data=HOST_DATA)
    upgraded = VirtualPlatform(root=PLATFORM.root, tcb_version=bytes(newer))
    assert upgraded.derived_key(
        PLATFORM.tcb_version, host_data=HOST_DATA
    ) == PLATFORM.derived_key(PLATFORM.tcb_version, host_data=HOST_DATA)


@pytest.mark.parametrize("size", [0, 7, 9])
def test_a_version_has_eight_parts(size: int) -> None:
    with pytest.raises(VerificationFailed, match="bytes is none"):
        PLATFORM.derived_key(bytes(size), host_data=HOST_DATA)


def test_machines_differ_and_show_no_secret() -> None:
    made = [VirtualPlatform.make(SeededEntropy(seed)) for seed in (1, 2)]
    assert made[0].root != made[1].root
    assert made[0].root.hex() not in repr(made[0])
    assert str(made[0].root) not in repr(made[0])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"root": 1, "tcb_version": "0000000000000000"}',
        b'{"root": "00", "tcb_version": "0000000000000000"}',
        b'{"root": "%s", "tcb_version": "00"}' % (b"00" * 32),
        b'{"root": "%s", "tcb_version": "0000000000000000"}' % (b"zz" * 32),
    ],
)
def test_what_is_no_machine_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        VirtualPlatform.parse(text)
