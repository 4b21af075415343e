"""One run of a tapped node: opened, filled with canaries, rekeyed, stopped."""

import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ccfpy.base.json import JsonObject
from ccfpy.client.blocking import BlockingConnection
from ccfpy.client.governance import Governance
from ccfpy.client.keys import FileSigner
from ccfpy.client.opening import carry, open_service
from ccfpy.client.share import constitution
from ccfpy.local.configuration import (
    INTERFACE,
    Placement,
    ServiceOptions,
)
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.collector import Collector, collecting
from tests.e2e.canary_traffic import TRACE, Address, Canaries, send_canaries
from tests.e2e.running import wait_until

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MEMBERS = ("member0", "member1")
CLEAR = "clear_rpc_interface"
REKEY: list[JsonObject] = [
    {"name": "trigger_ledger_rekey"},
    {"name": "trigger_recovery_shares_refresh"},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that the owner of the machine can see, without the enclave.

    Attributes:
        began: the start of the run, in seconds since 1970.
        workspace: the folder of all other files of the run.
        options: the folder of all files; its node's folder is the host's.
        record: every byte between host and enclave.
        private: canaries sent over TLS.
        clear: canaries sent without TLS.
        public: canaries written as public values, over TLS.
        escrow: the enclave's own keys, which nobody has seen.
    """

    began: float
    workspace: Path
    options: ServiceOptions
    record: bytes
    private: dict[str, bytes]
    clear: dict[str, bytes]
    public: dict[str, bytes]
    escrow: dict[str, str]
    ledger_secrets: list[bytes]

    @property
    def keys(self) -> dict[str, bytes]:
        """Return all parts of the enclave's private keys."""
        found = {f"ledger secret {i}": raw for i, raw in enumerate(self.ledger_secrets)}
        for name, pem in self.escrow.items():
            found |= {f"{name}: {part}": raw for part, raw in _numbers(pem)}
        return found


def _numbers(pem: str) -> Iterator[tuple[str, bytes]]:
    """Return the secret numbers of a private key."""
    key = load_pem_private_key(pem.encode(), password=None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.curve.key_size + 7) // 8
        yield "scalar", key.private_numbers().private_value.to_bytes(size, "big")
        return
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    half = key.key_size // 16
    yield "d", numbers.d.to_bytes(2 * half, "big")
    yield "p", numbers.p.to_bytes(half, "big")
    yield "q", numbers.q.to_bytes(half, "big")


def run(workspace: Path) -> Seen:
    """Run a node, send all canaries, stop the node, and collect everything visible."""
    began = time.time()
    private, clear, public = Canaries(), Canaries(), Canaries()
    options = _options(workspace)
    network = ProcessNetwork(options)
    cleanup = ExitStack()
    collector = cleanup.enter_context(collecting())
    try:
        placement = Placement(metrics="127.0.0.1:0", traces=collector.url)
        asyncio.run(network.begin([placement]))
        (node,) = network.nodes
        certificate = options.service_certificate.read_text()
        with BlockingConnection(network.connect(node)) as anybody:
            members = _open(anybody, options)
            _write_public(anybody, public)
            send_canaries(_address(node, INTERFACE, certificate), private)
            send_canaries(_address(node, CLEAR), clear)
            anybody.run(carry(members, REKEY))
            again = Canaries()
            send_canaries(_address(node, INTERFACE, certificate), again)
            reply = anybody.request(
                "PUT", "/app/public", json={"key": "last", "value": ""}
            )
            assert reply.txid is not None
            anybody.wait_committed(reply.txid)
            (node.folder / "metrics").write_bytes(_scrape(node))
    finally:
        network.stop()
        cleanup.close()
    _keep_traces(node, collector)
    rekeyed = {f"{name}, rekeyed": word for name, word in again.by_place.items()}
    escrow = json.loads((workspace / "escrow").read_text())
    return Seen(
        began=began,
        workspace=workspace,
        options=options,
        record=(workspace / "record").read_bytes(),
        private=private.by_place | rekeyed,
        clear=clear.by_place,
        public=public.by_place,
        ledger_secrets=[bytes.fromhex(raw) for raw in escrow.pop("ledger secrets")],
        escrow=escrow,
    )


def _scrape(node: NodeProcess) -> bytes:
    """Return the node's metrics, which are searched like every file of the host's."""
    url = node.metrics_url
    assert url is not None
    pages: list[bytes] = []

    def has_answered() -> bool:
        """Return whether the enclave answered in time, as it may not when starved."""
        with urllib.request.urlopen(url, timeout=10) as answer:
            pages[:] = [answer.read()]
        return b"ccfpy_enclave_answers 1" in pages[0]

    wait_until(has_answered, what="metrics of the enclave")
    return pages[0]


def _keep_traces(node: NodeProcess, collector: Collector) -> None:
    """Keep what the collector got, which is searched like every file of the host's."""
    statuses = {span.attributes.get("ccfpy.status_class") for span in collector.spans}
    assert {"2xx", "4xx", "5xx"} <= statuses
    assert {span.trace for span in collector.spans} == {TRACE}
    assert not any(span.attributes.get("http.route") for span in collector.spans)
    (node.folder / "traces").write_bytes(b"\n".join(collector.bodies))


def _options(workspace: Path) -> ServiceOptions:
    interface: JsonObject = {"bind_address": "127.0.0.1:0"}
    clear: JsonObject = {
        "endorsement": {"authority": "Unsecured"},
        "accepted_endpoints": [".*"],
    }
    interfaces: JsonObject = {INTERFACE: interface, CLEAR: interface | clear}
    node = HERE / "canary_node.py"
    return ServiceOptions(
        workspace=workspace,
        app=str(HERE / "canary_app.py"),
        members=MEMBERS,
        users=(),
        constitution=constitution("default"),
        log_level="trace",
        extra={
            "network": {"rpc_interfaces": interfaces},
            "logging": {"tracebacks": True},
        },
        program=(
            *("env", f"PYTHONPATH={ROOT}", sys.executable),
            *(str(node), str(workspace), "--enclave", "in-process"),
        ),
    )


def _open(anybody: BlockingConnection, options: ServiceOptions) -> list[Governance]:
    """Open the service by its members' votes."""
    members = [
        Governance(anybody.connection, FileSigner.load(options.keys(name)))
        for name in MEMBERS
    ]
    anybody.run(open_service(anybody.connection, members, users=[]))
    return members


def _write_public(anybody: BlockingConnection, canary: Canaries) -> None:
    pair = {"key": canary("public key"), "value": canary("public value")}
    assert anybody.request("PUT", "/app/public", json=pair).status == 200


def _address(node: NodeProcess, name: str, certificate: str | None = None) -> Address:
    addresses = json.loads((node.folder / "0.rpc_addresses").read_text())
    host, _, port = addresses[name].rpartition(":")
    return Address(host, int(port), certificate)
