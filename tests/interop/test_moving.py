"""A service moves between C++ CCF and ccfpy while it serves.

These tests run where ``CCF_BUILD`` names a build of C++ CCF. What they check of ccfpy
alone is tested without C++ too, on the formats and messages themselves.
"""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, dumps, loads_object
from ccfpy.client.bundle import read_bundle
from ccfpy.client.connection import Connection
from ccfpy.client.errors import OutcomeUnknown
from ccfpy.client.receipts import fetch_receipt, verify_receipt
from ccfpy.client.requests import text_field
from ccfpy.local.configuration import Remains, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.e2e import http2
from tests.e2e.recovered import read, remains_of, write
from tests.e2e.running import wait_until
from tests.lab.moving.build import Build, absent, own_digest
from tests.lab.moving.run import Kind, Plan, place, run_moving
from tests.pages import ROOT

SWAPS = 6
"""Three nodes go one way, and three the other."""
LIMIT_S = 240
COMMAND_LIMIT_S = 60
CALM_MS = 20_000
"""Of election timeout where no node fails: a person's session ends with a view."""
SHORT_MS = 500
"""Of time for a forwarded request, where the primary is paused."""
LARGE_STATE, LARGE_MESSAGE = 1_200, 15_000
"""Messages, and characters of each: together more than what one answer may hold."""
BOARD = ROOT / "apps/hello_js"


@pytest.fixture(scope="module")
def build() -> Build:
    """The build that the environment names."""
    found = Build.find()
    if found is None:
        pytest.skip(absent())
    return found


def options_of(
    build: Build, workspace: Path, app: str, *, has_http2: bool = False
) -> ServiceOptions:
    return ServiceOptions(
        workspace=workspace,
        app=app,
        constitution=build.constitution,
        program=NODE_PROGRAM,
        chunk_size="20KB",
        has_http2=has_http2,
    )


def accept(host_data: str) -> dict[str, Json]:
    """Return the action that lets a program join."""
    return {"name": "add_virtual_host_data", "args": {"host_data": host_data}}


@asynccontextmanager
async def mixed(
    options: ServiceOptions, build: Build, *, actions: Sequence[dict[str, Json]] = ()
) -> AsyncIterator[ProcessNetwork]:
    """Begin a service with a node of CCF, and let two of ccfpy and one of CCF join."""
    network = ProcessNetwork(options)
    try:
        await network.begin([place(Kind.CCF, build, options.app)])
        await network.open([accept(own_digest()), *actions])
        for kind in (Kind.CCFPY, Kind.CCF, Kind.CCFPY):
            target = (await network.primary()).address
            await network.add(place(kind, build, options.app), target=target)
        yield network
    finally:
        network.stop()


def test_no_acknowledged_write_is_lost_while_nodes_are_replaced_both_ways(
    build: Build, tmp_path: Path
) -> None:
    """Members rekey, renew certificates, take snapshots and end files between swaps."""
    plan = Plan(workspace=tmp_path, build=build, seconds=LIMIT_S, swaps_max=SWAPS)
    report = run_moving(plan, lambda _: None, lambda _: None)
    assert len(report.swaps) == SWAPS
    assert {swap.new.split()[1] for swap in report.swaps} == {Kind.CCF, Kind.CCFPY}
    assert {swap.was_killed for swap in report.swaps} == {True, False}
    assert report.acknowledged > 0
    assert report.copies > report.chunks > 0


@pytest.mark.parametrize("kind", list(Kind))
def test_a_lost_service_of_both_is_recovered_by_either(
    build: Build, tmp_path: Path, kind: Kind
) -> None:
    """Its ledger has entries by primaries of both, under two ledger secrets."""

    async def run() -> None:
        options = options_of(build, tmp_path, "logging")
        async with mixed(options, build) as network:
            await write(network, 0, 12)
            await network.govern([{"name": "trigger_ledger_rekey"}])
            await network.remove(network.nodes[0])
            await network.remove(network.nodes[2])
            assert (await network.primary()) in (network.nodes[1], network.nodes[3])
            await write(network, 100, 12)
            nodes = tuple(network.nodes)
            for node in nodes:
                node.kill()
            remains = remains_of(nodes[1], network)
            _complete(remains.read_only[0], nodes)
            await _bring_back(network, remains, kind, build)

    asyncio.run(run())


def _complete(folder: Path, nodes: Sequence[NodeProcess]) -> None:
    """Copy the committed files of nodes that are not there yet.

    A node that began with a snapshot has no earlier files.
    """
    for node in nodes:
        for file in node.ledger.glob("*.committed"):
            if not (folder / file.name).exists():
                shutil.copy(file, folder)


async def _bring_back(
    network: ProcessNetwork, remains: Remains, kind: Kind, build: Build
) -> None:
    """Recover with a node of one kind, let one of the other kind join, and read."""
    app = network.options.app
    first = await network.recover(place(kind, build, app), remains)
    await network.bring_back(remains)
    await network.wait_joined(first)
    other = Kind.CCF if kind is Kind.CCFPY else Kind.CCFPY
    second = await network.add(place(other, build, app))
    await write(network, 200, 3)
    for node in (first, second):
        await network.wait_joined(node)
        said = [await read(network, node, number) for number in (0, 111, 202)]
        assert said == ["secret 0", "secret 111", "secret 202"]


def test_an_app_in_javascript_is_served_by_both_over_http_2(
    build: Build, tmp_path: Path
) -> None:
    app = read_bundle(BOARD).action()

    async def run() -> None:
        options = options_of(build, tmp_path, "js_generic", has_http2=True)
        async with mixed(options, build, actions=[app]) as network:
            for number, old in enumerate(tuple(network.nodes)[:2]):
                primary = await network.primary()
                said = await asyncio.to_thread(_say, network, primary, number)
                assert said == 204
                await network.wait_joined(network.nodes[-1])
                for node in network.serving:
                    heard = await asyncio.to_thread(_hear, network, node, number)
                    assert heard == f"by {primary.name}"
                await network.remove(old)

    asyncio.run(run())


def test_a_late_answer_of_the_primary_is_no_answer_to_the_next_write(
    build: Build, tmp_path: Path
) -> None:
    """A backup of C++ CCF sends it after its own 504, and ccfpy's backup does not."""

    async def run() -> None:
        options = replace(
            options_of(build, tmp_path, "logging"),
            election_timeout_ms=CALM_MS,
            forwarding_timeout_ms=SHORT_MS,
        )
        async with mixed(options, build) as network:
            primary = await network.primary()
            backups = [node for node in network.serving if node is not primary]
            for number, backup in enumerate(backups):
                async with (
                    network.connect(backup, "user0") as client,
                    network.connect(primary, "user0") as other,
                ):
                    await _log(client, number, "before")
                    primary.pause()
                    with pytest.raises(OutcomeUnknown, match="answered 504"):
                        await _log(client, number, "late")
                    primary.resume()
                    late = await _shown(other, number, "late")
                    after = await _log(client, number, "after")
                    assert after > late
                    await client.wait_committed(after)

    asyncio.run(run())


async def _log(client: Connection, number: int, text: str) -> TxId:
    body = {"id": number, "msg": text}
    reply = await client.post("/app/log/private", body)
    assert reply.txid is not None
    return reply.txid


async def _shown(client: Connection, number: int, text: str) -> TxId:
    """Wait until a message is there; return the id of the state that has it."""
    async with asyncio.timeout(COMMAND_LIMIT_S):
        while True:
            reply = await client.get(f"/app/log/private?id={number}")
            if reply.object()["msg"] == text:
                assert reply.txid is not None
                return reply.txid


def _say(network: ProcessNetwork, node: NodeProcess, number: int) -> int:
    assert node.http2_url is not None
    options = network.options
    return http2.ask(
        node.http2_url,
        "PUT",
        f"/app/messages/{number}",
        trust=options.service_certificate,
        identity=options.keys("user0"),
        body=dumps({"text": f"by {node.name}"}),
    ).status


def _hear(network: ProcessNetwork, node: NodeProcess, number: int) -> str:
    assert node.http2_url is not None
    path = f"/app/messages/{number}"
    trust = network.options.service_certificate
    answer = http2.ask(node.http2_url, "GET", path, trust=trust)
    assert answer.status == 200, answer.body
    return str(loads_object(answer.body)["text"])


def test_a_renewed_service_certificate_is_shown_by_both(
    build: Build, tmp_path: Path
) -> None:
    async def run() -> None:
        async with mixed(options_of(build, tmp_path, "logging"), build) as network:
            before = network.options.service_certificate.read_text()
            arguments: dict[str, Json] = {
                "valid_from": "250101000000Z",
                "validity_period_days": 365,
            }
            await network.govern(
                [{"name": "set_service_certificate_validity", "args": arguments}]
            )
            renewed = set()
            for node in network.serving:
                await network.wait_joined(node)
                async with network.connect(node) as anybody:
                    shown = (await anybody.get("/node/network")).object()
                renewed.add(text_field(shown, "service_certificate"))
            assert len(renewed) == 1
            assert before not in renewed

    asyncio.run(run())


def has_large_snapshot(node: NodeProcess) -> bool:
    """Return whether a node has a snapshot that is final, and large."""
    final = node.folder.glob("*.snapshots/*.committed")
    return any(each.stat().st_size > LARGE_STATE * LARGE_MESSAGE for each in final)


@pytest.mark.parametrize("first", list(Kind))
def test_a_snapshot_of_many_megabytes_is_fetched_from_either_by_either(
    build: Build, tmp_path: Path, first: Kind
) -> None:
    """CCF asks for 4 MiB at a time, and ccfpy for 16."""

    async def run() -> None:
        options = options_of(build, tmp_path, "logging")
        network = ProcessNetwork(replace(options, chunk_size="5MB"))
        try:
            await network.begin([place(first, build, "logging")])
            digests = (own_digest(), build.digest("logging"))
            await network.open([accept(digest) for digest in digests])
            await write(network, 0, LARGE_STATE, padding=LARGE_MESSAGE)
            await network.govern([{"name": "trigger_snapshot"}])
            await write(network, LARGE_STATE, 1)
            await asyncio.to_thread(
                wait_until,
                lambda: has_large_snapshot(network.nodes[0]),
                what="snapshot that is final",
            )
            for kind in Kind:
                node = await network.add(place(kind, build, "logging"))
                assert has_large_snapshot(node)
                assert await read(network, node, 7) == "secret 7"
        finally:
            network.stop()

    asyncio.run(run())


def test_either_proves_and_remembers_what_the_other_ordered(
    build: Build, tmp_path: Path
) -> None:
    async def run() -> None:
        async with mixed(options_of(build, tmp_path, "logging"), build) as network:
            by_ccf = await write(network, 0, 1)
            assert await network.primary() is network.nodes[0]
            await network.remove(network.nodes[0])
            network.nodes[2].pause()  # the other node of CCF; ccfpy's elect a primary
            await network.primary(other_than=network.nodes[2])
            by_ccfpy = await write(network, 1, 1)
            network.nodes[2].resume()
            for node in network.serving:
                await network.wait_joined(node)
                for txid in (by_ccf, by_ccfpy):
                    async with network.connect(node, "user0") as user:
                        receipt = await fetch_receipt(user, txid)
                    certificate = network.options.service_certificate.read_text()
                    verify_receipt(receipt, service_certificate=certificate, txid=txid)

    asyncio.run(run())


def test_nodes_of_both_agree_on_new_keys_after_few_messages(
    build: Build, tmp_path: Path
) -> None:
    """At half of the limit one of two nodes begins the exchange anew."""

    async def run() -> None:
        options = options_of(build, tmp_path, "logging")
        extra = {**options.extra, "node_to_node_message_limit": 40}
        async with mixed(replace(options, extra=extra), build) as network:
            for first in range(0, 60, 20):
                await write(network, first, 20)
                for node in network.serving:
                    await network.wait_joined(node)
                    said = await read(network, node, first + 19)
                    assert said == f"secret {first + 19}"

    asyncio.run(run())


THRESHOLD = ("--action", "set_recovery_threshold", "--arg", "recovery_threshold=1")


def command(network: ProcessNetwork, node: NodeProcess, *words: str) -> str:
    """Run a command of a person who asks one node; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "ccfpy.cli.main", *words],
        env={"CCFPY_URL": node.url, "CCFPY_COMMON": str(network.options.shared)},
        capture_output=True,
        text=True,
        timeout=COMMAND_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def listed(network: ProcessNetwork, node: NodeProcess) -> dict[str, list[object]]:
    """Return the state and the actions of each proposal that a node lists."""
    found = json.loads(command(network, node, "gov", "list", "--json"))
    return {
        each["proposalId"]: [each["proposalState"], *each["actions"]] for each in found
    }


def told(
    network: ProcessNetwork, node: NodeProcess, proposal: str
) -> list[dict[str, object]]:
    """Return what the ledger files of a node say of a proposal.

    The certificates by which signatures are checked are in files from before nodes
    joined, which only the first node has.
    """
    folders = dict.fromkeys((str(node.ledger), str(network.nodes[0].ledger)))
    words = ("--proposal", proposal, "--json", *folders)
    lines = command(network, node, "ledger", "history", *words).splitlines()
    events = [json.loads(line) for line in lines]
    assert not any(event.get("flaw") for event in events)
    return events


def test_proposals_are_listed_and_remembered_beside_a_node_of_either(
    build: Build, tmp_path: Path
) -> None:
    """A proposal made at one program is listed, voted on and told of at the other."""

    async def run() -> None:
        options = options_of(build, tmp_path, "logging")
        calm = replace(options, election_timeout_ms=CALM_MS)
        async with mixed(calm, build) as network:
            by_ccf, by_ccfpy = network.nodes[:2]
            await network.wait_joined(by_ccfpy)
            for first, second in ((by_ccf, by_ccfpy), (by_ccfpy, by_ccf)):
                await asyncio.to_thread(_decide, network, first, second)
            everything = listed(network, by_ccf)
            for node in network.serving:
                await network.wait_joined(node)
                assert listed(network, node) == everything

    asyncio.run(run())


def _decide(network: ProcessNetwork, first: NodeProcess, second: NodeProcess) -> None:
    """Propose at one node and vote at another, which both say what became of it."""
    made = command(network, first, "gov", "propose", *THRESHOLD, "--json")
    proposal = json.loads(made)["proposalId"]
    for node in (first, second):
        _wait_listed(network, node, proposal, "Open")
        assert "set_recovery_threshold" in command(
            network, node, "gov", "show", proposal
        )
    command(network, second, "gov", "vote", proposal)
    histories = []
    for node in (first, second):
        _wait_listed(network, node, proposal, "Accepted")
        histories.append(_whole_history(network, node, proposal))
    assert histories[0] == histories[1]
    assert [each["event"] for each in histories[0]] == STORY


def _wait_listed(
    network: ProcessNetwork, node: NodeProcess, proposal: str, state: str
) -> None:
    wanted = [state, "set_recovery_threshold"]
    wait_until(
        lambda: listed(network, node).get(proposal) == wanted,
        what=f"proposal that is {state}",
    )


def _whole_history(
    network: ProcessNetwork, node: NodeProcess, proposal: str
) -> list[dict[str, object]]:
    wait_until(
        lambda: len(told(network, node, proposal)) == len(STORY),
        what="whole story in the ledger's files",
    )
    return told(network, node, proposal)


STORY = ["Proposed", "Voted", "Decided"]
