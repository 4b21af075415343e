"""A recovering node is given exactly what verifies."""

from pathlib import Path

from ccfpy.audit.chains import ChainSearch
from ccfpy.audit.chunks import arrange
from ccfpy.audit.discovery import SnapshotFound
from ccfpy.audit.repair import all_chunks
from ccfpy.cli.recover_remains import gather
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.snapshot_name import SnapshotName
from tests.unit.audit.made import written
from tests.unit.ledger.made import FIRST, small_ledger


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
