"""An application's mistake costs one caller its answer; the node continues to serve."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccfpy.client.blocking import BlockingConnection
from tests.attacks import attack
from tests.e2e.careless_app import MISTAKES
from tests.e2e.running import Running, running_node, wait_until

APP = Path(__file__).with_name("careless_app.py")
LATE = "Operation took too long to complete."


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A node with the application."""
    with running_node(
        tmp_path_factory.mktemp("careless"),
        app=str(APP),
        extra={"logging": {"tracebacks": True}},
    ) as node:
        node.open(["user0"])
        yield node


@pytest.fixture(scope="module")
def user(node: Running) -> Iterator[BlockingConnection]:
    """Return a client that meets the mistakes."""
    with node.connect("user0") as user:
        yield user


@attack("applications: a handler without end", "loop", "sleep", "catch")
@attack("applications: a handler that takes memory without end", "hoard")
@attack("applications: a handler that ends the program", "leave")
@pytest.mark.parametrize("how", MISTAKES)
def test_a_mistake_is_one_callers_error(
    node: Running, user: BlockingConnection, how: str
) -> None:
    enclave = node.enclave_pid
    reply = user.request("PUT", f"/app/mistake?how={how}")
    assert reply.status == 500
    failure = reply.text.partition("the reason under ")[2][:16]
    if how in ("loop", "sleep", "catch"):
        assert LATE in reply.text
    assert user.get("/app/mistake").status == 204, "what it wrote is dropped"
    assert node.enclave_pid == enclave

    def is_logged() -> bool:
        """Return whether the log, which is not written before the answer, says why."""
        log = node.node.log.read_text()
        return (
            f"in PUT /app/mistake (id {failure})" in log
            and f"id {failure}: " in log
            and "careless_app.py" in log
        )

    wait_until(is_logged, what="the mistake's traceback in the log")


@attack("applications: an answer that ends the process that writes it")
def test_a_giant_answer_is_never_made(node: Running, user: BlockingConnection) -> None:
    enclave = node.enclave_pid
    reply = user.request("GET", "/app/large?count=100000000")
    assert reply.status == 500
    assert len(user.get("/app/large?count=1000").json()) == 1000  # type: ignore[arg-type]
    assert node.enclave_pid == enclave
