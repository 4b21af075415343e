"""One sandbox, from empty folders to Ctrl-C: keys, nodes, opening, a first write."""

import asyncio
import contextlib
import shutil
import signal
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.cli.earlier_run import Lost, set_aside
from ccfpy.cli.errors import CommandFailed
from ccfpy.cli.output import print_json
from ccfpy.cli.terminal import Terminal
from ccfpy.client.errors import ClientError
from ccfpy.client.receipts import fetch_receipt, verify_receipt
from ccfpy.client.survey import NodeReport, survey
from ccfpy.local.configuration import Placement, Remains, ServiceOptions
from ccfpy.local.network import PUBLIC, WHOLE, ProcessNetwork
from ccfpy.local.node import NodeProcess, are_enclaves_apart

WRITABLE_APP = "logging"
"""The app to which a first message is written."""
MESSAGE_ID = 42
RESENT_MAX = 3
"""How often the message is written again that was lost with its view."""
LOOK_S = 0.2
"""Between two checks that all nodes still run."""
ELECTIONS_WAITED = 5
"""After so many election timeouts without a primary, there will be none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the options ask for.

    Attributes:
        actions: what else members vote for when the service opens.
        placements: where each node runs.
        lost: the service that is to be recovered, if it is not a new one.
    """

    options: ServiceOptions
    actions: Sequence[Mapping[str, Json]]
    placements: Sequence[Placement]
    lost: Lost | None = None


class Run:
    """One sandbox, from empty folders to Ctrl-C."""

    def __init__(self, plan: Plan, *, say: Terminal) -> None:
        self._plan = plan
        self._options = plan.options
        self._say = say
        self._network = ProcessNetwork(plan.options)

    async def until_stopped(self, *, stop_at_once: bool, json: bool) -> None:
        """Start the service, print how to use it, and keep it running.

        Raises:
            CancelledError: a signal asked to stop; the nodes have been stopped.
            CommandFailed: the service does not come up, or its nodes end by themselves.
        """
        cancel_on_signals()
        if (kept := set_aside(self._options)) is not None:
            self._done(f"the earlier run's nodes and keys are kept in {kept}")
        async with self._nodes():
            opened = await self._start()
            written = await self._try(opened)
            if json:
                print_json(self._facts(written))
            else:
                self._print_examples(written)
            if not stop_at_once:
                await self._until_they_end()

    def log(self) -> str:
        """Return the first node's log."""
        path = self._options.folder(0) / "out"
        return path.read_text(errors="replace") if path.exists() else ""

    @contextlib.asynccontextmanager
    async def _nodes(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._network.stop()
            are_several = len(self._plan.placements) > 1
            self._say.say(
                "The nodes have stopped." if are_several else "The node has stopped."
            )

    async def _start(self) -> TxId:
        """Start the service, join all nodes, open it; return when it was opened."""
        network, lost = self._network, self._plan.lost
        remains = None if lost is None else lost.remains()
        try:
            await self._start_nodes(remains)
            if remains is None:
                network.make_keys(self._options.users)  # last, as ``begin`` does
                opened = await network.open(self._plan.actions)
            else:
                opened = await network.bring_back(remains, before=self._plan.actions)
                for node in network.nodes:
                    await network.wait_joined(node)
        except BaseException as error:
            if lost is not None:
                lost.give_back()
            ended = [node for node in network.nodes if not node.is_alive]
            if not ended or not isinstance(error, CcfpyError):
                raise
            raise CommandFailed(
                f"{_named(ended[0])} did not start: {ended[0].last_words()}"
            ) from error
        count = len(self._options.members)
        members = "member" if count == 1 else f"{count} members"
        what = "opened" if remains is None else "recovered"
        self._done(f"service {what} by its {members}, in {opened}")
        for node in network.nodes:
            name = f"{node.number}.rpc_addresses"
            shutil.copy(node.folder / name, self._options.shared / name)
        return opened

    async def _start_nodes(self, remains: Remains | None) -> None:
        """Start a service, or recover a public state, and join the other nodes."""
        network = self._network
        first, *others = self._plan.placements
        if not are_enclaves_apart():
            self._say.say(
                ("!", "yellow"),
                " on this system a node is one process: nothing separates its enclave "
                "from its host",
            )
        if remains is None:
            await network.found(first)
            self._tell(network.nodes[0], "started")
        else:
            await network.recover(first, remains)
            self._tell(network.nodes[0], "recovered what is public")
        joining = [network.launch(placement) for placement in others]
        for node in joining:
            await node.wait_started()
        for node in joining:
            await network.wait_joined(node, state=WHOLE if remains is None else PUBLIC)
            self._tell(node, "joined")

    def _tell(self, node: NodeProcess, what: str) -> None:
        words = f"process {node.pid}, log {node.log}"
        if len(self._plan.placements) == 1:
            self._done(f"node {what}: {words}")
        else:
            self._done(f"{_named(node)} {what}: {node.url}, {words}")

    async def _try(self, opened: TxId) -> TxId:
        """Write a message if the app takes any, and verify a receipt; return whose."""
        node = self._network.nodes[0]
        written = await self._write(node) if self._can_write else opened
        async with self._network.connect(node) as anybody:
            receipt = await fetch_receipt(anybody, written)
            verify_receipt(
                receipt, service_certificate=anybody.service_certificate, txid=written
            )
        self._done(f"receipt of {written} verified offline, against the certificate")
        return written

    @property
    def _can_write(self) -> bool:
        return self._options.app == WRITABLE_APP and bool(self._options.users)

    async def _write(self, node: NodeProcess) -> TxId:
        message = {"id": MESSAGE_ID, "msg": "Hello, ledger"}
        async with self._network.connect(node, self._options.users[0]) as user:
            # On a busy machine the nodes may elect another primary meanwhile.
            written = await user.write(
                "POST",
                "/app/log/private",
                json=message,
                idempotent=True,
                resend_if_lost=RESENT_MAX,
            )
        self._done(f"a message written and committed, in {written.txid}")
        return written.txid

    async def _until_they_end(self) -> None:
        """Keep the nodes, and print what becomes of the service when one ends.

        Raises:
            CommandFailed: no node is left.
        """
        self._say.say()
        self._say.say("The service is running. Press Ctrl-C to stop it.")
        network = self._network
        living = network.alive
        while True:
            await asyncio.sleep(LOOK_S)
            for node in [node for node in living if not node.is_alive]:
                living.remove(node)
                if not living:
                    subject = "the node" if len(network.nodes) == 1 else _named(node)
                    raise CommandFailed(f"{subject} ended by itself: {_end_of(node)}")
                self._say.say(
                    ("✗", "red"),
                    f" {_named(node)} has ended: {_end_of(node)}; "
                    f"{len(living)} of {len(network.nodes)} are left",
                )
                await self._tell_primary(node)

    async def _tell_primary(self, ended: NodeProcess) -> None:
        """Wait until the service has a primary, also one that was not started here."""
        begin_s = time.monotonic()
        timeout_s = ELECTIONS_WAITED * self._options.election_timeout_ms / 1000
        while (after_s := time.monotonic() - begin_s) < timeout_s:
            primary = await self._primary()
            if primary is not None and primary.id != ended.id:
                assert primary.answer is not None, "the primary answered"
                self._done(
                    f"the primary is {primary.url}, in view {primary.answer.view}, "
                    f"after {after_s:.1f} s"
                )
                return
            await asyncio.sleep(LOOK_S)
        self._say.say(
            ("✗", "red"), " no primary is elected: too few nodes for a majority"
        )

    async def _primary(self) -> NodeReport | None:
        try:
            seen = await survey(
                [node.url for node in self._network.alive],
                service_certificate=self._options.service_certificate.read_text(),
            )
        except ClientError:
            return None
        return seen.primary

    def _done(self, text: str) -> None:
        self._say.say(("✓", "green"), f" {text}")

    def _facts(self, written: TxId) -> Mapping[str, object]:
        options, nodes = self._options, self._network.nodes
        return {
            "url": nodes[0].url,
            "http2_url": nodes[0].http2_url,
            "common": str(options.shared.resolve()),
            "node": str(nodes[0].folder.resolve()),
            "pid": nodes[0].pid,
            "metrics_url": nodes[0].metrics_url,
            "nodes": [
                {
                    "id": node.id,
                    "url": node.url,
                    "http2_url": node.http2_url,
                    "folder": str(node.folder.resolve()),
                    "pid": node.pid,
                    "metrics_url": node.metrics_url,
                }
                for node in nodes
            ],
            "service_certificate": str(options.service_certificate.resolve()),
            "members": list(options.members),
            "users": list(options.users),
            "transaction": str(written),
        }

    def _print_examples(self, written: TxId) -> None:
        folder, nodes = self._options.shared, self._network.nodes
        urls = [node.http2_url or node.url for node in nodes]
        url = urls[0]
        trust = f"--cacert {folder}/service_cert.pem"
        lines = [f"curl {url}/node/network {trust}"]
        if self._can_write:
            user = self._options.users[0]
            identity = (
                f"--cert {folder}/{user}_cert.pem --key {folder}/{user}_privk.pem"
            )
            content = "-H 'content-type: application/json'"
            content += ' -d \'{"id": 7, "msg": "Kept private"}\''
            lines += [
                f"curl {url}/app/log/private {trust} {identity} {content}",
                f"curl '{urls[-1]}/app/log/private?id=7' {trust} {identity}",
            ]
        receipt = f"/node/receipt?transaction_id={written}"
        lines.append(f"curl '{url}{receipt}' {trust}")
        if self._options.has_http2:
            self._print("", f"{url} speaks HTTP/2, and {nodes[0].url} HTTP/1.1.")
        self._print_metrics()
        if self._options.extra.get("api_page"):
            self._print("", "Every endpoint is on a page, for browsers that trust")
            self._print(f"{folder}/service_cert.pem:", "", f"{url}/node/api/page")
        self._print("", f"Keys and certificates are in {folder}. Try:", "", *lines)
        if len(nodes) > 1:
            self._print(
                "",
                "Watch the nodes, and see another become primary when it ends:",
                "",
                f"ccfpy network status --watch --common {folder}",
                f"kill -9 {nodes[0].pid}",
            )

    def _print_metrics(self) -> None:
        served = [node.metrics_url for node in self._network.nodes]
        addresses = [address for address in served if address is not None]
        if addresses:
            self._print("", "Metrics for Prometheus are at:", "", *addresses)

    def _print(self, *lines: str) -> None:
        for line in lines:
            self._say.say(line)


def _named(node: NodeProcess) -> str:
    return f"node {node.number}"


def _end_of(node: NodeProcess) -> str:
    code = node.exit_code()
    if code is not None and code < 0:
        return f"killed by signal {-code}"
    return node.last_words()


def cancel_on_signals() -> None:
    """Cancel the task under way when this process is asked to stop."""
    task = asyncio.current_task()
    assert task is not None, "called from a coroutine"
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        # Windows has no SIGHUP and no such handlers: Ctrl-C cancels there by itself.
        with contextlib.suppress(AttributeError, NotImplementedError):
            loop.add_signal_handler(getattr(signal, name), task.cancel)
