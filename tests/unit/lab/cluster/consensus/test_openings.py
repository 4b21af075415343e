"""Openings can be followed to their ends, in services of three."""

import pytest

from tests.lab.cluster.consensus.openings import OPENINGS, lines_of
from tests.lab.cluster.consensus.stage import Stage


@pytest.mark.parametrize("number", range(len(OPENINGS)))
def test_an_opening_can_be_followed(number: int) -> None:
    stage = Stage()
    stage.do("start_node", "0")
    stage.do("emit_signature", "2")
    stage.do("trust_nodes", "2", "1", "2")
    stage.do("loop_until_sync")
    for words in lines_of(OPENINGS[number]):
        stage.do(*words)
    assert len(stage.lines) > 5
