"""Which answers the attacks take for a refusal, and for a call that was ended."""

import pytest

from ccfpy.base import limits
from tests.lab.attacks import slow_calls
from tests.lab.attacks.app import SLEEP_S, WAIT_S
from tests.lab.attacks.wires import Answered

LATE = b'{"error":{"message":"Operation took too long to complete."}}'


@pytest.mark.parametrize(
    ("answered", "is_refused", "is_late"),
    [
        (Answered(503, b"", {"retry-after": "3"}), True, False),
        (Answered(503, b"", {}), False, False),
        (Answered(503, b"", {"retry-after": "soon"}), False, False),
        (Answered(500, b"", {"retry-after": "3"}), False, False),
        (Answered(500, LATE, {}), False, True),
        (Answered(500, b"{}", {}), False, False),
        (Answered(200, LATE, {}), False, False),
    ],
)
def test_answers_are_told_apart(
    answered: Answered, *, is_refused: bool, is_late: bool
) -> None:
    assert slow_calls.is_refused(answered) is is_refused
    assert slow_calls.is_late(answered) is is_late


def test_a_node_that_waits_for_a_call_exceeds_the_bounds() -> None:
    script_s = limits.JS_EXECUTION_MS_MAX / 1000
    for attack in slow_calls.ATTACKS:
        slow_s = WAIT_S if attack.name == "crowd" else script_s
        if attack.name == "hang":
            slow_s = SLEEP_S
        assert attack.bounds.p99_max_s < slow_s, attack.name
