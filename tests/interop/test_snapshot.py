"""CCF's own tools read the snapshot files that ccfpy's format code writes."""

from pathlib import Path

import pytest

from ccfpy.crypto.hashing import sha256
from ccfpy.kv.snapshot import MapSnapshot, PublicSnapshot
from ccfpy.ledger.snapshot import SnapshotName, receipt_bytes
from ccfpy.ledger.tables import SERVICE_INFO, SINGLE_KEY, SNAPSHOT_EVIDENCE, TREE
from tests.interop.environments import Tools
from tests.unit.ledger.made import FIRST, small_ledger
from tests.unit.ledger.plain_snapshot import write_snapshot

SEQNO = 10


def _write(folder: Path) -> Path:
    """Write a committed snapshot of a small ledger's state at its last signature."""
    ledger = small_ledger()
    tree = ledger.tree.serialise(SEQNO - 2)
    info = FIRST.service_info("Open")[SERVICE_INFO][SINGLE_KEY] or b""
    public = (
        MapSnapshot(SERVICE_INFO, 3, ((SINGLE_KEY, 3, info),)),
        MapSnapshot(TREE, SEQNO, ((SINGLE_KEY, SEQNO, tree),)),
        # Keys and values of every length up to the padding's.
        MapSnapshot("public:log", 9, tuple((b"k" * i, 9, b"v" * i) for i in range(9))),
    )
    private = (MapSnapshot("messages", 9, ((b"1", 9, b"kept to ourselves"),)),)
    state = PublicSnapshot(SEQNO, ledger.entries[SEQNO - 1].leaf, (1, 1), public)
    data = write_snapshot(ledger.secret, state, private)
    digest = sha256(data)
    evidence = ledger.put({SNAPSHOT_EVIDENCE: {SINGLE_KEY: b"{}"}}, claims=digest)
    ledger.sign()
    name = SnapshotName(seqno=SEQNO, evidence=evidence.seqno).committed()
    path = folder / str(name)
    path.write_bytes(data + receipt_bytes(ledger.receipt(evidence.seqno, digest)))
    return path


def test_a_committed_snapshot_is_read_and_its_receipt_verified(
    tools: Tools, tmp_path: Path
) -> None:
    shown = tools.ok("read_ledger.py", "--snapshot", _write(tmp_path)).decode()
    assert '"public:log" (9 writes)' in shown
    assert "vvvvvvvv" in shown
    assert "kept to ourselves" not in shown


def test_a_snapshot_with_a_changed_receipt_is_refused(
    tools: Tools, tmp_path: Path
) -> None:
    path = _write(tmp_path)
    data = path.read_bytes()
    at = data.index(b'"commit_evidence":"ce:') + len(b'"commit_evidence":"ce:2.11:')
    path.write_bytes(data[:at] + b"0" * 8 + data[at + 8 :])
    assert tools.run("read_ledger.py", "--snapshot", path).returncode != 0


@pytest.mark.parametrize("place", [60, 200])
def test_a_changed_snapshot_does_not_fit_its_receipt(
    ccf7: Tools, tmp_path: Path, place: int
) -> None:
    path = _write(tmp_path)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert ccf7.run("read_ledger.py", "--snapshot", path).returncode != 0
