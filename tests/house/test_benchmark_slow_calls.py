"""What the threads of a node cost a call is measured on the threads themselves."""

from benchmarks.harness.calls import threads_cost_us

COST_US_MAX = 20.0
"""Far more than it is on any machine, and far less than a switch of threads."""


def test_a_fast_call_costs_far_less_than_a_request() -> None:
    costs = threads_cost_us(2)
    assert len(costs) == 2
    assert min(costs) < COST_US_MAX
