"""Files of a lost service are reported; a recovering node gets what verifies."""

from pathlib import Path

import pytest

from ccfpy.audit.chains import ChainSearch
from ccfpy.audit.chunks import arrange
from ccfpy.audit.discovery import SnapshotFound, find
from ccfpy.audit.inspection import Inspection, inspect
from ccfpy.audit.readers import Readers
from ccfpy.audit.repair import all_chunks
from ccfpy.audit.shareholders import Shareholder, Shareholders
from ccfpy.base.ids import MemberId
from ccfpy.cli.recover_files import as_json, gather, print_inspection
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.snapshot import SnapshotName
from tests.unit.audit.made import written
from tests.unit.ledger.made import FIRST, recovered_ledger, small_ledger

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


def test_whole_files_are_given_as_they_are_and_others_cut(tmp_path: Path) -> None:
    ledger = small_ledger()
    ledger.say("unsigned")
    folder = written(ledger, tmp_path / "a")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (chain,) = ChainSearch(chunks=all_chunks([folder])).chains()
    remains = gather(chain, None, tmp_path / "remains")
    (committed,) = remains.read_only
    assert {path.name: path.read_bytes() for path in committed.iterdir()} == {
        name: data for name, data in before.items() if name.endswith(".committed")
    }
    (rest,) = remains.ledger.iterdir()
    assert rest.name == "ledger_9-10"
    assert Chunk.parse(ChunkName.parse(rest.name), rest.read_bytes()).last == 10
    assert remains.identity.read_text() == FIRST.certificate.pem
    assert remains.snapshots is None
    (rest).write_bytes(b"")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_pieces_of_several_files_become_one_ledger(tmp_path: Path) -> None:
    ledger = small_ledger()
    behind = written(small_ledger(), tmp_path / "behind")
    ledger.say("more")
    ledger.sign()
    ahead = written(ledger, tmp_path / "ahead")
    broken = bytearray((ahead / "ledger_6-8.committed").read_bytes())
    broken[60] ^= 1
    (ahead / "ledger_6-8.committed").write_bytes(broken)
    (chain,) = ChainSearch(chunks=all_chunks([behind, ahead])).chains()
    remains = gather(chain, None, tmp_path / "remains")
    folders = [remains.ledger, *remains.read_only]
    found = {path.name: path for folder in folders for path in folder.iterdir()}
    entries = [
        data
        for name in arrange(found)
        for _, _, data in Chunk.parse(name, found[str(name)].read_bytes()).entries()
    ]
    assert entries == [entry.data for entry in ledger.entries]


def test_a_snapshot_lies_in_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "a")
    path = tmp_path / "snapshot_8_9.committed"
    path.write_bytes(b"state")
    (chain,) = ChainSearch(chunks=all_chunks([folder])).chains()
    found = SnapshotFound(path=path, name=SnapshotName.parse(path.name))
    remains = gather(chain, found, tmp_path / "remains")
    assert remains.snapshots is not None
    assert (remains.snapshots / path.name).read_bytes() == b"state"
