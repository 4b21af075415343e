"""One run of the emulator of Azure Confidential Ledger, until Ctrl-C."""

import asyncio
import contextlib
import secrets
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.cli.addresses import HOST, PORT, require_free
from ccfpy.cli.earlier_run import set_aside
from ccfpy.cli.errors import CommandFailed
from ccfpy.cli.output import print_json
from ccfpy.cli.sandbox_run import LOOK_S, cancel_on_signals
from ccfpy.cli.terminal import Terminal
from ccfpy.client.keys import OsEntropy, write_private
from ccfpy.client.share import constitution
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.devtools.acl_identity import TOKEN_PATH, AclIdentity
from ccfpy.devtools.token_signer import TokenSigner
from ccfpy.local.configuration import Placement, ServiceOptions
from ccfpy.local.network import NODE_PROGRAM, ProcessNetwork
from ccfpy.local.node import NodeProcess

IDENTITY_HOST = "127.0.0.1"


class IdentityServer(ThreadingHTTPServer):
    """The identity service, listening on this machine alone.

    Attributes:
        service: makes the answers; set before the server serves.
    """

    daemon_threads = True
    service: "AclIdentity"

    def __init__(self, port: int) -> None:
        super().__init__((IDENTITY_HOST, port), _Handler)

    @property
    def url(self) -> str:
        """Return the address of the server."""
        return f"http://{IDENTITY_HOST}:{self.server_port}"

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Serve in a thread, and end the thread in every case."""
        thread = threading.Thread(target=self.serve_forever)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a GET."""
        server = self.server
        assert isinstance(server, IdentityServer), "it is made for no other"
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = server.service.get(self.path, headers, unix_time_s=int(time.time()))
        body = json.dumps(answer.body)
        self.send_response(answer.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


APP = "confidential_ledger"
API_VERSION = "2022-05-13"
LABEL = "acl"
ADMINISTRATOR = "administrator"
ADMINISTRATOR_PEM = "administrator.pem"
"""The administrator's key and certificate in one file, as Azure's clients want them."""
ROLES: JsonObject = {"assignedRoles": ["Administrator"]}
SIGNATURE_DELAY_MS = 100
SIGNATURE_DELAY_FAST_MS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AclPlan:
    """What the options ask for.

    Attributes:
        workspace: the folder for everything.
        port: of the ledger; 0 is any.
        identity_port: of the identity service; 0 is any.
        ledger_id: the ledger's name at the identity service.
        is_fast: whether transactions are to commit without delay.
    """

    workspace: Path
    port: int = PORT
    identity_port: int = PORT + 1
    ledger_id: str = "emulated"
    is_fast: bool = False

    def options(self) -> ServiceOptions:
        """Return the options of the service."""
        delay_ms = SIGNATURE_DELAY_FAST_MS if self.is_fast else SIGNATURE_DELAY_MS
        return ServiceOptions(
            workspace=self.workspace,
            label=LABEL,
            app=APP,
            program=NODE_PROGRAM,
            members=["member0"],
            users=[ADMINISTRATOR],
            constitution=constitution("default"),
            signature_delay_ms=delay_ms,
            extra={"ledger_signatures": {"early": True}},
        )


@dataclass(kw_only=True)
class _Identities:
    """What is made anew in each run: a key for tokens, a secret, an object id."""

    secret: str = field(default_factory=secrets.token_hex)
    object_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def service(
        self, plan: AclPlan, node: NodeProcess, certificate: str
    ) -> AclIdentity:
        """Return the identity service of a ledger."""
        entropy = OsEntropy()
        # Azure's clients ask for the part of the ledger's host before the first dot.
        asked = node.url.removeprefix("https://").split(".")[0]
        return AclIdentity(
            certificate=certificate,
            ledger_ids={plan.ledger_id, asked},
            signer=TokenSigner(
                RsaKeyPair.generate(entropy),
                subject="ccfpy emulator of Azure Confidential Ledger",
                not_before=datetime.now(UTC) - timedelta(minutes=1),
                entropy=entropy,
            ),
            secret=self.secret,
            object_id=self.object_id,
        )


class AclEmulator:
    """One run of the emulator."""

    def __init__(self, plan: AclPlan, *, say: Terminal) -> None:
        self._plan = plan
        self._say = say
        self._options = plan.options()
        self._network = ProcessNetwork(self._options)
        self._identities = _Identities()

    async def until_stopped(self, *, json: bool) -> None:
        """Start everything, print where it is, and keep it running.

        Raises:
            CancelledError: a signal asked to stop; the node has been stopped.
            CommandFailed: a port is taken; the node does not start, or ends by itself.
        """
        cancel_on_signals()
        plan = self._plan
        if plan.port:
            _require_free(plan.port)
        with _listening(plan.identity_port) as server:
            set_aside(self._options)
            try:
                node = await self._start(server)
                with server.serving():
                    facts = self._facts(node, server)
                    if json:
                        print_json(facts)
                    else:
                        self._print(facts)
                    await self._until_it_ends(node)
            finally:
                self._network.stop()

    async def _start(self, server: IdentityServer) -> NodeProcess:
        """Start the node, and open the service with its first administrator."""
        network, options = self._network, self._options
        await network.begin([Placement(host=HOST, port=self._plan.port)])
        (node,) = network.nodes
        service_certificate = options.service_certificate.read_text()
        server.service = self._identities.service(self._plan, node, service_certificate)
        keys = options.keys(ADMINISTRATOR)
        certificate = keys.certificate.read_text()
        write_private(
            options.shared / ADMINISTRATOR_PEM,
            f"{keys.private_key.read_text()}{certificate}",
        )
        appoint: JsonObject = {
            "name": "set_user_data",
            "args": {
                "user_id": Certificate.from_pem(certificate).digest_hex,
                "user_data": ROLES,
            },
        }
        await network.open([server.service.trust(), appoint])
        async with network.connect(node, ADMINISTRATOR) as administrator:
            path = f"/app/ledgerUsers/{self._identities.object_id}"
            await administrator.patch(f"{path}?api-version={API_VERSION}", ROLES)
        return node

    async def _until_it_ends(self, node: NodeProcess) -> None:
        """Wait until the node ends by itself.

        Raises:
            CommandFailed: always.
        """
        while node.is_alive:  # noqa: ASYNC110 - a process sets no event
            await asyncio.sleep(LOOK_S)
        raise CommandFailed(f"the node ended by itself: {node.last_words()}")

    def _facts(self, node: NodeProcess, server: IdentityServer) -> Mapping[str, object]:
        shared = self._options.shared.resolve()
        return {
            "endpoint": node.url,
            "ledger_id": self._plan.ledger_id,
            "ledger_certificate": str(self._options.service_certificate.resolve()),
            "administrator": str(shared / ADMINISTRATOR_PEM),
            "identity_service": server.url,
            "token_endpoint": f"{server.url}{TOKEN_PATH}",
            "token_secret": self._identities.secret,
            "object_id": self._identities.object_id,
            "common": str(shared),
            "pid": node.pid,
        }

    def _print(self, facts: Mapping[str, object]) -> None:
        lines = (
            f"The ledger is at {facts['endpoint']}.",
            f"Its certificate is in {facts['ledger_certificate']}.",
            "The administrator's certificate and key are in",
            f"  {facts['administrator']}",
            f"The identity service is at {facts['identity_service']}.",
            "",
            "For Azure's credentials, such as DefaultAzureCredential:",
            "",
            f"export IDENTITY_ENDPOINT={facts['token_endpoint']}",
            f"export IDENTITY_HEADER={facts['token_secret']}",
            "",
            "The emulator is running. Press Ctrl-C to stop it.",
        )
        for line in lines:
            self._say.say(line)


def _require_free(port: int) -> None:
    """Check that the ledger can listen on a port.

    Raises:
        CommandFailed: it cannot.
    """
    try:
        require_free(HOST, port)
    except CommandFailed as error:
        raise _taken(port, "--port") from error


def _listening(port: int) -> IdentityServer:
    """Return the server of the identity service, which listens but does not serve.

    Raises:
        CommandFailed: it cannot listen.
    """
    try:
        return IdentityServer(port)
    except OSError as error:
        raise _taken(port, "--identity-port") from error


def _taken(port: int, option: str) -> CommandFailed:
    return CommandFailed(
        f"cannot listen on port {port}: stop what listens there, or choose another "
        f"with {option}"
    )
