"""Several nodes agree in one thread, and the same calls always do the same."""

from pathlib import Path

import pytest

from ccfpy.app import App, Context
from ccfpy.base import json
from ccfpy.base.json import Json
from ccfpy.boundary.effects import OpenCall, SendToPeer, SetPeer
from ccfpy.crypto.hashing import sha256
from ccfpy.testing.configuration import Person
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode

CONSTITUTION = "\n".join(
    (Path(__file__).parents[3] / "governance/constitutions/default" / name).read_text()
    for name in ("actions.js", "validate.js", "resolve.js", "apply.js")
)
MEMBERS = (Person.make("member0", can_recover=True),)
USER = Person.make("user0")
app = App("hello")


@app.get("/hello", auth=["user_cert"])
def hello(ctx: Context) -> str:
    """Greet."""
    return f"hello {ctx.request.method}"


def unopened(count: int, *, seed: int = 1) -> Network:
    """Begin a service, and let so many nodes join it."""
    network = Network(app, constitution=CONSTITUTION, members=MEMBERS, seed=seed)
    network.start()
    for _ in range(count - 1):
        network.wait_until_settled(network.join())
    return network


def service(count: int = 1) -> Network:
    """Begin a service of so many nodes, and open it."""
    network = unopened(count)
    network.nodes[0].open_service(USER)
    return network


def state(node: InProcessNode) -> dict[str, Json]:
    return json.loads_object(node.request("GET", "/node/state").body)


@pytest.fixture(scope="module")
def network() -> Network:
    return service(3)


@pytest.mark.slow
def test_every_node_has_the_same_ledger(network: Network) -> None:
    first, *others = network.nodes
    network.wait_until_settled()
    for node in others:
        assert node.host.entries == first.host.entries
        assert state(node)["state"] == "PartOfNetwork"


def test_every_node_serves_once_the_service_is_open(network: Network) -> None:
    for node in network.nodes:
        answer = node.request("GET", "/app/hello", person=USER)
        assert answer.status == 200, answer.body


def test_nodes_have_addresses_and_keys_of_their_own(network: Network) -> None:
    configurations = [node.boot.configuration for node in network.nodes]
    assert len({c.node_to_node.published_address for c in configurations}) == 3
    assert len({c.rpc_interfaces[0].published_address for c in configurations}) == 3
    assert len({node.node_id for node in network.nodes}) == 3


@pytest.mark.slow
def test_the_same_seed_gives_the_same_ledger() -> None:
    ledgers = [
        sha256(b"".join(unopened(2, seed=seed).nodes[1].host.entries))
        for seed in (5, 5, 6)
    ]
    assert ledgers[0] == ledgers[1]
    assert ledgers[0] != ledgers[2]


@pytest.mark.slow
def test_a_service_goes_on_without_its_first_node() -> None:
    network = service(3)
    first, second, third = network.nodes
    network.kill(first)
    assert not network.is_alive(first)

    def leaders() -> set[str | None]:
        replicas = [node.trusted.running for node in (second, third)]
        return {running.primary_id for running in replicas if running is not None}

    network.wait_until(lambda: leaders() in ({second.node_id}, {third.node_id}))


def test_a_cut_loses_what_is_sent_until_it_heals() -> None:
    network = service(2)
    first, second = network.nodes
    network.cut(first, second)
    first.propose({"name": "set_user", "args": {"cert": USER.certificate.pem}})
    network.advance(500)
    assert len(second.host.entries) < len(first.host.entries)
    network.heal()
    network.wait_until(lambda: second.host.entries == first.host.entries)


def test_nobody_answers_where_nobody_listens() -> None:
    network = service()
    first = network.nodes[0]
    stranger = network.join()
    network.kill(first)
    network.advance(2000)
    assert any("connection refused" in log.message for log in stranger.host.logs)


def test_waiting_ends() -> None:
    network = service()
    with pytest.raises(AssertionError, match="not so within 100 ms"):
        network.wait_until(lambda: False, most_ms=100)


def test_what_concerns_one_host_alone_stays_with_it(network: Network) -> None:
    first = network.nodes[0]
    kinds = {type(effect) for effect in first.host.effects}
    assert SetPeer in kinds
    assert SendToPeer in kinds
    assert OpenCall not in kinds
