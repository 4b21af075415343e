"""One run of a tapped node: opened, filled with canaries, rekeyed, stopped."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ccfpy.base.json import JsonObject
from ccfpy.cli.local_node import (
    ADDRESSES_FILE,
    CONFIG_FILE,
    INTERFACE,
    LOG_FILE,
    Layout,
    LocalNode,
    NodeOptions,
    write_node_folder,
)
from ccfpy.client.blocking import BlockingConnection
from ccfpy.client.connection import Connection
from ccfpy.client.governance import Governance
from ccfpy.client.keyfiles import generate_keys
from ccfpy.client.opening import carry, open_service, wait_ready
from ccfpy.client.share import constitution
from ccfpy.client.signer import FileSigner
from ccfpy.crypto.ec import Curve
from tests.e2e.canary_traffic import Address, Canaries, send_canaries

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
    """What somebody saw who owns the machine but not the enclave.

    Attributes:
        layout: where everything lies; its node's folder is the host's.
        record: every byte between host and enclave.
        private: canaries sent over TLS.
        clear: canaries sent without.
        public: canaries written for everybody, over TLS.
        escrow: the enclave's own keys, which nobody has seen.
    """

    layout: Layout
    record: bytes
    private: dict[str, bytes]
    clear: dict[str, bytes]
    public: dict[str, bytes]
    escrow: dict[str, str]
    ledger_secrets: list[bytes]

    @property
    def keys(self) -> dict[str, bytes]:
        """Everything that makes up the enclave's private keys."""
        found = {f"ledger secret {i}": raw for i, raw in enumerate(self.ledger_secrets)}
        for name, pem in self.escrow.items():
            found |= {f"{name}: {part}": raw for part, raw in _numbers(pem)}
        return found


def _numbers(pem: str) -> Iterator[tuple[str, bytes]]:
    """Give the secret numbers of a private key."""
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
    """Run a node, send all canaries, stop it, and collect what was to be seen."""
    layout = Layout(workspace=workspace)
    private, clear, public = Canaries(), Canaries(), Canaries()
    node = _start(layout)
    try:
        url = asyncio.run(node.wait_started())
        certificate = layout.service_certificate.read_text()
        with BlockingConnection(
            Connection(url, service_certificate=certificate)
        ) as anybody:
            members = _open(anybody, layout)
            _write_public(anybody, public)
            send_canaries(_address(layout, INTERFACE, certificate), private)
            send_canaries(_address(layout, CLEAR), clear)
            anybody.run(carry(members, REKEY))
            again = Canaries()
            send_canaries(_address(layout, INTERFACE, certificate), again)
            reply = anybody.request(
                "PUT", "/app/public", json={"key": "last", "value": ""}
            )
            assert reply.txid is not None
            anybody.wait_committed(reply.txid)
    finally:
        node.stop()
    rekeyed = {f"{name}, rekeyed": word for name, word in again.by_place.items()}
    escrow = json.loads((workspace / "escrow").read_text())
    return Seen(
        layout=layout,
        record=(workspace / "record").read_bytes(),
        private=private.by_place | rekeyed,
        clear=clear.by_place,
        public=public.by_place,
        ledger_secrets=[bytes.fromhex(raw) for raw in escrow.pop("ledger secrets")],
        escrow=escrow,
    )


def _start(layout: Layout) -> LocalNode:
    for name in MEMBERS:
        generate_keys(
            layout.keys(name), curve=Curve.SECP256R1, with_encryption_key=True
        )
    interface: JsonObject = {"bind_address": "127.0.0.1:0"}
    clear: JsonObject = {
        "endorsement": {"authority": "Unsecured"},
        "accepted_endpoints": [".*"],
    }
    network: JsonObject = {
        "node_to_node_interface": {"bind_address": "127.0.0.1:0"},
        "rpc_interfaces": {INTERFACE: interface, CLEAR: interface | clear},
    }
    options = NodeOptions(
        port=0,
        members=MEMBERS,
        constitution=constitution("default"),
        extra={"network": network},
    )
    write_node_folder(layout, options)
    words = ["--config", CONFIG_FILE, "--log-level", "trace", "--enclave", "in-process"]
    folder = layout.node
    with (folder / LOG_FILE).open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(
            [
                sys.executable,
                str(HERE / "canary_node.py"),
                str(layout.workspace),
                str(HERE / "canary_app.py"),
                *words,
            ],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
    return LocalNode(layout, process)


def _open(anybody: BlockingConnection, layout: Layout) -> list[Governance]:
    """Open the service by its members' votes."""
    anybody.run(wait_ready(anybody.connection))
    members = [
        Governance(anybody.connection, FileSigner.load(layout.keys(name)))
        for name in MEMBERS
    ]
    anybody.run(open_service(anybody.connection, members, users=[]))
    return members


def _write_public(anybody: BlockingConnection, canary: Canaries) -> None:
    pair = {"key": canary("public key"), "value": canary("public value")}
    assert anybody.request("PUT", "/app/public", json=pair).status == 200


def _address(layout: Layout, name: str, certificate: str | None = None) -> Address:
    addresses = json.loads((layout.node / ADDRESSES_FILE).read_text())
    host, _, port = addresses[name].rpartition(":")
    return Address(host, int(port), certificate)
