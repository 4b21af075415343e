"""Each step is held against the past."""

import pytest

from ccfpy.boundary.effects import (
    AppendLedger,
    LogLevel,
    SendToPeer,
    WriteLog,
)
from tests.damage import with_a_bit_changed
from tests.lab.cluster.whole.app import CANARY
from tests.lab.cluster.whole.stage import Stage
from tests.lab.invariants.violated import Violated


def test_nothing_private_may_leave(stage: Stage) -> None:
    node = stage.world.nodes[0]
    secret = node.running.tail.secrets.at(1).raw
    words = (CANARY, secret.hex(), node.running.identity.key.pem.split("\n")[2])
    for word in words:
        log = WriteLog(level=LogLevel.INFO, message=f"said {word}")
        with pytest.raises(Violated, match=r"NothingPrivate.*Log"):
            stage.watch.step(node, [log])
    sent = SendToPeer(to=node.id, kind=1, payload=b"x" + secret)
    with pytest.raises(Violated, match=r"NothingPrivate.*SendToPeer"):
        stage.watch.step(node, [sent])


def test_no_backup_refuses_what_a_primary_sends(stage: Stage) -> None:
    message = "Follower failed to apply log entry: 7 (it does not fit)"
    log = WriteLog(level=LogLevel.FAIL, message=message)
    with pytest.raises(Violated, match=r"EntriesVerify.*7 \(it does not fit\)"):
        stage.watch.step(stage.world.nodes[0], [log])


def test_a_transaction_has_one_entry(stage: Stage) -> None:
    node = stage.world.nodes[0]
    data = node.entry(3)
    other = with_a_bit_changed(data)
    with pytest.raises(Violated, match="UniqueTxs"):
        stage.watch.step(node, [AppendLedger(first_seqno=3, entries=(other,))])
    with pytest.raises(Violated, match="LedgerOrder"):
        stage.watch.step(node, [AppendLedger(first_seqno=4, entries=(other,))])


def test_a_view_has_one_leader(stage: Stage) -> None:
    one, two = stage.world.nodes[:2]
    stage.watch.leaders[one.view] = two.id
    with pytest.raises(Violated, match="MoreThanOneLeaderInv"):
        stage.watch.step(one, [])


def test_what_is_final_is_the_same_everywhere(stage: Stage) -> None:
    stage.watch.final[-1] = b"another"
    stage.do("write 0 a")
    node = stage.world.nodes[0]
    seqno = len(stage.watch.final)
    stage.watch._commits[node.name] = seqno - 1
    with pytest.raises(Violated, match="LogInv"):
        stage.watch.step(node, [])


def test_equal_prefixes_have_equal_roots(stage: Stage) -> None:
    node = stage.world.nodes[0]
    stage.watch.roots[node.commit] = bytes(32)
    stage.watch._commits[node.name] = node.commit - 1
    with pytest.raises(Violated, match="RootsEqual"):
        stage.watch.step(node, [])
