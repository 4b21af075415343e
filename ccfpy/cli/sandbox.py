"""``ccfpy sandbox``: a service of one's own, opened, tried out and kept running."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ccfpy.base.ids import TxId
from ccfpy.base.json import Json
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.js_bundle import install_app
from ccfpy.cli.local_node import (
    Layout,
    LocalNode,
    NodeOptions,
    parse_node,
    require_free,
    write_node_folder,
)
from ccfpy.cli.output import print_json, progress_console, text_console
from ccfpy.cli.share import constitution as shipped_constitution
from ccfpy.client.connection import Connection
from ccfpy.client.errors import UnexpectedReply
from ccfpy.client.governance import Governance
from ccfpy.client.keyfiles import CURVES, generate_keys
from ccfpy.client.opening import open_service, wait_ready
from ccfpy.client.receipts import fetch_receipt, verify_receipt
from ccfpy.client.signer import FileSigner

PARTICIPANTS_MAX = 100
SCRIPTS = ("actions.js", "validate.js", "resolve.js", "apply.js")
DEFAULT_APP = "logging"
JS_APP = "js_generic"
MESSAGE_ID = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the options ask for.

    Attributes:
        bundle: the action that installs a JavaScript app, if there is one.
    """

    layout: Layout
    options: NodeOptions
    users: Sequence[str]
    curve: str
    bundle: Mapping[str, Json] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A service that users can use.

    Attributes:
        written: the transaction whose receipt was verified.
    """

    url: str
    written: TxId


def sandbox(  # noqa: PLR0913  # one parameter for each of CCF's options
    *,
    node: Annotated[
        list[str] | None,
        typer.Option("--node", "-n", help="Where to listen: local://HOST:PORT."),
    ] = None,
    app: Annotated[
        str | None,
        typer.Option(help="The app: a sample's name or a Python file or package."),
    ] = None,
    package: Annotated[
        str | None,
        typer.Option("--package", "-p", help="The app by the name of CCF's program."),
    ] = None,
    js_app_bundle: Annotated[
        Path | None, typer.Option(help="A folder with a JavaScript app to install.")
    ] = None,
    initial_member_count: Annotated[
        int,
        typer.Option(min=1, max=PARTICIPANTS_MAX, envvar="INITIAL_MEMBER_COUNT"),
    ] = 3,
    initial_user_count: Annotated[int, typer.Option(min=0, max=PARTICIPANTS_MAX)] = 1,
    participants_curve: Annotated[
        str, typer.Option(help="secp384r1 or secp256r1.")
    ] = "secp384r1",
    constitution: Annotated[
        list[str] | None,
        typer.Option(help="A shipped constitution's name, or script after script."),
    ] = None,
    constitution_dir: Annotated[
        Path | None,
        typer.Option("--constitution-dir", "-c", help="A folder with its scripts."),
    ] = None,
    workspace: Annotated[
        Path, typer.Option(help="Where everything is kept.", envvar="WORKSPACE")
    ] = Path("workspace"),
    label: Annotated[str, typer.Option(help="Begins the folders' names.")] = "sandbox",
    ledger_chunk_bytes: Annotated[str, typer.Option()] = "5MB",
    sig_tx_interval: Annotated[int, typer.Option(min=1)] = 5000,
    sig_ms_interval: Annotated[int, typer.Option(min=1)] = 100,
    log_level: Annotated[str, typer.Option(help="The node's log level.")] = "info",
    auto_shutdown: Annotated[
        bool, typer.Option("--auto-shutdown", help="Stop once everything worked.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the node's log at the end.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Say where the service is as JSON.")
    ] = False,
) -> None:
    """Start one node, open its service by the members' votes, try it, keep it.

    It writes a transaction, waits for its commit, verifies its receipt offline and
    prints curl commands to go on with. Ctrl-C stops it. What was in the workspace from
    an earlier run is replaced.
    """
    if len(node or []) > 1:
        raise Misused("a sandbox has one node: give --node once")
    host, port = parse_node((node or ["local://127.0.0.1:8000"])[0])
    if participants_curve not in CURVES:
        raise Misused(f"no curve {participants_curve!r}: choose {' or '.join(CURVES)}")
    extra: dict[str, Json] = {
        "ledger": {"directory": "0.ledger", "chunk_size": ledger_chunk_bytes},
        "ledger_signatures": {
            "tx_count": sig_tx_interval,
            "delay": f"{sig_ms_interval}ms",
        },
    }
    plan = Plan(
        layout=Layout(workspace=workspace, label=label),
        options=NodeOptions(
            host=host,
            port=port,
            app=_app(app, package, js_app_bundle),
            members=[f"member{i}" for i in range(initial_member_count)],
            constitution=_constitution(constitution, constitution_dir),
            log_level=log_level,
            extra=extra,
        ),
        users=[f"user{i}" for i in range(initial_user_count)],
        curve=participants_curve,
        bundle=install_app(js_app_bundle) if js_app_bundle else None,
    )
    run = Run(plan, say=progress_console() if json else text_console())
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run.until_stopped(stop_at_once=auto_shutdown, json=json))
    if verbose:
        text_console().print(run.log(), markup=False)


class Run:
    """One sandbox, from empty folders to Ctrl-C."""

    def __init__(self, plan: Plan, *, say: Console) -> None:
        self._plan = plan
        self._say = say

    async def until_stopped(self, *, stop_at_once: bool, json: bool) -> None:
        """Bring the service up, tell how to use it, and keep it."""
        plan = self._plan
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
                await self._until_asked(node)

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
                before=[plan.bundle] if plan.bundle else [],
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
        return self._plan.options.app == DEFAULT_APP and bool(self._plan.users)

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

    async def _until_asked(self, node: LocalNode) -> None:
        self._say.print("\nThe service is running. Press Ctrl-C to stop it.")
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(number, asked.set)
        async with asyncio.TaskGroup() as group:
            ended = group.create_task(node.wait_ended())
            waiting = group.create_task(asked.wait())
            await asyncio.wait({ended, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if ended.done() and not asked.is_set():
                raise CommandFailed(f"the node ended by itself: {node.last_words()}")
            ended.cancel()

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


def _app(app: str | None, package: str | None, bundle: Path | None) -> str:
    if app and package:
        raise Misused("--app and --package say the same: give one of them")
    if app:
        return str(Path(app).resolve()) if Path(app).exists() else app
    if package:
        return Path(package).name
    return JS_APP if bundle else DEFAULT_APP


def _constitution(named: Sequence[str] | None, folder: Path | None) -> Sequence[Path]:
    if folder is not None:
        scripts = [folder / name for name in SCRIPTS]
    else:
        given = named or ["default"]
        if len(given) == 1 and not Path(given[0]).is_file():
            return _shipped(given[0])
        scripts = [Path(name) for name in given]
    missing = [str(path) for path in scripts if not path.is_file()]
    if missing:
        raise Misused(f"no constitution script {missing[0]}: correct the path")
    return scripts


def _shipped(name: str) -> Sequence[Path]:
    try:
        return shipped_constitution(name)
    except FileNotFoundError as error:
        raise Misused(str(error)) from error
