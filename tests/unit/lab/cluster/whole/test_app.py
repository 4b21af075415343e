"""Objects show what was written to them."""

import pytest

from tests.lab.cluster.whole.app import CANARY, TAIL, app
from tests.lab.cluster.whole.stage import Stage
from tests.lab.consistency.history import Answered


@pytest.mark.slow
def test_an_object_shows_its_last_writes(stage: Stage) -> None:
    for _ in range(TAIL + 2):
        stage.do("write 0 a")
    stage.do("read 0 a")
    answers = [event for event in stage.clients.events if isinstance(event, Answered)]
    assert answers[-1].count == TAIL + 2
    assert answers[-1].tail == tuple(event.op for event in answers[2:-1])


@pytest.mark.newest
def test_nothing_private_is_in_the_ledger(stage: Stage) -> None:
    stage.do("write 0 a")
    ledger = b"".join(stage.world.nodes[0].entries)
    assert b"public:writes" in ledger
    assert CANARY.encode() not in ledger
    assert app.registry().prefix == "app"
