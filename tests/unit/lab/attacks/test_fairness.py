"""Attacks of clients that take more than their turn are as large as they say."""

from tests.lab.attacks import fairness
from tests.lab.attacks.wires import request_bytes


def test_pipelined_requests_are_a_third_of_a_mebibyte() -> None:
    total = fairness.PIPELINING_CONNECTIONS * fairness.PIPELINED_BYTES
    assert total == 300 * 1024
    assert len(request_bytes("GET", fairness.DEAR_PATH)) < fairness.PIPELINED_BYTES


def test_heads_are_bounded_by_what_a_machine_has() -> None:
    one = fairness.HEADERS * fairness.HEADER_BYTES
    assert one * fairness.HEAD_CONNECTIONS < 256 << 20
    assert fairness.BODY_SENT_BYTES + fairness.DRIPS < fairness.BODY_BYTES


def test_each_attack_ends_by_itself() -> None:
    assert max(fairness.HOLD_S, fairness.DRIPS * fairness.DRIP_PAUSE_S) <= 10
    assert {attack.name for attack in fairness.ATTACKS} == {
        "pipelining",
        "heads",
        "bodies",
    }
