"""A sandbox of three nodes as people use it: looked at, broken, mended."""

import contextlib
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.running import DEADLINE_S, wait_gone, wait_until

PROGRAM = (sys.executable, "-m", "ccfpy.cli.main")
START_S = 60
FIRST_VIEW = 2
RENEWAL_S = 3
"""Within this time of its vote, a renewed certificate is shown to new connections."""
LOOKS = 10
"""On a crowded machine: and within the time of so many looks at all certificates."""
PATIENTLY = ("--initial-member-count", "1", "--election-timeout-ms", "5000")
"""One member decides, and a machine that stands still for two seconds elects nobody."""


class Sandbox:
    """A sandbox that runs in a folder, and the commands typed there."""

    def __init__(self, folder: Path, process: "subprocess.Popen[str]") -> None:
        self.folder = folder
        self.process = process
        assert process.stdout is not None
        self.facts: dict[str, Any] = json.loads(process.stdout.readline())
        self.nodes: list[dict[str, Any]] = self.facts["nodes"]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*PROGRAM, *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )

    def ok(self, *words: str) -> str:
        """Run a command that must work; give what it printed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self, *codes: int) -> dict[str, Any]:
        """Ask for the nodes; the command ends with one of these codes."""
        done = self.run("network", "status", "--json")
        assert done.returncode in (codes or (0,)), done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def settled(self) -> dict[str, Any]:
        """Return the nodes, once a primary has heard of all others.

        A busy machine may elect another primary than the first node, at any time.
        """
        told: dict[str, Any] = {}

        def is_settled() -> bool:
            told.update(self.status(0, 1))
            roles = [(it["role"], it["heard_ms_ago"] is None) for it in told["nodes"]]
            return sorted(roles) == [
                *[("backup", False)] * (len(roles) - 1),
                ("primary", True),
            ]

        wait_until(is_settled, what="one primary that hears of all others")
        return told

    def view(self) -> int:
        """Return the latest view that a node knows."""
        nodes = self.status(0, 1)["nodes"]
        return max((it["view"] for it in nodes if it["is_reachable"]), default=0)

    def again_after_elections(self, *words: str) -> str:
        """Run a command that must work unless an election comes in between; if one
        did, run the command again."""
        while True:
            view = self.view()
            done = self.run(*words)
            if done.returncode == 0:
                return done.stdout
            assert self.view() > view, done.stderr

    def said(self) -> str:
        """Return the progress that was reported so far."""
        return (self.folder / "said").read_text()


@contextlib.contextmanager
def _sandbox(folder: Path, *options: str) -> Iterator[Sandbox]:
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [*PROGRAM, "sandbox", "--json", *PATIENTLY, *options],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
    try:
        yield Sandbox(folder, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE_S)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Three nodes, which the tests of this module take in turn."""
    folder = tmp_path_factory.mktemp("network")
    with _sandbox(folder, "-n", "3", "-n", "local://127.0.0.1:0") as running:
        yield running


@contextlib.contextmanager
def _joining(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the node whose configuration is there."""
    words = [*PROGRAM, "node", "--config", "node.json", "--app", "logging"]
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(words, cwd=folder, stdout=out)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def _roles(told: dict[str, Any]) -> Sequence[str | None]:
    return sorted(str(node["role"]) for node in told["nodes"])


def test_three_nodes_join_and_are_seen(sandbox: Sandbox) -> None:
    told = sandbox.settled()
    (primary,) = [node for node in told["nodes"] if node["role"] == "primary"]
    assert told["primary_id"] == primary["node_id"]
    if primary["view"] == FIRST_VIEW:
        assert primary["node_id"] == sandbox.nodes[0]["id"]
    assert told["has_majority"]
    assert len({node["url"] for node in sandbox.nodes}) == 3
    for node in told["nodes"]:
        assert (node["status"], node["is_reachable"]) == ("Trusted", True)
    row = re.compile(r"^[0-9a-f]{8} Trusted primary +(\d+) \1\.\d+ ", re.MULTILINE)

    def is_shown() -> bool:
        table = sandbox.run("network", "status").stdout
        assert len(table.splitlines()) == 6
        return row.search(table) is not None

    wait_until(is_shown, what="a primary that has committed in its view")


def test_a_script_that_waits_for_a_users_key_finds_all_nodes_started(
    sandbox: Sandbox,
) -> None:
    workspace = sandbox.folder / "workspace"
    key = workspace / "sandbox_common/user0_privk.pem"
    for number in range(3):
        (addresses,) = workspace.glob(f"sandbox_{number}/*.rpc_addresses")
        assert addresses.stat().st_mtime_ns < key.stat().st_mtime_ns


def test_any_node_takes_a_write_and_all_have_it(sandbox: Sandbox) -> None:
    body = '{"id": 1, "msg": "anywhere"}'
    backup = ["--url", sandbox.nodes[2]["url"], "--as", "user0"]
    write = ("call", "/app/log/private", *backup, "-d", body, "--commit")
    sandbox.again_after_elections(*write)

    def have_it() -> bool:
        read = ["call", "/app/log/private?id=1", "--as", "user0", "--url"]
        replies = [sandbox.run(*read, node["url"]).stdout for node in sandbox.nodes]
        return replies == ['{"msg":"anywhere"}'] * 3

    wait_until(have_it, what="copies of the message")


def _address(node: dict[str, Any]) -> tuple[str, int]:
    url = urlsplit(node["url"])
    assert url.hostname
    assert url.port
    return url.hostname, url.port


def _node_certificate(address: tuple[str, int]) -> str:
    """Return the certificate that a node shows to a new connection."""
    return ssl.get_server_certificate(address)


def _service_certificate(address: tuple[str, int]) -> str:
    """Return the service's certificate as a node reports it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(*address, context=context)
    with contextlib.closing(connection):
        connection.request("GET", "/node/network")
        told = json.loads(connection.getresponse().read())
    return str(told["service_certificate"])


@pytest.mark.parametrize(
    ("action", "shown"),
    [
        ("set_all_nodes_certificate_validity", _node_certificate),
        ("set_service_certificate_validity", _service_certificate),
    ],
)
def test_renewed_certificates_are_in_use_within_seconds(
    sandbox: Sandbox, action: str, shown: Callable[[tuple[str, int]], str]
) -> None:
    addresses = [_address(node) for node in sandbox.nodes]
    began = time.monotonic()
    before = [shown(address) for address in addresses]
    look_s = time.monotonic() - began
    yesterday = datetime.now(UTC) - timedelta(days=1)
    arguments = (
        *("--arg", f"valid_from={yesterday:%Y%m%d%H%M%SZ}"),
        *("--arg", "validity_period_days=90"),
    )
    propose = ("gov", "propose", "--action", action, *arguments)

    def is_accepted() -> bool:
        # An election after the proposal may lose it: then another is voted for.
        view = sandbox.view()
        proposal = sandbox.again_after_elections(*propose).split()[0]
        voted = sandbox.run("gov", "vote", proposal)
        assert voted.returncode == 0 or sandbox.view() > view, voted.stderr
        return voted.returncode == 0

    wait_until(is_accepted, what="vote that no election disturbed")
    accepted = time.monotonic()

    def are_new() -> bool:
        return all(
            shown(address) != old
            for address, old in zip(addresses, before, strict=True)
        )

    wait_until(are_new, what="renewed certificates")
    assert time.monotonic() - accepted < max(RENEWAL_S, LOOKS * look_s)


def test_a_node_joins_by_its_members_votes_and_another_leaves(
    sandbox: Sandbox,
) -> None:
    folder = sandbox.folder / "workspace" / "new"
    listen = sandbox.nodes[0]["url"].removeprefix("https://").rpartition(":")[0] + ":0"
    sandbox.ok("network", "join-config", str(folder), "--listen", listen)
    config = json.loads((folder / "node.json").read_text())
    config["output_files"] = {"rpc_addresses_file": "addresses"}
    (folder / "node.json").write_text(json.dumps(config))
    with _joining(folder) as process:
        wait_until((folder / "addresses").is_file, what="addresses of the new node")
        (address,) = json.loads((folder / "addresses").read_text()).values()
        said = sandbox.again_after_elections("network", "trust", address)
        assert re.search(r"takes part, and has all up to \d+\.\d+", said)

        def are_trusted() -> bool:
            nodes = sandbox.status(0, 1)["nodes"]
            return [node["status"] for node in nodes] == ["Trusted"] * 4

        # A backup lists the nodes, and learns of a commit after the primary.
        wait_until(are_trusted, what="list of four trusted nodes")
        refused = sandbox.run("network", "remove", address)
        assert refused.returncode == 1
        assert "retire it first" in refused.stderr
        said = sandbox.again_after_elections("network", "retire", address)
        assert "may be stopped" in said
        # It still runs, and answers. It is told from the nodes that lead on.
        done = sandbox.run("network", "status", "--json", "--url", f"https://{address}")
        left = json.loads(done.stdout)
        (retired,) = (n for n in left["nodes"] if n["addresses"] == [address])
        assert (retired["status"], retired["is_reachable"]) == ("Retired", False)
        assert left["primary_id"] not in (None, retired["node_id"])
        assert (left["has_majority"], done.returncode) == (True, 0)
        process.terminate()
        assert process.wait(DEADLINE_S) == 0

    def is_removed() -> bool:
        # The node that is asked may not know yet that the retirement is final. An
        # election may come between the removal and the word of its commit.
        done = sandbox.run("network", "remove", address)
        is_unknown = f"no node begins with {address!r}" in done.stderr
        return "is removed" in done.stdout or is_unknown

    wait_until(is_removed, what="removal of the node that left")
    wait_until(
        lambda: len(sandbox.status(0, 1)["nodes"]) == 3, what="list of three nodes"
    )


def test_a_node_that_dies_is_replaced_as_primary(sandbox: Sandbox) -> None:
    os.kill(sandbox.nodes[0]["pid"], signal.SIGKILL)
    wait_until(
        lambda: "the primary is https://" in sandbox.said(), what="word of a primary"
    )
    assert "node 0 has ended: killed by signal 9; 2 of 3 are left" in sandbox.said()

    def are_two_left() -> bool:
        return _roles(sandbox.status(0, 1)) == ["None", "backup", "primary"]

    wait_until(are_two_left, what="one primary and one backup")
    body = '{"id": 2, "msg": "goes on"}'
    write = ("call", "/app/log/private", "--as", "user0", "-d", body, "--commit")
    sandbox.again_after_elections(*write)
    os.kill(sandbox.nodes[1]["pid"], signal.SIGKILL)
    wait_gone(sandbox.nodes[1]["pid"])
    assert not sandbox.status(1)["has_majority"]
    os.kill(sandbox.nodes[2]["pid"], signal.SIGTERM)
    assert sandbox.process.wait(DEADLINE_S) == 1
    last = sandbox.said().splitlines()[-1]
    assert last.startswith("ccfpy: node ")
    assert "ended by itself" in last


def test_a_node_that_cannot_start_ends_the_sandbox_with_a_sentence(
    tmp_path: Path,
) -> None:
    words = ["-n", "2", "-n", "local://127.0.0.1:0", "--app", "no_such_app"]
    done = subprocess.run(
        [*PROGRAM, "sandbox", "--initial-member-count", "1", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )
    assert done.returncode == 1
    assert "ccfpy: node 0 did not start: " in done.stderr
    assert "no application 'no_such_app'" in done.stderr
    assert "Traceback" not in done.stderr
