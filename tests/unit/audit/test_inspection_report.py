"""A report says what is restored, who must help, and what a reader must not miss."""

from pathlib import Path

from ccfpy.audit.discovery import find
from ccfpy.audit.inspection_report import (
    InspectionReport,
    inspect_with_members,
    report_of,
)
from ccfpy.audit.readers import Readers
from tests.unit.audit.made import written
from tests.unit.audit.test_verification import long_ledger
from tests.unit.ledger.made import small_ledger


def report(folder: Path) -> InspectionReport:
    return report_of(*inspect_with_members(find([folder]), Readers()))


def test_a_sound_ledger_is_restored_whole(tmp_path: Path) -> None:
    written(small_ledger(), tmp_path / "ledger")
    found = report(tmp_path)
    (service,) = found.services
    assert found.is_whole
    assert service.can_begin
    assert [line.label for line in service.restored] == ["ledger"]
    assert service.shares == "none has a recovery share"
    assert [(line.label, line.is_bad) for line in service.lost] == [
        ("lost", False),
        ("acknowledged writes", False),
    ]
    assert service.files == found.unclaimed == ()


def test_damage_is_named_with_its_place_and_not_hidden(tmp_path: Path) -> None:
    folder = written(long_ledger(), tmp_path / "ledger")
    changed = max(folder.iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(changed.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    found = report(tmp_path)
    assert not found.is_whole
    bad = [line for service in found.services for line in service.files if line.is_bad]
    assert str(changed) in {line.label for line in (*bad, *found.unclaimed)}


def test_what_is_not_used_is_named_with_the_reason(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "ledger")
    (folder / "snapshot_8_9.committed").write_bytes(b"noise")
    (folder / "ledger_16.recovery").touch()
    snapshot, recovery = report(tmp_path).unused
    assert snapshot.startswith(f"{folder / 'snapshot_8_9.committed'}: ")
    assert recovery.startswith("1 file of recoveries that were not finished")
