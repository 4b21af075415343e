"""The results of a run are compared with each other."""

import pytest

from tests.damage import with_a_bit_changed
from tests.lab.cluster.whole.disks import chunks_of
from tests.lab.cluster.whole.final_checks import check_run
from tests.lab.cluster.whole.host import LEDGER, SNAPSHOTS
from tests.lab.cluster.whole.stage import Stage
from tests.lab.consistency.history import Answered
from tests.lab.invariants.violated import Violated


@pytest.fixture
def played(stage: Stage) -> Stage:
    for line in ("snapshot 0", "write 0 a", "chunk 0", "write 1 b", "pass 1000"):
        stage.do(line)
    return stage


def test_a_run_without_faults_fits_together(played: Stage) -> None:
    snapshots = played.world.nodes[0].files.disk.names(SNAPSHOTS)
    assert any(name.endswith(".committed") for name in snapshots)
    check_run(played)


def test_another_state_than_the_ledger_is_seen(played: Stage) -> None:
    store = played.world.nodes[1].running.tail.store
    chains = store.maps["objects"].chains
    key = next(iter(chains))
    chains[key] = (chains[key][0], b"?", None)
    with pytest.raises(Violated, match=r"StateIsLedger.*objects"):
        check_run(played)


def test_a_damaged_snapshot_is_seen(played: Stage) -> None:
    disk = played.world.nodes[0].files.disk
    name = next(n for n in disk.names(SNAPSHOTS) if n.endswith(".committed"))
    data = disk.content(SNAPSHOTS / name)
    disk.put(SNAPSHOTS / name, with_a_bit_changed(data, 100))
    with pytest.raises(Violated, match="SnapshotStarts"):
        check_run(played)


def test_a_changed_ledger_file_is_seen(played: Stage) -> None:
    disk = played.world.nodes[1].files.disk
    name, data = next((n, d) for n, d in chunks_of(disk) if n.is_committed)
    at = data.index(b"public:") + 8
    disk.put(LEDGER / str(name), with_a_bit_changed(data, at))
    with pytest.raises(Violated, match="LedgerIsWritten"):
        check_run(played)


def test_an_answer_that_nothing_bears_out_is_seen(played: Stage) -> None:
    events = played.clients.events
    at, answer = next((at, e) for at, e in enumerate(events) if isinstance(e, Answered))
    events[at] = Answered(
        at_us=answer.at_us,
        client=answer.client,
        node=answer.node,
        op=answer.op,
        txid=answer.txid,
        count=answer.count + 1,
        tail=answer.tail,
    )
    with pytest.raises(Violated, match="Consistency"):
        check_run(played)
