"""Clients see what a service tells them, or that it tells them nothing."""

from ccfpy.consensus.status import TxStatus
from tests.lab.cluster.whole.stage import Stage
from tests.lab.consistency.history import Answered, GivenUp, Sent, StatusSeen


def test_a_write_through_a_backup_is_answered_by_the_primary(stage: Stage) -> None:
    stage.do("write 1 a")
    assert [type(event) for event in stage.clients.events] == [Sent]
    stage.do("pass 200")
    answers = [e for e in stage.clients.events if isinstance(e, Answered)]
    assert [answer.txid for answer in answers] == list(stage.clients.known)


def test_a_client_learns_what_became_of_a_write(stage: Stage) -> None:
    for line in ("write 0 a", "status 0", "pass 400", "status 0"):
        stage.do(line)
    seen = [e.status for e in stage.clients.events if isinstance(e, StatusSeen)]
    assert seen == [TxStatus.PENDING, TxStatus.COMMITTED]


def test_who_hangs_up_learns_nothing(stage: Stage) -> None:
    for line in ("faults lost:1>0", "write 1 a", "hang_up 1"):
        stage.do(line)
    assert isinstance(stage.clients.events[-1], GivenUp)


def test_a_member_is_told_whether_a_proposal_was_accepted(stage: Stage) -> None:
    stage.do("rekey 0")
    assert stage.clients.answers[-1] == ("members/proposals:create", 200)
