"""Three nodes that are watched: what Prometheus reads, and what a collector gets."""

import asyncio
import urllib.request
from collections.abc import Iterator
from itertools import count, pairwise

import pytest

from ccfpy.base.json import Json
from ccfpy.boundary.metrics import METRICS, PREFIX
from ccfpy.client.errors import OutcomeUnknown, ServiceError, Unreachable
from ccfpy.client.requests import Reply
from ccfpy.client.share import constitution
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.collector import Collected, Collector, collecting
from tests.deploy.tools import need, ok, run
from tests.e2e.running import despite_elections, wait_until
from tests.exposition import read, total, value

pytestmark = pytest.mark.slow

WRITES = 20
SCRAPE_S = 60
ONLY_SOMETIMES = {
    "ccfpy_js_calls_total",
    "ccfpy_js_call_duration_seconds",
    "ccfpy_js_interpreters_total",
    "ccfpy_js_limit_hits_total",
    "ccfpy_index_lag_seqno",
}
"""Of an app with scripts, and of one with indexes."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """Return a running collector of traces."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def network(
    tmp_path_factory: pytest.TempPathFactory, collector: Collector
) -> Iterator[ProcessNetwork]:
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
    placements = [
        Placement(metrics="127.0.0.1:0", traces=collector.url) for _ in range(3)
    ]
    try:
        asyncio.run(_begin(network, placements))
        yield network
    finally:
        network.stop()


async def _begin(network: ProcessNetwork, placements: list[Placement]) -> None:
    await network.begin(placements)
    await network.open()

    async def write() -> None:
        async with network.connect(network.nodes[0], "user0") as user:
            replies = [
                await user.post("/app/log/private", {"id": number, "msg": "a canary"})
                for number in range(WRITES)
            ]
            last = replies[-1].txid
            assert last is not None
            await user.wait_committed(last)

    await despite_elections(write)


def scrape(node: NodeProcess) -> str:
    """Return a node's metrics, once its enclave is among those who answer.

    On a crowded machine an enclave may answer too late for a page.

    Raises:
        OSError: the node does not serve metrics any longer.
    """
    url = node.metrics_url
    assert url is not None
    pages: list[str] = []

    def is_whole() -> bool:
        with urllib.request.urlopen(url, timeout=SCRAPE_S) as answer:
            pages[:] = [answer.read().decode()]
        return value(pages[0], "ccfpy_enclave_answers") == 1

    wait_until(is_whole, what=f"answer of the enclave of {node.name}")
    (page,) = pages
    return page


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
    def is_connected() -> bool:
        """Return whether the primary's page, which may be a second old, is of a node
        that other nodes are connected to and that has signed."""
        pages[:] = [scrape(primary_of(network))]
        return (
            total(pages[0], "ccfpy_peer_connected") == 2
            and value(pages[0], "ccfpy_signatures_total") > 1
        )

    pages: list[str] = []
    wait_until(is_connected, what="a primary's page after its signatures")
    (text,) = pages
    page = read(text)
    expected = {PREFIX + name for name in METRICS} - ONLY_SOMETIMES
    assert expected - set(page) == set()
    written = {"frontend": "app", "method": "POST", "status": "2xx"}
    pages = [scrape(node) for node in network.nodes]
    assert (
        sum(total(p, "ccfpy_http_requests_total", **written) for p in pages) >= WRITES
    )
    assert value(text, "ccfpy_consensus_nodes") == 3
    assert total(text, "ccfpy_log_lines_total", level="info") > 3
    assert "canary" not in text


CALLER = "00f067aa0ba902b7"
SPANS = 5
"""Of a forwarded write: two for the primary, and three for the backup."""


def ask(
    network: ProcessNetwork, node: NodeProcess, trace: str, note: Json = None
) -> Reply | None:
    """Write, or read, once and with a trace; return nothing if an election came
    between."""

    async def send() -> Reply:
        headers = {"traceparent": f"00-{trace}-{CALLER}-01"}
        async with network.connect(node, "user0", is_repeating=False) as user:
            if note is None:
                return await user.get("/app/log/private?id=1", headers=headers)
            return await user.post("/app/log/private", note, headers=headers)

    try:
        return asyncio.run(send())
    except (ServiceError, OutcomeUnknown, Unreachable):
        return None


def test_a_forwarded_write_is_one_connected_trace(
    network: ProcessNetwork, collector: Collector
) -> None:
    written: list[tuple[str, str, Reply]] = []
    attempts = count(1)

    def is_forwarded() -> bool:
        primary = primary_of(network)
        backup = next(node for node in network.nodes if node is not primary)
        trace = f"{next(attempts):032x}"
        note: Json = {"id": 7, "msg": "a canary of a trace"}
        reply = ask(network, backup, trace, note)
        if reply is not None and primary_of(network) is primary:
            written.append((trace, str(backup.id), reply))
        return bool(written)

    wait_until(is_forwarded, what="a write that no election disturbed")
    ((trace, backup, reply),) = written

    def of_trace() -> dict[str, Collected]:
        return {span.span: span for span in collector.spans if span.trace == trace}

    wait_until(lambda: len(of_trace()) == SPANS, what="all spans of both nodes")
    spans = of_trace()
    executed = next(
        span for span in spans.values() if "ccfpy.transaction_id" in span.attributes
    )
    assert executed.attributes["ccfpy.transaction_id"] == str(reply.txid)
    # From the primary's enclave back to the caller.
    path = [executed]
    while path[-1].parent != CALLER:
        path.append(spans[path[-1].parent])
    assert [span.name for span in path] == [
        "enclave",
        "POST app",
        "forward",
        "enclave",
        "POST app",
    ]
    nodes = [span.resource["service.instance.id"] for span in path]
    assert nodes[0] == nodes[1] != backup
    assert nodes[2:] == [backup] * 3
    forwarded = [path[index].attributes["ccfpy.forwarded"] for index in (1, 4)]
    assert forwarded == [True, False]
    for inner, outer in pairwise(path):
        if inner.resource == outer.resource:
            assert outer.began_ns <= inner.began_ns <= inner.ended_ns <= outer.ended_ns
    assert not any(b"canary" in body for body in collector.bodies)


def test_metrics_say_what_became_of_traces(
    network: ProcessNetwork, collector: Collector
) -> None:
    node, trace = primary_of(network), "ab" * 16
    wait_until(lambda: ask(network, node, trace) is not None, what="an answer")
    wait_until(
        lambda: trace in {span.trace for span in collector.spans}, what="the trace"
    )
    name = "ccfpy_traced_requests_total"
    # A page may be a second old.
    wait_until(
        lambda: total(scrape(node), name, result="sent") >= 1, what="a trace sent"
    )
    assert total(scrape(node), name, result="dropped") == 0


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
