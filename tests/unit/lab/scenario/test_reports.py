"""Commands that only tell something."""

from tests.lab.scenario import steps
from tests.lab.scenario.cluster import Cluster
from tests.lab.scenario.reports import Reports


def test_states_logs_and_messages_are_told() -> None:
    said: list[str] = []
    reports = Reports(said.append)
    cluster = Cluster()
    steps.start_node(cluster, ["0"])
    steps.emit_signature(cluster, ["2"])
    steps.trust_nodes(cluster, ["2", "1"])
    reports.state_all(cluster, [])
    reports.log_all(cluster, [])
    reports.state_one(cluster, ["1"])
    reports.log_one(cluster, ["0"])
    reports.messages(cluster, ["0", "1"])
    assert said == [
        "0: leadership P membership A @2.3 (committed 2)",
        "1: leadership ? membership A @0.0 (committed 0)",
        "0: 2.1, [2.2], 2.3",
        "1: ",
        "1: leadership ? membership A @0.0 (committed 0)",
        "0: 2.1, [2.2], 2.3",
        "0->1: 1 [AE(t2, (2.2, 2.2])]",
    ]
