"""The simulated machine in a file: made once, shared, kept to its owner."""

import stat
from pathlib import Path

import pytest

from ccfpy.attestation.virtual import VirtualPlatform
from ccfpy.base.errors import ConfigurationRefused
from ccfpy.enclave.platforms.virtual import PLACE, USUAL_PLACE, PlatformFile
from ccfpy.host.enclave_process import PLATFORM_VARIABLE
from ccfpy.testing.entropy import SeededEntropy

HOST_DATA = bytes(32)


def key(platform: PlatformFile) -> bytes:
    return platform.derived_key(platform.tcb_version, host_data=HOST_DATA)


def test_it_is_made_when_first_needed_and_shared_from_then_on(tmp_path: Path) -> None:
    place = tmp_path / "state/machine.json"
    platforms = [PlatformFile(place, SeededEntropy(seed)) for seed in (1, 2)]
    assert not place.exists()
    assert key(platforms[0]) == key(platforms[1]) == key(platforms[0])
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [path.name for path in place.parent.iterdir()] == ["machine.json"]


def test_another_machine_is_another_file(tmp_path: Path) -> None:
    one, other = (
        PlatformFile(tmp_path / str(seed), SeededEntropy(seed)) for seed in (1, 2)
    )
    assert key(one) != key(other)


def test_the_one_that_is_made_first_stays(tmp_path: Path) -> None:
    """Another enclave makes one while this one does."""
    place = tmp_path / "machine.json"
    first = VirtualPlatform.make(SeededEntropy(7))

    class Slow(SeededEntropy):
        def random_bytes(self, count: int) -> bytes:
            place.write_bytes(first.serialise())
            return super().random_bytes(count)

    made = PlatformFile(place, Slow(8))
    assert key(made) == first.derived_key(first.tcb_version, host_data=HOST_DATA)
    assert [path.name for path in tmp_path.iterdir()] == ["machine.json"]


def test_the_environment_may_name_it(tmp_path: Path) -> None:
    assert PLACE == PLATFORM_VARIABLE
    named = PlatformFile.usual({PLACE: str(tmp_path / "m")}, SeededEntropy(1))
    key(named)
    assert (tmp_path / "m").exists()
    usual = PlatformFile.usual({}, SeededEntropy(1))
    assert usual._place == Path.home() / USUAL_PLACE


@pytest.mark.parametrize("what", ["no machine", "a folder", "below a file"])
def test_a_file_that_is_of_no_use_is_refused_with_a_remedy(
    what: str, tmp_path: Path
) -> None:
    place = tmp_path / "m"
    if what == "no machine":
        place.write_text("{}")
    elif what == "a folder":
        place.mkdir()
    else:
        place.write_text("")
        place /= "n"
    with pytest.raises(ConfigurationRefused, match=rf"; name another file in {PLACE}"):
        key(PlatformFile(place, SeededEntropy(1)))


def test_it_can_be_read_before_files_are_out_of_reach(tmp_path: Path) -> None:
    place = tmp_path / "machine.json"
    platform = PlatformFile(place, SeededEntropy(1))
    platform.load()
    expected = key(PlatformFile(place, SeededEntropy(2)))
    place.unlink()
    assert key(platform) == expected


def test_who_never_needs_it_never_hears_that_it_is_of_no_use(tmp_path: Path) -> None:
    place = tmp_path / "m"
    place.write_text("{}")
    platform = PlatformFile(place, SeededEntropy(1))
    platform.load()
    place.unlink()
    for _ in range(2):
        with pytest.raises(ConfigurationRefused, match="cannot use the virtual"):
            key(platform)
