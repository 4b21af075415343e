"""A slow call keeps nobody waiting, and what it returns comes in its own time."""

import threading
from collections.abc import Iterator

import pytest

from ccfpy.enclave.ports import SystemMemory
from ccfpy.enclave.threads import NodeThreads
from tests.unit.enclave.small_node import (
    AGAIN,
    LONG_MS,
    SHORT_MS,
    Enclave,
    Gate,
    SmallNode,
    wait_until,
)

BOTH = pytest.mark.parametrize("way", ["call", "beside"])


@pytest.fixture
def enclave() -> Iterator[Enclave]:
    started = Enclave({"fast": lambda _: threading.get_ident()})
    yield started
    started.end()


def test_fast_calls_stay_in_the_thread_that_began(enclave: Enclave) -> None:
    home = f"fast: {enclave.home.ident}"
    for _ in range(10):
        enclave.ask("fast", "fast")
        assert enclave.hear(2) == [home, home]
    assert enclave.started == 1


def test_a_call_within_another_is_part_of_it(enclave: Enclave) -> None:
    gate = Gate()

    def outer(node: SmallNode) -> object:
        inner = node.threads.call(gate, None, 1, 1)
        return node.threads.beside(lambda given: (given, inner), "both")

    enclave.node.functions["outer"] = outer
    enclave.ask("outer", "nothing")
    assert enclave.hear() == ["nothing"]
    gate.open()
    assert enclave.hear() == ["outer: ('both', 'open')"]


@BOTH
def test_a_call_that_is_made_again_keeps_nobody_waiting(
    enclave: Enclave, way: str
) -> None:
    gates = [Gate(AGAIN), Gate(AGAIN), Gate("done")]
    ahead = iter(gates)
    enclave.node.functions[way] = lambda _: next(ahead)(None)
    enclave.ask(way)
    for gate in gates:
        gate.wait_until_entered()
        enclave.ask("nothing")
        assert enclave.hear() == ["nothing"]
        gate.open()
    assert enclave.hear() == [f"{way}: done"]
    assert len(set(enclave.node.threads_of[way])) == 1


def test_a_call_that_is_made_again_is_given_up_too(enclave: Enclave) -> None:
    gates = [Gate(AGAIN), Gate("late")]
    ahead = iter(gates)
    enclave.node.functions["it"] = lambda _: next(ahead)(None)
    enclave.ask("it", "nothing")
    assert enclave.hear() == ["nothing"]
    enclave.node.execution_ms_max = 500  # from the second time on
    gates[0].open()
    assert enclave.hear()[0].startswith("given up: ")
    gates[1].open()
    wait_until(lambda: enclave.node.given_up == ["it"])


@BOTH
def test_a_call_uses_the_node_while_no_step_runs(enclave: Enclave, way: str) -> None:
    gate = Gate("text")

    def use(node: SmallNode) -> object:
        def use_within() -> str:
            inside = node.threads.inside
            return str(inside(lambda _: inside(node.use, text), 0))

        early = node.threads.inside(node.use, "early")
        text = str(gate(None))
        return early, {use_within() for _ in range(1000)}

    enclave.node.functions[way] = use
    enclave.ask(way, "nothing")
    assert enclave.hear() == ["nothing"]
    gate.open()
    heard = []
    while f"{way}: ('EARLY', {{'TEXT'}})" not in heard:
        enclave.ask("nothing")
        heard += enclave.hear()
    enclave.hear()


def test_outside_of_a_node_calls_are_plain() -> None:
    threads = NodeThreads(SystemMemory())
    assert threads.call(len, "four", 1, 1) == 4
    assert threads.beside(len, "four") == 4
    assert threads.inside(len, "four") == 4
    assert not threads.is_full
    assert not threads.is_python_full


def test_a_call_within_another_is_under_its_limit(enclave: Enclave) -> None:
    def loop(_: object) -> None:
        while True:
            len("")

    def outer(node: SmallNode) -> object:
        return node.threads.call(loop, None, LONG_MS, 1)

    assert "may take 30 ms" in enclave.call(outer, SHORT_MS)


def test_a_call_that_was_given_up_can_use_the_node_no_more(enclave: Enclave) -> None:
    gate, used = Gate(), list[int]()

    def use(node: SmallNode) -> None:
        gate(None)
        node.threads.inside(used.append, 1)

    assert enclave.call(use, SHORT_MS).startswith("given up")
    gate.open()
    wait_until(lambda: enclave.node.given_up == ["it"])
    assert not used
