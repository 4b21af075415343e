"""A traitor's program is this Python's, as the honest nodes' is."""

import sys

from tests.lab.attacks import traitor
from tests.lab.attacks.peers import ATTACKS, TRAITOR_PROGRAM


def test_the_traitor_is_started_as_a_node_is() -> None:
    assert (sys.executable, "-m", traitor.__name__) == TRAITOR_PROGRAM
    assert [attack.name for attack in ATTACKS] == ["traitor"]
