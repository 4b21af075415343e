"""Counters and versions."""

from ccfpy.testing.node import InProcessNode
from tests.unit.node.api.test_network import ask


def test_memory_limits_and_versions(node: InProcessNode) -> None:
    memory = ask(node, "/node/memory")
    assert set(memory) == {
        "max_total_heap_size",
        "current_allocated_heap_size",
        "peak_allocated_heap_size",
    }
    version = ask(node, "/node/version")
    assert version["unsafe"] is False
    assert version["quickjs_version"]
    assert ask(node, "/node/js_metrics") == {
        "bytecode_size": 0,
        "bytecode_used": False,
        "max_cached_interpreters": 10,
        "max_execution_time": 5000,
        "max_heap_size": 100 * 1024 * 1024,
        "max_stack_size": 1024 * 1024,
    }


def test_sessions_are_counted_by_interface(node: InProcessNode) -> None:
    sessions = ask(node, "/node/metrics")["sessions"]
    assert isinstance(sessions, dict)
    interfaces = sessions["interfaces"]
    assert isinstance(interfaces, dict)
    counted = interfaces["primary_rpc_interface"]
    assert isinstance(counted, dict)
    assert (counted["soft_cap"], counted["hard_cap"]) == (1000, 1010)
    assert counted["active"] == 1
