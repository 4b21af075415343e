"""What nodes tell of the past is held against the final ledger."""

from dataclasses import replace

import pytest

from tests.lab.cluster.whole.final_checks import check_run
from tests.lab.cluster.whole.stage import Stage
from tests.lab.invariants.violated import Violated


@pytest.fixture
def told(stage: Stage) -> Stage:
    for line in ("write 0 a", "write 0 b", "pass 400", "past 1 0", "index 1 a"):
        stage.do(line)
    stage.do("pass 400")
    return stage


def test_the_past_and_indexes_are_told_with_proofs(told: Stage) -> None:
    assert len(told.clients.past) == 4
    (index,) = told.clients.indexes
    assert len(index.seqnos) == 1
    check_run(told)


def test_who_asks_for_what_is_not_committed_is_told_nothing(told: Stage) -> None:
    told.do("past 1 2")
    told.do("pass 100")
    assert len(told.clients.past) == 4


@pytest.mark.parametrize("field", ["txid", "tables"])
def test_another_past_is_seen(told: Stage, field: str) -> None:
    first, second = told.clients.past[:2]
    told.clients.past[0] = replace(
        first, told={**first.told, field: second.told["txid"]}
    )
    with pytest.raises(Violated, match="HistoryIsLedger"):
        check_run(told)


def test_the_proof_of_another_transaction_is_seen(told: Stage) -> None:
    first, second = told.clients.past[:2]
    told.clients.past[0] = replace(
        first, told={**first.told, "receipt": second.told["receipt"]}
    )
    with pytest.raises(Violated, match="ReceiptsVerify"):
        check_run(told)


def test_an_index_that_misses_a_write_is_seen(told: Stage) -> None:
    told.clients.indexes[0].seqnos.clear()
    with pytest.raises(Violated, match="IndexIsLedger"):
        check_run(told)
