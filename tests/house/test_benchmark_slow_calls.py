"""What it costs a call to be watched is measured in an enclave, in turns."""

from benchmarks.harness.calls import watching_costs_us

COST_US_MAX = 20.0
"""Far more than it is on any machine, and far less than a switch of threads."""


def test_a_fast_call_costs_far_less_than_a_request() -> None:
    costs = watching_costs_us(2, fours=20)
    assert len(costs) == 2
    assert min(costs) < COST_US_MAX
