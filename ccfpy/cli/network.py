"""``ccfpy network``: a service's nodes, looked at, added and taken out."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ccfpy.cli.entries import Entry, Table
from ccfpy.cli.errors import ExitCode, Misused
from ccfpy.cli.join_config import join_config
from ccfpy.cli.options import with_options
from ccfpy.cli.output import print_json, print_line
from ccfpy.cli.place import JsonOption, Place, PlaceOptions
from ccfpy.cli.signing import SignersOptions
from ccfpy.cli.terminal import styled, table_console
from ccfpy.client.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.console import RenderableType

    from ccfpy.client.membership import Membership
    from ccfpy.client.survey import Survey


WATCH_S = 1.0

NodeArgument: TypeAlias = Annotated[
    str, typer.Argument(help="The beginning of its id, or its address.")
]
TimeoutOption: TypeAlias = Annotated[
    float, typer.Option(min=1, help="Seconds to wait for each step.")
]


@with_options
def status(
    *,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Look again every second.")
    ] = False,
    where: PlaceOptions,
    json: JsonOption = False,
) -> None:
    """Show every node: its role, how far it is, whether it answers.

    Exits with 1 where there is no primary, or no majority of the nodes answers.
    """
    from ccfpy.cli.network_table import COLUMNS, as_json, table

    if watch and json:
        raise Misused("--watch shows a table: leave out --json")
    place = where.find()
    if watch:
        _watch(place)
        return
    seen = asyncio.run(_look(place))
    trusted = [node.url for node in seen.nodes if node.status == "Trusted"]
    place.remember([url for url in trusted if url])
    if json:
        print_json(as_json(seen))
    else:
        table_console(COLUMNS).print(table(seen, now=datetime.now(tz=UTC)))
    is_well = seen.primary is not None and seen.has_majority
    raise typer.Exit(ExitCode.OK if is_well else ExitCode.FAILED)


async def _look(place: Place) -> "Survey":
    from ccfpy.client.keys import read_text
    from ccfpy.client.survey import survey

    certificate = read_text(place.service)
    return await survey(place.urls, service_certificate=certificate)


def _watch(place: Place) -> None:
    """Draw the table again and again, until Ctrl-C; a pipe gets one after another."""
    from rich.live import Live

    from ccfpy.cli.network_table import COLUMNS

    console = table_console(COLUMNS)
    with contextlib.suppress(KeyboardInterrupt):
        if not console.is_terminal:
            while True:
                console.print(_drawn(place), "")
                time.sleep(WATCH_S)
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(_drawn(place), refresh=True)
                time.sleep(WATCH_S)


def _drawn(place: Place) -> "RenderableType":
    from ccfpy.cli.network_table import table

    try:
        return table(asyncio.run(_look(place)), now=datetime.now(tz=UTC))
    except ClientError as error:
        return styled((str(error), "red"))


@with_options
def trust(  # one parameter for each option
    node: NodeArgument,
    *,
    members: SignersOptions,
    validity_days: Annotated[
        int | None,
        typer.Option(
            min=1, help="Of its certificate; the service's maximum if unsaid."
        ),
    ] = None,
    timeout: TimeoutOption = 30,
    where: PlaceOptions,
) -> None:
    """Trust a node that has asked to join, and wait until it has caught up."""
    place = where.find()
    signers = members.signers(place)
    _change(
        place, timeout, lambda m: m.trust(node, signers, validity_days=validity_days)
    )


@with_options
def retire(
    node: NodeArgument,
    *,
    members: SignersOptions,
    timeout: TimeoutOption = 30,
    where: PlaceOptions,
) -> None:
    """Take a node out, and wait until it may be stopped without harm."""
    place = where.find()
    signers = members.signers(place)
    _change(place, timeout, lambda m: m.retire(node, signers))


@with_options
def remove(
    node: NodeArgument,
    *,
    timeout: TimeoutOption = 30,
    where: PlaceOptions,
) -> None:
    """Forget a node that is retired for good."""
    place = where.find()
    _change(place, timeout, lambda m: m.remove(node))


def _change(
    place: Place, timeout_s: float, work: "Callable[[Membership], Awaitable[None]]"
) -> None:
    from ccfpy.client.keys import read_text
    from ccfpy.client.membership import Membership

    membership = Membership(
        place.urls,
        service_certificate=read_text(place.service),
        say=print_line,
        timeout_s=timeout_s,
    )

    async def worked() -> None:
        await work(membership)

    asyncio.run(worked())


network: Table = {
    "status": Entry(
        "Show every node: its role, how far it is, whether it answers.", lambda: status
    ),
    "join-config": Entry(
        "Write the configuration of a node that joins a running service.",
        lambda: join_config,
    ),
    "trust": Entry(
        "Trust a node that has asked to join, and wait until it has caught up.",
        lambda: trust,
    ),
    "retire": Entry(
        "Take a node out, and wait until it may be stopped without harm.",
        lambda: retire,
    ),
    "remove": Entry("Forget a node that is retired for good.", lambda: remove),
}
