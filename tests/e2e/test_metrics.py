"""Three nodes with metrics on: what Prometheus reads, and what it sees of a failure."""

import asyncio
import urllib.request
from collections.abc import Iterator

import pytest

from ccfpy.boundary.metrics import METRICS, PREFIX
from ccfpy.client.share import constitution
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.deploy.tools import need, ok, run
from tests.e2e.running import wait_until
from tests.exposition import read, total, value

pytestmark = pytest.mark.slow

WRITES = 20
ONLY_SOMETIMES = {
    "ccfpy_js_calls_total",
    "ccfpy_js_call_duration_seconds",
    "ccfpy_js_interpreters_total",
    "ccfpy_js_limit_hits_total",
    "ccfpy_index_lag_seqno",
}
"""Of an app with scripts, and of one with indexes."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessNetwork]:
    """Return an open service of three nodes."""
    network = ProcessNetwork(
        ServiceOptions(
            workspace=tmp_path_factory.mktemp("metrics"),
            app="logging",
            constitution=constitution("default"),
            program=NODE_PROGRAM,
            extra={"ledger_signatures": {"early": True}},
        )
    )
    placements = [Placement(metrics="127.0.0.1:0") for _ in range(3)]
    try:
        asyncio.run(_begin(network, placements))
        yield network
    finally:
        network.stop()


async def _begin(network: ProcessNetwork, placements: list[Placement]) -> None:
    await network.begin(placements)
    await network.open()
    async with network.connect(network.nodes[0], "user0") as user:
        replies = [
            await user.post("/app/log/private", {"id": number, "msg": "a canary"})
            for number in range(WRITES)
        ]
        last = replies[-1].txid
        assert last is not None
        await user.wait_committed(last)


def scrape(node: NodeProcess) -> str:
    """Return a node's metrics."""
    url = node.metrics_url
    assert url is not None
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def primary_of(network: ProcessNetwork) -> NodeProcess:
    """Return the primary; on a busy machine it need not be the first node."""
    found: list[NodeProcess] = []

    def is_one() -> bool:
        found[:] = [
            node
            for node in network.nodes
            if value(scrape(node), "ccfpy_consensus_is_leader")
        ]
        return len(found) == 1

    wait_until(is_one, what="one primary")
    return found[0]


def test_a_primarys_page_has_every_metric_in_the_format(
    network: ProcessNetwork,
) -> None:
    text = scrape(primary_of(network))
    page = read(text)
    expected = {PREFIX + name for name in METRICS} - ONLY_SOMETIMES
    assert expected - set(page) == set()
    written = {"frontend": "app", "method": "POST", "status": "2xx"}
    pages = [scrape(node) for node in network.nodes]
    assert (
        sum(total(p, "ccfpy_http_requests_total", **written) for p in pages) >= WRITES
    )
    assert value(text, "ccfpy_enclave_answers") == 1
    assert value(text, "ccfpy_consensus_nodes") == 3
    assert total(text, "ccfpy_peer_connected") == 2
    assert value(text, "ccfpy_signatures_total") > 1
    assert total(text, "ccfpy_log_lines_total", level="info") > 3
    assert "canary" not in text


def test_prometheus_own_checker_accepts_the_page(network: ProcessNetwork) -> None:
    need("promtool")
    page = scrape(network.nodes[0]).encode()
    ok(run("promtool", "check", "metrics", stdin=page))


def test_backups_count_as_followers_of_the_same_ledger(network: ProcessNetwork) -> None:
    def do_they_agree() -> bool:
        pages = [scrape(node) for node in network.nodes]
        leaders = [value(page, "ccfpy_consensus_is_leader") for page in pages]
        views = {value(page, "ccfpy_consensus_view") for page in pages}
        return sorted(leaders) == [0, 0, 1] and len(views) == 1

    wait_until(do_they_agree, what="one primary of one view")


def test_a_killed_primary_changes_what_the_alerts_look_at(
    network: ProcessNetwork,
) -> None:
    primary = primary_of(network)
    others = [node for node in network.nodes if node is not primary]
    view = value(scrape(others[0]), "ccfpy_consensus_view")
    primary.kill()
    with pytest.raises(OSError, match="refused"):
        scrape(primary)

    def has_another_primary() -> bool:
        pages = [scrape(node) for node in others]
        leaders = [value(page, "ccfpy_consensus_is_leader") for page in pages]
        views = [value(page, "ccfpy_consensus_view") for page in pages]
        return sum(leaders) == 1 and min(views) > view

    wait_until(has_another_primary, what="another primary that all know")
    pages = [scrape(node) for node in others]
    won = sum(total(p, "ccfpy_consensus_elections_total", result="won") for p in pages)
    assert won >= 1
    assert all(total(page, "ccfpy_peer_connected") <= 2 for page in pages)
