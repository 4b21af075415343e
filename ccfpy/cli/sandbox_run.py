"""One sandbox, from empty folders to Ctrl-C: keys, node, opening, a first write."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console

from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.cli.errors import CommandFailed
from ccfpy.cli.local_node import (
    Layout,
    LocalNode,
    NodeOptions,
    require_free,
    write_node_folder,
)
from ccfpy.cli.output import print_json
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from ccfpy.client.governance import Governance
from ccfpy.client.keyfiles import CURVES, generate_keys
from ccfpy.client.opening import open_service, wait_ready
from ccfpy.client.receipts import fetch_receipt, verify_receipt
from ccfpy.client.signer import FileSigner

WRITABLE_APP = "logging"
"""The app to which a first message is written."""
MESSAGE_ID = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the options ask for.

    Attributes:
        actions: what else members vote for when the service opens.
    """

    layout: Layout
    options: NodeOptions
    users: Sequence[str]
    curve: str
    actions: Sequence[Mapping[str, Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A service that users can use.

    Attributes:
        written: the transaction whose receipt was verified.
    """

    url: str
    written: TxId


class Run:
    """One sandbox, from empty folders to Ctrl-C."""

    def __init__(self, plan: Plan, *, say: Console) -> None:
        self._plan = plan
        self._say = say

    async def until_stopped(self, *, stop_at_once: bool, json: bool) -> None:
        """Bring the service up, tell how to use it, and keep it.

        Raises:
            CancelledError: a signal asked to stop; the node has been stopped.
            CommandFailed: the service does not come up, or its node ends by itself.
        """
        plan = self._plan
        _cancel_on_signals()
        require_free(plan.options.host, plan.options.port)
        self._make_keys()
        write_node_folder(plan.layout, plan.options)
        async with self._started() as node:
            opened = await self._open(node)
            if json:
                print_json(self._facts(node, opened))
            else:
                self._print_examples(opened)
            if not stop_at_once:
                await self._until_it_ends(node)

    def log(self) -> str:
        """Give the node's log."""
        path = self._plan.layout.node / "out"
        return path.read_text(errors="replace") if path.exists() else ""

    def _make_keys(self) -> None:
        plan = self._plan
        for name in (*plan.options.members, *plan.users):
            generate_keys(
                plan.layout.keys(name),
                curve=CURVES[plan.curve],
                with_encryption_key=name in plan.options.members,
            )

    @contextlib.asynccontextmanager
    async def _started(self) -> AsyncIterator[LocalNode]:
        node = LocalNode.start(self._plan.layout, self._plan.options)
        try:
            yield node
        finally:
            node.stop()
            self._say.print("The node has stopped.")

    async def _open(self, node: LocalNode) -> Opened:
        plan = self._plan
        url = await node.wait_started()
        self._done(f"node started: process {node.pid}, log {node.log}")
        members = plan.options.members
        certificate = plan.layout.service_certificate.read_text()
        async with Connection(url, service_certificate=certificate) as anybody:
            await wait_ready(anybody)
            signers = [FileSigner.load(plan.layout.keys(name)) for name in members]
            opened = await open_service(
                anybody,
                [Governance(anybody, signer) for signer in signers],
                users=[plan.layout.keys(n).certificate.read_text() for n in plan.users],
                before=plan.actions,
            )
        self._done(f"service opened by its {len(members)} members, in {opened}")
        written = await self._write(url, certificate) if self._can_write else opened
        async with Connection(url, service_certificate=certificate) as anybody:
            receipt = await fetch_receipt(anybody, written)
        verify_receipt(receipt, service_certificate=certificate, txid=written)
        self._done(f"receipt of {written} verified offline, against the certificate")
        return Opened(url=url, written=written)

    @property
    def _can_write(self) -> bool:
        return self._plan.options.app == WRITABLE_APP and bool(self._plan.users)

    async def _write(self, url: str, certificate: str) -> TxId:
        identity = self._plan.layout.keys(self._plan.users[0])
        message = {"id": MESSAGE_ID, "msg": "Hello, ledger"}
        async with Connection(
            url, service_certificate=certificate, identity=identity
        ) as user:
            reply = await user.post("/app/log/private", message)
            if reply.txid is None:
                raise UnexpectedReply("a write was answered without its transaction id")
            await user.wait_committed(reply.txid)
        self._done(f"a message written and committed, in {reply.txid}")
        return reply.txid

    async def _until_it_ends(self, node: LocalNode) -> None:
        self._say.print("\nThe service is running. Press Ctrl-C to stop it.")
        await node.wait_ended()
        raise CommandFailed(f"the node ended by itself: {node.last_words()}")

    def _done(self, text: str) -> None:
        self._say.print(f"[green]✓[/green] {text}")

    def _facts(self, node: LocalNode, opened: Opened) -> Mapping[str, object]:
        layout = self._plan.layout
        return {
            "url": opened.url,
            "common": str(layout.shared.resolve()),
            "node": str(layout.node.resolve()),
            "pid": node.pid,
            "service_certificate": str(layout.service_certificate.resolve()),
            "members": list(self._plan.options.members),
            "users": list(self._plan.users),
            "transaction": str(opened.written),
        }

    def _print_examples(self, opened: Opened) -> None:
        folder = self._plan.layout.shared
        trust = f"--cacert {folder}/service_cert.pem"
        say = self._say.print
        say(f"\nKeys and certificates are in {folder}. Try:\n", markup=False)
        say(f"curl {opened.url}/node/network {trust}", markup=False)
        if self._can_write:
            user = self._plan.users[0]
            trust += f" --cert {folder}/{user}_cert.pem --key {folder}/{user}_privk.pem"
            say(
                f"curl {opened.url}/app/log/private {trust} "
                "-H 'content-type: application/json' "
                '-d \'{"id": 7, "msg": "Kept private"}\'',
                markup=False,
            )
            say(f"curl '{opened.url}/app/log/private?id=7' {trust}", markup=False)
        receipt = f"/node/receipt?transaction_id={opened.written}"
        say(
            f"curl '{opened.url}{receipt}' --cacert {folder}/service_cert.pem",
            markup=False,
        )


def _cancel_on_signals() -> None:
    """Let whoever asks this process to stop cancel the task under way."""
    task = asyncio.current_task()
    assert task is not None, "called from a coroutine"
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
