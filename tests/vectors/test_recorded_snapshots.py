"""Nodes start from the snapshots that CCF itself made, and make the same ones."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccfpy.kv.store import Store
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.signature import NodeSignature
from ccfpy.ledger.snapshot import SnapshotName, SnapshotWriting
from ccfpy.ledger.tables import SIGNATURES, SINGLE_KEY
from ccfpy.node.snapshots.starting_point import SnapshotRefused, StartingPoint
from tests.unit.kv.plain_snapshot import snapshot_of
from tests.vectors.recording import Recording


def snapshots(recording: Recording) -> Iterator[tuple[SnapshotName, Path]]:
    for path in sorted((recording.folder / "snapshots").glob("snapshot_*")):
        yield SnapshotName.parse(path.name), path


def test_a_node_goes_on_from_them_with_the_roots_that_were_signed(
    recording: Recording, secrets: LedgerSecrets
) -> None:
    for name, path in snapshots(recording):
        identity = recording.service_at(name.evidence)
        start = StartingPoint.read(path.read_bytes(), [identity])
        store, tree = Store(), start.tree()
        start.install(store, secrets)
        checked = 0
        for transaction in recording.transactions[start.seqno :]:
            writes = transaction.writes(secrets)
            signature = writes.get(SIGNATURES, {}).get(SINGLE_KEY)
            if signature is not None:
                assert NodeSignature.parse(signature).root == tree.root()
                checked += 1
            store.apply(transaction.txid.seqno, writes)
            tree.append(transaction.leaf)
        assert checked > 1


def test_the_same_state_is_written_with_the_same_bytes(
    recording: Recording, secrets: LedgerSecrets
) -> None:
    for name, path in snapshots(recording):
        data = path.read_bytes()
        start = StartingPoint.read(data, [recording.service_at(name.evidence)])
        store = Store()
        start.install(store, secrets)
        writing = SnapshotWriting(
            secrets.at(start.seqno),
            seqno=start.seqno,
            leaf=start.snapshot.public.leaf,
            view_history=start.starts,
            public=store.freeze(start.seqno, public=True),
            private=store.freeze(start.seqno, public=False),
        )
        assert writing.advance(10**9)
        assert data.startswith(b"".join(writing.pieces))
        assert writing.digest == start.snapshot.digest


def test_the_ledger_replayed_gives_the_same_state(
    recording: Recording, secrets: LedgerSecrets
) -> None:
    for name, path in snapshots(recording):
        identity = recording.service_at(name.evidence)
        start = StartingPoint.read(path.read_bytes(), [identity])
        restored, replayed = Store(), Store()
        start.install(restored, secrets)
        for transaction in recording.transactions[: start.seqno]:
            replayed.apply(transaction.txid.seqno, transaction.writes(secrets))
        for public in (True, False):
            kept = {
                each.name: sorted(each.entries)
                for each in snapshot_of(restored, start.seqno, public=public)
            }
            assert kept == {
                each.name: sorted(each.entries)
                for each in snapshot_of(replayed, start.seqno, public=public)
            }


def test_one_of_an_earlier_identity_needs_that_identity(recording: Recording) -> None:
    latest = recording.service_at(recording.transactions[-1].txid.seqno)
    for name, path in snapshots(recording):
        identity = recording.service_at(name.evidence)
        data = path.read_bytes()
        if identity.public_key != latest.public_key:
            with pytest.raises(SnapshotRefused, match="of another service"):
                StartingPoint.read(data, [latest])
        assert StartingPoint.read(data, [latest, identity]).seqno == name.seqno
