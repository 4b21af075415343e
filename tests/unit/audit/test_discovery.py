"""Ledgers and snapshots are found wherever they lie in some folders."""

from pathlib import Path

import pytest

from ccfpy.audit import discovery
from ccfpy.audit.discovery import TooMany, find, service_of, state_of
from ccfpy.base.errors import Malformed
from ccfpy.kv.snapshot import MapSnapshot, PublicSnapshot
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.ledger.snapshot import Snapshot
from tests.unit.audit.made import written
from tests.unit.ledger.made import small_ledger
from tests.unit.ledger.plain_snapshot import write_snapshot


def test_files_are_known_by_their_names_in_any_folder(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "ledger")
    deep = tmp_path / "node" / "0.ledger"
    deep.mkdir(parents=True)
    (folder / "ledger_9").rename(deep / "ledger_9")
    (deep / "ledger_11.recovery").write_bytes(b"")
    (deep / "ledger_9.ignored").write_bytes(b"")
    found = find([tmp_path, folder])
    assert [str(chunk.name) for chunk in found.chunks] == [
        "ledger_1-5.committed",
        "ledger_6-8.committed",
        "ledger_9",
    ]
    assert [path.name for path in found.provisional] == ["ledger_11.recovery"]
    assert [path.name for path in found.set_aside] == ["ledger_9.ignored"]


def test_snapshots_are_read_and_the_latest_is_first(tmp_path: Path) -> None:
    for name in ("snapshot_8_9.committed", "snapshot_20_22.committed"):
        (tmp_path / name).write_bytes(b"noise")
    later, earlier = find([tmp_path]).snapshots
    assert (later.name.seqno, earlier.name.seqno) == (20, 8)
    assert later.state is None
    assert later.trouble is not None


def test_a_snapshot_without_its_receipt_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "snapshot_8_9").write_bytes(b"not yet complete")
    (tmp_path / "snapshot_8_9.committed_11").write_bytes(b"as CCF 1 named them")
    assert {each.path.name: each.trouble for each in find([tmp_path]).snapshots} == {
        "snapshot_8_9": "no receipt is in it, since it was not complete",
        "snapshot_8_9.committed_11": "no receipt is in it, since CCF 1 kept none there",
    }


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        find([tmp_path / "absent"])


def test_no_more_files_are_looked_at_than_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "DISCOVERED_FILES_MAX", 3)
    for number in range(3):
        (tmp_path / str(number)).touch()
    find([tmp_path])
    (tmp_path / "one more").touch()
    with pytest.raises(TooMany, match="more than 3 files"):
        find([tmp_path])


def snapshot(maps: list[MapSnapshot]) -> Snapshot:
    public = PublicSnapshot(
        version=8, leaf=bytes(32), view_history=(1, 1), maps=tuple(maps)
    )
    return Snapshot.parse(write_snapshot(LedgerSecret(raw=bytes(32)), public, ()))


def test_a_state_without_a_service_is_none() -> None:
    with pytest.raises(Malformed, match="without a service"):
        service_of(snapshot([]))


def test_a_state_without_a_signature_is_no_beginning() -> None:
    with pytest.raises(Malformed, match="holds no signature"):
        state_of(snapshot([]))
