"""The report on members, forks, snapshots and unfinished recoveries."""

from pathlib import Path

import pytest

from ccfpy.audit.discovery import find
from ccfpy.audit.inspection import Inspection, inspect
from ccfpy.audit.readers import Readers
from ccfpy.audit.shareholders import Shareholder, Shareholders
from ccfpy.base.ids import MemberId
from ccfpy.cli.recover_report import as_json, print_inspection
from tests.unit.audit.made import written
from tests.unit.ledger.made import recovered_ledger, small_ledger

HOLDERS = Shareholders(
    threshold=2,
    members=[
        Shareholder(
            id=MemberId(name), status="Active", role=role, has_share=has, data=None
        )
        for name, role, has in (
            ("aa", "Participant", True),
            ("bb", "Owner", True),
            ("cc", "NonParticipant", False),
        )
    ],
)


@pytest.fixture
def found(tmp_path: Path) -> Inspection:
    lost = small_ledger()
    lost.say("signed, and never committed")
    lost.sign()
    written(lost, tmp_path / "old")
    folder = written(recovered_ledger(), tmp_path / "new")
    (folder / "ledger_16.recovery").touch()
    (folder / "snapshot_8_9.committed").write_bytes(b"noise")
    return inspect(find([tmp_path]), Readers())


def test_people_are_told(found: Inspection, capsys: pytest.CaptureFixture[str]) -> None:
    print_inspection(found, [HOLDERS])
    told = capsys.readouterr().out
    assert "was Open, recovered 1 time before; what is restored ends at 4.15" in told
    assert "members: 2 shares are needed, or one owner's key" in told
    assert "    aa  Active, has a share\n    bb  Active, has the whole key\n" in told
    assert "    cc  Active, has no share\n" in told
    assert "not restored: another history of it, which ends at 2.12" in told
    assert "lost: nothing that is known of" in told
    assert "Not used: 1 file of recoveries that were not finished" in told
    assert "snapshot_8_9.committed: " in told


def test_programs_are_told(found: Inspection) -> None:
    told = as_json(found, [HOLDERS])
    services = told["services"]
    assert isinstance(services, list)
    (service,) = services
    assert service["last_signed"] == "4.15"
    assert service["recovery_threshold"] == 2
    assert [fork["last_signed"] for fork in service["forks"]] == ["2.12"]
    assert len(service["identities"]) == 2
    assert [member["has_share"] for member in service["members"]] == [True, True, False]
