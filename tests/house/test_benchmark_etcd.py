"""What the benchmark of etcd's calls asks, and what it says of the answers."""

from apps.etcd.grpc import unframe
from apps.etcd.messages import PutRequest, RangeRequest
from apps.etcd.wire import decode
from benchmarks.etcd import CONNECTIONS, OURS, Period, figures, kinds
from benchmarks.harness.works import RECORDS
from benchmarks.servers.etcd import VALUE


def _period(cpu_us: float) -> Period:
    return Period(cpu_us=cpu_us, per_s=1e6 / cpu_us, p50_ms=cpu_us / 1000)


def test_the_calls_name_a_hundred_keys_and_say_what_they_ask_for() -> None:
    commit, applied, linearizable, serializable = kinds()
    assert commit.messages == applied.messages
    puts = [decode(PutRequest, unframe(each)) for each in commit.messages]
    assert len({put.key for put in puts}) == RECORDS
    assert {put.value for put in puts} == {VALUE}
    assert dict(applied.headers)["x-ccfpy-answer"] == "applied"
    assert "x-ccfpy-answer" not in dict(commit.headers)
    for kind, expected in ((linearizable, False), (serializable, True)):
        ranges = [decode(RangeRequest, unframe(each)) for each in kind.messages]
        assert {each.serializable for each in ranges} == {expected}
        assert {each.key for each in ranges} == {put.key for put in puts}


def test_etcd_stands_beside_and_budgets_hold_for_ten_clients() -> None:
    kind = kinds()[0]
    by = {OURS: [_period(600.0), _period(650.0)], "etcd": [_period(200.0)]}
    cpu, answered, latency = figures(kind, CONNECTIONS[-1], by)
    assert (cpu.values, cpu.peers, cpu.budget) == (
        (600.0, 650.0),
        {"etcd": 200.0},
        kind.budget_us,
    )
    assert answered.budget is None
    assert latency.budget is None
    cpu, _, latency = figures(kind, 1, by)
    assert cpu.budget is None
    assert latency.budget is not None
