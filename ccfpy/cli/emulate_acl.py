"""``ccfpy emulate acl``: an emulator of Azure Confidential Ledger."""

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated

import typer

from ccfpy.cli.addresses import PORT_MAX
from ccfpy.cli.errors import Misused
from ccfpy.cli.terminal import progress_console, text_console

LEDGER_ID_CHARS_MAX = 64


def acl(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=PORT_MAX, help="Where the ledger listens.")
    ] = 8000,
    identity_port: Annotated[
        int,
        typer.Option(min=0, max=PORT_MAX, help="Where the identity service listens."),
    ] = 8001,
    ledger_id: Annotated[
        str, typer.Option(help="The ledger's name at the identity service.")
    ] = "emulated",
    workspace: Annotated[
        Path, typer.Option(help="Where everything is kept.", envvar="WORKSPACE")
    ] = Path("workspace"),
    fast: Annotated[
        bool,
        typer.Option(
            "--fast", help="For tests: any free ports, and commit without delay."
        ),
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Say where everything is as JSON.")
    ] = False,
) -> None:
    """Emulate Azure Confidential Ledger, for its own clients.

    A service of one node with the app confidential_ledger, an identity service, tokens
    for Azure's credentials, and a first administrator. Ctrl-C stops it. The ledger is
    kept until the next run.
    """
    from ccfpy.cli.emulate_acl_run import AclEmulator, AclPlan

    if not 0 < len(ledger_id) <= LEDGER_ID_CHARS_MAX or "/" in ledger_id:
        raise Misused(
            f"cannot name a ledger {ledger_id!r}: choose 1 to {LEDGER_ID_CHARS_MAX} "
            "characters without a slash"
        )
    plan = AclPlan(
        workspace=workspace,
        port=0 if fast else port,
        identity_port=0 if fast else identity_port,
        ledger_id=ledger_id,
        is_fast=fast,
    )
    say = progress_console() if json else text_console()
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(AclEmulator(plan, say=say).until_stopped(json=json))
