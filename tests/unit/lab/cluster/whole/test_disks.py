"""The content of a disk is compared with the entries that its node had."""

import pytest

from tests.damage import with_a_bit_changed
from tests.lab.cluster.whole.disks import (
    check_survivor,
    chunks_of,
    held_bytes,
    let_fail,
)
from tests.lab.cluster.whole.host import LEDGER
from tests.lab.cluster.whole.stage import Stage
from tests.lab.invariants.violated import Violated


def test_a_killed_node_leaves_its_signed_ledger(stage: Stage) -> None:
    node = stage.world.nodes[0]
    check_survivor(node, node.files.disk.after_kill())
    assert held_bytes(node.files.disk) > 1000


def test_a_changed_entry_is_seen(stage: Stage) -> None:
    node = stage.world.nodes[0]
    disk = node.files.disk.after_kill()
    name, data = chunks_of(disk)[0]
    at = data.index(b"public:") + 8
    disk.put(LEDGER / str(name), with_a_bit_changed(data, at))
    with pytest.raises(Violated, match="LedgerIsWritten"):
        check_survivor(node, disk)


def test_a_lost_signature_is_seen(stage: Stage) -> None:
    node = stage.world.nodes[0]
    disk = node.files.disk.after_kill()
    for name, _ in chunks_of(disk):
        disk.remove(LEDGER / str(name))
    with pytest.raises(Violated, match="LedgerSurvives"):
        check_survivor(node, disk)


@pytest.mark.parametrize("how", ["write", "any", "full"])
def test_a_disk_that_fails_ends_its_node(stage: Stage, how: str) -> None:
    stage.do(f"disk 2 {how} 3")
    for _ in range(30):
        stage.do("write 0 a")
    stage.do("pass 1000")
    node = stage.world.nodes[2]
    assert not node.is_alive
    assert "cannot write the ledger" in node.end or "cannot commit" in node.end


def test_a_full_disk_takes_what_fits(stage: Stage) -> None:
    disk = stage.world.nodes[0].files.disk
    let_fail(disk, "full", 0)
    assert disk.bytes_max is not None
    assert disk.bytes_max > held_bytes(disk)
