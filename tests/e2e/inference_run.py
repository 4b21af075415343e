"""One run of a tapped node that runs a model, with requests over TLS and in the clear.

The tap is that of ``canary_node.py``. The node's host is one process with the service's
clients, and one with its enclave. While both processes live, the test also searches the
host's memory.
"""

import asyncio
import json
import secrets
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from apps.inference.client import InferenceClient, registration, unlock, upload
from ccfpy.app import TxId
from ccfpy.base.json import JsonObject, dumps
from ccfpy.client.attested import Expected
from ccfpy.client.connection import Connection
from ccfpy.client.governance import Governance
from ccfpy.client.keys import FileSigner
from ccfpy.client.opening import carry, open_service
from ccfpy.client.requests import Reply
from ccfpy.client.share import constitution
from ccfpy.crypto.aead import seal_blob
from ccfpy.http.messages import Request, serialise_request
from ccfpy.local.configuration import (
    INTERFACE,
    Placement,
    ServiceOptions,
)
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.e2e.canary_search import find
from tests.e2e.canary_traffic import Address, Canaries, ask

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OWN_CONSTITUTION = ROOT / "apps" / "inference" / "constitution" / "actions.js"
MEMBERS = ("member0",)
OWNER = "user0"
CLEAR = "clear_rpc_interface"
VIRTUAL = Expected(allows_virtual=True)
MODEL = "mirror"
REGION_BYTES_MAX = 256 * 1024 * 1024


@dataclass(slots=True)
class Clear:
    """Carries requests without TLS, as if a relay had ended TLS.

    Attributes:
        sent: the last request's body.
    """

    address: Address
    sent: bytes = b""

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request."""
        self.sent = body or (b"" if json is None else dumps(json))
        target, _, query = path.partition("?")
        request = Request(
            method=method,
            path=target,
            query=query,
            headers={"host": "clear", **(headers or {})},
            body=self.sent,
        )
        with closing(self.address.connect()) as connection:
            response = await asyncio.to_thread(
                ask, connection, serialise_request(request)
            )
        return Reply(
            status=response.status, headers=response.headers, body=response.body
        )

    async def wait_committed(self, txid: TxId) -> None:
        """Leave this to a carrier with TLS."""
        raise AssertionError(f"nobody waits for {txid} in the clear")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that the owner of the machine can see, without the enclave.

    Attributes:
        began: the start of the run, in seconds since 1970.
        workspace: the folder of all other files of the run.
        folder: the host's files.
        record: every byte between host and enclave.
        in_memory: the names of the secrets found in the host's memory.
        marker: the name that the search of the memory must find, or the search proves
            nothing.
        secrets: the secrets that must appear nowhere.
        clear: the content sent in the clear, unsealed, which the search must find.
        ciphertext: the last request in the clear, which the search must find.
        ledger_secret: the enclave's own ledger secret, in escrow.
    """

    began: float
    workspace: Path
    folder: Path
    record: bytes
    in_memory: set[str]
    marker: str
    secrets: dict[str, bytes]
    clear: dict[str, bytes]
    ciphertext: bytes
    ledger_secret: bytes


@dataclass(slots=True)
class _Run:
    """The state of a run under way."""

    workspace: Path
    canary: Canaries = field(default_factory=Canaries)
    clear: Canaries = field(default_factory=Canaries)
    content_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def secrets(self) -> dict[str, bytes]:
        """Return all secrets that must appear nowhere, by their names."""
        return self.canary.by_place | {"the model's key": self.content_key}


def mirror(canary: str) -> bytes:
    """Make a model that returns its input, with a secret of its owner in it."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "mirror",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, [None])],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, [None])],
        doc_string=canary,
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def run(workspace: Path) -> Seen:
    """Run a node, ask it everything, search its host, stop the node."""
    marker = secrets.token_hex(16)
    began = time.time()
    workspace = workspace / marker  # the host knows the paths of its files
    workspace.mkdir()
    options = _options(workspace)
    network = ProcessNetwork(options)
    state = _Run(workspace)
    try:
        asyncio.run(network.begin([Placement()]))
        (node,) = network.nodes
        ciphertext = asyncio.run(_use(network, node, state))
        searched = state.secrets() | {"marker": marker.encode()}
        in_memory = search_memory(node.pid, searched)
    finally:
        network.stop()
    escrow = json.loads((workspace / "escrow").read_text())
    (ledger_secret,) = escrow["ledger secrets"]
    return Seen(
        began=began,
        workspace=workspace,
        folder=options.folder(0),
        record=(workspace / "record").read_bytes(),
        in_memory=in_memory,
        marker="marker",
        secrets=state.secrets(),
        clear=state.clear.by_place,
        ciphertext=ciphertext,
        ledger_secret=bytes.fromhex(ledger_secret),
    )


def _options(workspace: Path) -> ServiceOptions:
    interface: JsonObject = {"bind_address": "127.0.0.1:0"}
    clear: JsonObject = {
        "endorsement": {"authority": "Unsecured"},
        "accepted_endpoints": [".*"],
    }
    interfaces: JsonObject = {INTERFACE: interface, CLEAR: interface | clear}
    actions, *others = constitution("default")
    node = HERE / "canary_node.py"
    return ServiceOptions(
        workspace=workspace,
        app="inference",
        members=MEMBERS,
        users=(OWNER,),
        constitution=[actions, OWN_CONSTITUTION, *others],
        log_level="trace",
        extra={"network": {"rpc_interfaces": interfaces}},
        program=(
            *("env", f"PYTHONPATH={ROOT}", sys.executable),
            *(str(node), str(workspace), "--enclave", "in-process"),
        ),
    )


async def _use(network: ProcessNetwork, node: NodeProcess, state: _Run) -> bytes:
    """Install a model and ask it in every way; return the last body sent in the
    clear."""
    async with (
        network.connect(node) as anybody,
        network.connect(node, OWNER) as owner,
    ):
        await _install(anybody, owner, network.options, state)
        for carrier, way in ((owner, "over TLS"), (_clear(node), "in the clear")):
            client = InferenceClient(carrier, MODEL, VIRTUAL)
            for ask_model, how in (
                (client.score, "asked"),
                (client.record, "asked on record"),
            ):
                word = state.canary(f"{how} {way}").encode()
                inputs = {"x": np.frombuffer(word, np.uint8)}
                scores = await ask_model(inputs)
                assert scores.outputs["y"].tobytes() == word
        clear = _clear(node)
        await InferenceClient(clear, MODEL, VIRTUAL).score(
            {"x": np.frombuffer(state.canary("the last question").encode(), np.uint8)}
        )
        ciphertext = clear.sent
        told = state.clear("a name in a path")
        assert (await clear.request("GET", f"/app/models/{told}/key")).is_error
    async with network.connect(node, MEMBERS[0]) as member:
        last = await member.post("/app/channel/roll", {})
        assert last.txid is not None
        await member.wait_committed(last.txid)
    return ciphertext


async def _install(
    anybody: Connection, owner: Connection, options: ServiceOptions, state: _Run
) -> None:
    members = [
        Governance(anybody, FileSigner.load(options.keys(name))) for name in MEMBERS
    ]
    signer = FileSigner.load(options.keys(OWNER))
    pem = options.keys(OWNER).certificate.read_text()
    await open_service(anybody, members, users=[pem])
    model = mirror(state.canary("inside the model"))
    encrypted = seal_blob(state.content_key, model, iv=bytes(12))
    action = registration(
        model,
        name=MODEL,
        version=1,
        uploader=signer.certificate.digest_hex,
        encrypted=encrypted,
        access="anybody",
    )
    await carry(members, [action])
    await upload(owner, MODEL, 1, encrypted)
    await unlock(owner, MODEL, 1, state.content_key, VIRTUAL)


def _clear(node: NodeProcess) -> Clear:
    addresses = json.loads((node.folder / "0.rpc_addresses").read_text())
    host, _, port = addresses[CLEAR].rpartition(":")
    return Clear(Address(host, int(port)))


def search_memory(pid: int, words: Mapping[str, bytes]) -> set[str]:
    """Name the secrets that a process has in its memory, in any form."""
    found: set[str] = set()
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in lines:
            place, rights, *_ = line.split()
            first, end = (int(word, 16) for word in place.split("-"))
            if not rights.startswith("rw") or end - first > REGION_BYTES_MAX:
                continue
            try:
                memory.seek(first)
                region = memory.read(end - first)
            except (OSError, OverflowError):
                continue  # such as [vvar], or memory that was freed meanwhile
            found |= find(region, words)
    return found
