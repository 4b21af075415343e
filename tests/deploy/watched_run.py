"""Load a service of three nodes that Prometheus scrapes, and draw its dashboard.

    python -m tests.deploy.watched_run --seconds 180 --out dashboard.svg

The service has what every panel needs: an index, scripts, endpoints that are counted
apart, nodes that wait for the disk, and snapshots. In the middle the primary stands
still, so that another node is elected. The program ends with 1 if a panel has no data.
Debian's package `prometheus` brings the server.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ccfpy.base.json import Json, JsonObject
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError
from ccfpy.client.share import constitution
from ccfpy.endpoints.commit_wait import WAIT_HEADER
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from deploy.monitoring.picture import DASHBOARD, Picture, Prometheus
from tests.lab.ports import free_ports

APP: Final = Path(__file__).with_name("watched_app.py")
NODES: Final = 3
SCRAPE_S: Final = 2
PAUSE_S: Final = 0.04
"""Between two rounds of requests."""
STILL_S: Final = 8.0
"""How long the primary stands still."""
SCRIPT: Final = "export function hello() { return { body: 'hello' }; }"
BUNDLE: Final[JsonObject] = {
    "metadata": {
        "endpoints": {
            "/hello": {
                "get": {
                    "js_module": "hello.js",
                    "js_function": "hello",
                    "mode": "readonly",
                    "forwarding_required": "sometimes",
                    "authn_policies": ["no_auth"],
                    "openapi": {},
                }
            }
        }
    },
    "modules": [{"name": "hello.js", "module": SCRIPT}],
}


def _options(workspace: Path) -> ServiceOptions:
    return ServiceOptions(
        workspace=workspace,
        app=str(APP),
        constitution=constitution("default"),
        program=(*NODE_PROGRAM, "--sync-ledger"),
        election_timeout_ms=4000,
        extra={
            "ledger_signatures": {"early": True},
            "snapshots": {"tx_count": 500},
        },
    )


async def _begin(network: ProcessNetwork) -> None:
    await network.begin([Placement(metrics="127.0.0.1:0") for _ in range(NODES)])
    action: JsonObject = {"name": "set_js_app", "args": {"bundle": BUNDLE}}
    await network.open([action])


async def _load(network: ProcessNetwork, seconds: float) -> None:
    """Send requests to each node; stop the primary for a while in the middle."""
    tasks = [_callers(network, number, seconds) for number in range(NODES)]
    await asyncio.gather(_disturb(network, seconds), *tasks)


async def _disturb(network: ProcessNetwork, seconds: float) -> None:
    await asyncio.sleep(seconds / 2)
    network.nodes[0].pause()
    await asyncio.sleep(STILL_S)
    network.nodes[0].resume()


async def _callers(network: ProcessNetwork, number: int, seconds: float) -> None:
    """Write and read at one node, in a new session every few seconds."""
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        with contextlib.suppress(ClientError):
            async with network.connect(network.nodes[number]) as connection:
                for _ in range(50):
                    await _round(connection, rounds, number)
                    rounds += 1
                    await asyncio.sleep(PAUSE_S)


async def _round(connection: Connection, rounds: int, number: int) -> None:
    path = f"/app/orders/{rounds % 1000}"
    await connection.request(
        "PUT",
        path,
        body=json.dumps("tea " * (1 + rounds % 20)).encode(),
        headers={"content-type": "application/json"}
        | ({WAIT_HEADER: "5000"} if rounds % 5 == 0 else {}),
        timeout_s=10,
    )
    await connection.request("GET", path)
    await connection.request("GET", "/app/hello")
    if rounds % 10 == 0:
        await connection.request("GET", "/app/nowhere")
        await connection.request("GET", f"/app/receipt?transaction_id=2.{2 + number}")


@contextlib.contextmanager
def _prometheus(folder: Path, targets: Sequence[str]) -> Iterator[str]:
    """Run a server that scrapes these addresses; yield its own."""
    (port,) = free_ports()
    scraped: Json = [{"targets": list(targets), "labels": {"service": "sandbox"}}]
    settings: Json = {
        "global": {"scrape_interval": f"{SCRAPE_S}s"},
        "scrape_configs": [{"job_name": "ccfpy", "static_configs": scraped}],
    }
    # JSON is YAML too.
    (folder / "prometheus.yml").write_text(json.dumps(settings))
    command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    process = subprocess.Popen(command, cwd=folder)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_ready(url)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{url}/-/ready", timeout=5),
        ):
            return
        time.sleep(0.2)
    raise TimeoutError("Prometheus is not ready after a minute")


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the dashboard of a service under load; return 1 if a panel has no data."""
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.watched_run")
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ccfpy-watched-") as temporary:
        folder = Path(temporary)
        network = ProcessNetwork(_options(folder / "service"))
        try:
            asyncio.run(_begin(network))
            urls = [node.metrics_url or "" for node in network.nodes]
            targets = [url.split("/")[2] for url in urls]
            with _prometheus(folder, targets) as url:
                # Rates need two scrapes.
                begin = time.time() + 2 * SCRAPE_S
                asyncio.run(_load(network, chosen.seconds))
                end = time.time()
                source = Prometheus(url, begin, end)
                picture = Picture(source, begin, end, "sandbox")
                drawn = picture.draw(json.loads(DASHBOARD.read_text()))
        finally:
            network.stop()
    chosen.out.write_text(drawn)
    for title in picture.empty:
        sys.stderr.write(f"no data: {title}\n")
    return 1 if picture.empty else 0


if __name__ == "__main__":
    sys.exit(main())
