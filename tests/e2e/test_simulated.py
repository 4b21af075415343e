"""A service on simulated machines: attested, upgraded by vote, and never taken back.

Real processes. Each machine is a file of a vendor's, made by the command; each version
of the application is a package, signed by the command.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ccfpy.attestation.report_data import app_report_data
from ccfpy.attestation.simulated import TcbStatus, VerifiedQuote
from ccfpy.base.json import JsonObject
from ccfpy.client.share import constitution
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.e2e.running import DEADLINE_S, despite_elections, wait_until
from tests.e2e.simulated_app import VERSIONS, source
from tests.house.tree import ROOT

PROGRAM = (sys.executable, "-m", "ccfpy.cli.main")
MACHINE_VARIABLE = "CCFPY_SIMULATED_PLATFORM"
NONCE = "what I have just thought of"


class World:
    """A vendor, its machines and a developer's signed versions, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vendor = folder / "vendor.json"

    @classmethod
    def made_in(cls, folder: Path) -> "World":
        world = cls(folder)
        world.ok("keygen", "--name", "developer")
        for name in ("a", "b"):
            world.platform("new", f"--machine={world.machine(name)}")
        for version in VERSIONS:
            world.sign(version)
        return world

    def copied_to(self, folder: Path) -> "World":
        """Return a copy of the same vendor and developer, to be changed."""
        shutil.copytree(self.folder, folder)
        return World(folder)

    def ok(self, *words: str) -> str:
        """Run a command that must work."""
        done = subprocess.run(
            [*PROGRAM, *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def platform(self, command: str, *words: str) -> str:
        return self.ok(
            "enclave", "platform", command, f"--vendor={self.vendor}", *words
        )

    def machine(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def on(self, name: str) -> Placement:
        """Place a node on a machine."""
        return Placement(prefix=("env", f"{MACHINE_VARIABLE}={self.machine(name)}"))

    def sign(self, version: int, *words: str) -> None:
        package = self.folder / f"v{version}/notes"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text(source(version))
        key = ("--key", "developer_privk.pem", "--security-version", str(version))
        self.ok("enclave", "sign", str(package), *key, *words)

    def signed(self, version: int) -> str:
        return str(self.folder / f"v{version}/notes.enclave")

    def identity(self, version: int) -> dict[str, Any]:
        told = self.ok("enclave", "inspect", self.signed(version), "--json")
        read: dict[str, Any] = json.loads(told)
        return read


@pytest.fixture(scope="module", autouse=True)
def framework(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run on a copy of ccfpy: what is measured must not be edited meanwhile."""
    copy = tmp_path_factory.mktemp("framework")
    leave = shutil.ignore_patterns("__pycache__", "node_modules", ".*")
    for name in ("ccfpy", "apps", "governance"):
        shutil.copytree(ROOT / name, copy / name, ignore=leave)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(copy))
        yield


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.made_in(tmp_path_factory.mktemp("simulated"))


@pytest.fixture
def network(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ProcessNetwork]:
    monkeypatch.setenv("CCF_PLATFORM_OVERRIDE", "Simulated")
    made = ProcessNetwork(
        ServiceOptions(
            workspace=tmp_path,
            app=world.signed(1),
            program=NODE_PROGRAM,
            constitution=constitution("simulated"),
            election_timeout_ms=10_000,  # a pause of a crowded machine elects nobody
        )
    )
    try:
        yield made
    finally:
        made.stop()


def serve(network: ProcessNetwork, world: World, version: int) -> None:
    """Serve a version on the nodes that are started from now on."""
    network.options = replace(network.options, app=world.signed(version))


def act(name: str, **args: object) -> JsonObject:
    return {"name": name, "args": args}  # type: ignore[dict-item]  # plain JSON


def why_ended(node: NodeProcess) -> str:
    """Wait until a node ends by itself; give its log."""
    wait_until(lambda: node.exit_code() is not None, what=f"end of {node.name}")
    assert node.exit_code() != 0
    return node.log.read_text()


async def refused(network: ProcessNetwork, placement: Placement, fault: str) -> None:
    """Start a node that must not be let in."""
    node = network.launch(placement)
    deadline = time.monotonic() + DEADLINE_S
    while node.exit_code() is None:
        assert time.monotonic() < deadline, node.log.read_text()
        await asyncio.sleep(0.05)
    assert fault in node.log.read_text()


async def get(network: ProcessNetwork, node: NodeProcess, path: str) -> Any:  # noqa: ANN401  # JSON
    async with network.connect(node, "user0") as user:
        reply = await user.request("GET", path)
        assert reply.status == 200, reply.text
        return json.loads(reply.body)


async def check_evidence(network: ProcessNetwork, world: World) -> None:
    """Each node's evidence for a caller's nonce is of its version and no other's."""
    for node in network.serving:
        version = await get(network, node, "/app/version")
        made = await get(
            network, node, f"/app/evidence?nonce={NONCE.replace(' ', '+')}"
        )
        assert made["format"] == "Insecure_Simulated"
        verified = VerifiedQuote.verify(
            bytes.fromhex(made["quote"]),
            bytes.fromhex(made["endorsements"]),
            unix_time_s=int(time.time()),
        )
        report = verified.report
        assert report.report_data == app_report_data(NONCE.encode())
        expected = world.identity(version)
        assert report.identity.fields() == {
            name: expected[name] for name in report.identity.fields()
        }
        assert verified.tcb_status() is TcbStatus.UP_TO_DATE


async def live(network: ProcessNetwork, world: World) -> None:
    """Three nodes of version 1; version 2 beside them by vote; 1 never again."""
    a, b = world.on("a"), world.on("b")
    await network.begin([a, b, a])
    await network.open()
    first = network.nodes[0]

    async def keep() -> None:
        async with network.connect(first, "user0") as user:
            await user.write("PUT", "/app/notes/n", body=b"kept", timeout_s=DEADLINE_S)

    await despite_elections(keep)
    one, two = world.identity(1), world.identity(2)

    serve(network, world, 2)
    await refused(network, b, "Quote does not contain known enclave measurement")

    await network.govern([act("add_simulated_unique_id", unique_id=two["unique_id"])])
    newer = await network.add(b)
    assert await get(network, newer, "/app/version") == 2
    assert await get(network, newer, "/app/notes/n") == "kept"
    assert await get(network, first, "/app/version") == 1
    await check_evidence(network, world)
    quotes = (await get(network, first, "/node/quotes"))["quotes"]
    assert {quote["format"] for quote in quotes} == {"Insecure_Simulated"}
    measured = sorted(quote["measurement"] for quote in quotes)
    assert measured == sorted([one["unique_id"]] * 3 + [two["unique_id"]])

    signer = act(
        "set_simulated_signer",
        signer_id=two["signer_id"],
        product_id=two["product_id"],
        security_version=2,
    )
    await network.govern([signer])
    serve(network, world, 1)
    await refused(
        network, a, "Quote is of an enclave whose security version is too low"
    )

    # Whoever is there already stays until members remove it.
    await network.remove(network.nodes[2])
    serve(network, world, 2)
    await network.add(a)
    assert await get(network, newer, "/app/notes/n") == "kept"

    # A machine that its vendor revoked is refused once the service was told, though it
    # brings the statements of before itself.
    world.platform("revoke", str(world.machine("b")))
    told = json.loads(
        world.ok("enclave", "platform", "show", f"--vendor={world.vendor}", "--json")
    )
    await network.govern([act("set_simulated_vendor", **told["set_simulated_vendor"])])
    await refused(network, b, "Quote is of a machine that its vendor revoked")


def test_an_upgrade_by_vote_with_old_and_new_side_by_side(
    network: ProcessNetwork, world: World
) -> None:
    asyncio.run(live(network, world))


def started(network: ProcessNetwork, world: World) -> NodeProcess:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MACHINE_VARIABLE, str(world.machine("a")))
        with pytest.raises(Exception, match="n0"):
            asyncio.run(network.begin([Placement()]))
    return network.nodes[0]


def test_a_byte_that_was_changed_after_signing_stops_the_node_before_it_runs(
    network: ProcessNetwork, world: World, tmp_path: Path
) -> None:
    copied = world.copied_to(tmp_path / "copy")
    changed = copied.folder / "v1/notes/__init__.py"
    changed.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n" + changed.read_text())
    serve(network, copied, 1)
    words = started(network, world).log.read_text()
    assert "the enclave 'notes' is not what was signed" in words
    assert "application (__init__.py)" in words
    assert not (tmp_path / "ran").exists(), "none of it may run"


@pytest.mark.parametrize(
    ("app", "override", "words"),
    [
        (
            "logging",
            "Simulated",
            "is not signed, and CCF_PLATFORM_OVERRIDE is Simulated",
        ),
        (
            "logging",
            "SGX",
            "CCF_PLATFORM_OVERRIDE is 'SGX', and a node of ccfpy runs on",
        ),
    ],
)
def test_a_platform_that_is_not_to_be_had_is_refused_in_one_sentence(
    network: ProcessNetwork,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    app: str,
    override: str,
    words: str,
) -> None:
    monkeypatch.setenv("CCF_PLATFORM_OVERRIDE", override)
    network.options = replace(network.options, app=app)
    assert words in started(network, world).log.read_text()
    assert "Traceback" not in network.nodes[0].log.read_text()


def test_a_debugged_enclave_joins_no_service_that_none_began(
    network: ProcessNetwork, world: World, tmp_path: Path
) -> None:
    debugged = world.copied_to(tmp_path / "copy")
    debugged.sign(1, "--debug")

    async def play() -> None:
        await network.begin([world.on("a")])
        serve(network, debugged, 1)
        await refused(network, world.on("a"), "an enclave that can be debugged")

    asyncio.run(play())


def test_the_version_names_the_platform() -> None:
    def said(**environment: str) -> str:
        return subprocess.run(
            [*NODE_PROGRAM, "--version"],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "Platform: Virtual\n" in said()
    assert "Platform: Simulated\n" in said(CCF_PLATFORM_OVERRIDE="Simulated")
