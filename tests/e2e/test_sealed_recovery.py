"""A node that seals is lost; another opens its ledger without shares, or says why not.

Real processes on simulated machines: each is a file, which the nodes that run on it are
told of in their environment.
"""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ccfpy.attestation.virtual import VirtualPlatform
from ccfpy.client.connection import Connection
from ccfpy.client.keys import KeyFiles
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import ProcessNetwork
from tests.e2e.recovered import MESSAGES, options_in, write
from tests.e2e.stopping import stop_nodes_below

PLATFORM_VARIABLE = "CCFPY_VIRTUAL_PLATFORM"
NEW = bytes([3, 0, 0, 0, 0, 0, 8, 115])
OLD = bytes([3, 0, 0, 0, 0, 0, 8, 114])
MACHINE = VirtualPlatform(root=b"\x07" * 32, tcb_version=NEW)
SAME_BUT_OLDER = VirtualPlatform(root=b"\x07" * 32, tcb_version=OLD)
ANOTHER = VirtualPlatform(root=b"\x08" * 32, tcb_version=NEW)

Steps = dict[str, dict[str, Any]]
Recover = Callable[..., Steps]


def on_machine(machine: VirtualPlatform, folder: Path) -> str:
    path = folder / "machine.json"
    path.write_bytes(machine.serialise())
    return str(path)


class Lost:
    """What is left of the service: ledger, sealed secrets, and everybody's keys."""

    def __init__(self, folder: Path, options: ServiceOptions) -> None:
        self.ledger = options.ledger(0)
        self.sealed = options.folder(0) / "sealed"
        self.keys = options.shared
        self.voters = folder / "voters"
        self.voters.mkdir()
        for path in self.keys.glob("member*"):
            if "_enc_" not in path.name:
                shutil.copy(path, self.voters)


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    """A service of a node that seals, rekeyed once and then killed."""
    folder = tmp_path_factory.mktemp("sealing")
    options = replace(
        options_in(folder),
        extra={"output_files": {"sealed_ledger_secret_location": "sealed"}},
    )
    network = ProcessNetwork(options)

    async def live() -> None:
        await network.begin([Placement()])
        await network.open()
        await write(network, 0, MESSAGES // 2)
        await network.govern([{"name": "trigger_ledger_rekey", "args": None}])
        await write(network, MESSAGES // 2, MESSAGES - MESSAGES // 2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PLATFORM_VARIABLE, on_machine(MACHINE, folder))
        try:
            asyncio.run(live())
            network.nodes[0].kill()
            yield Lost(folder, options)
        finally:
            network.stop()


@pytest.fixture
def recover(
    lost: Lost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Recover]:
    """Run the command on a machine, with all members' keys of a folder."""

    def run(machine: VirtualPlatform, keys: Path, *words: str) -> Steps:
        monkeypatch.setenv(PLATFORM_VARIABLE, on_machine(machine, tmp_path))
        members = [f"--member={keys}/member{at}" for at in range(3)]
        done = subprocess.run(
            [
                *(sys.executable, "-m", "ccfpy.cli.main", "recover", str(lost.ledger)),
                *("--app", "logging", "--node", "local://127.0.0.1:0", "--yes"),
                *("--json", "--detach", "--sealed", str(lost.sealed), *members, *words),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        steps = [json.loads(line) for line in done.stdout.splitlines()]
        return {step["step"]: step for step in steps}

    try:
        yield run
    finally:
        stop_nodes_below(tmp_path)


async def read(connection: Connection) -> list[str]:
    """Read what users had written, as one of them."""
    async with connection as user:
        replies = [
            (await user.get(f"/app/log/private?id={number}")).object()
            for number in range(MESSAGES)
        ]
    return [str(reply["msg"]).rstrip(".") for reply in replies]


def check_read(told: Steps, lost: Lost) -> None:
    expected = [f"secret {number}" for number in range(MESSAGES)]
    connection = Connection(
        told["open"]["url"],
        service_certificate=Path(told["open"]["service_certificate"]).read_text(),
        identity=KeyFiles(folder=lost.keys, name="user0"),
    )
    assert asyncio.run(read(connection)) == expected


def test_the_same_machine_opens_the_ledger_without_a_share(
    lost: Lost, recover: Recover
) -> None:
    told = recover(MACHINE, lost.voters)
    assert "handed_in" not in told
    assert "unsealed" in told
    check_read(told, lost)
    (node,) = told["open"]["nodes"]
    sealed = list((Path(node["folder"]) / "sealed").iterdir())
    assert sealed, "the new service seals as the old one did"


@pytest.mark.parametrize(
    ("machine", "why"),
    [
        (ANOTHER, "Failed to unseal the ledger secret that applies from "),
        (
            SAME_BUT_OLDER,
            f"this platform's security version {OLD.hex()} is older than {NEW.hex()}",
        ),
    ],
    ids=["another", "older"],
)
def test_another_machine_asks_for_shares_and_says_why(
    lost: Lost, recover: Recover, machine: VirtualPlatform, why: str
) -> None:
    told = recover(machine, lost.voters)
    assert "open" not in told
    assert told["waiting_for_shares"]["submitted"] == []
    reasons = told["not_unsealed"]["reasons"]
    assert len(reasons) == 3, "each of two secrets, and what comes of it"
    assert why in reasons[0]
    assert reasons[-1].endswith("the service waits for its members' recovery shares")
    (node,) = told["started"]["nodes"]
    log = (Path(node["folder"]) / "out").read_text()
    assert all(reason in log for reason in reasons)


def test_shares_open_what_another_machine_sealed(lost: Lost, recover: Recover) -> None:
    told = recover(ANOTHER, lost.keys)
    assert "not_unsealed" in told
    assert told["handed_in"]["count"] > 0
    check_read(told, lost)
