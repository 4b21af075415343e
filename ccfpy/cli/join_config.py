"""``ccfpy network join-config``: what is needed before a node joins a service."""

import asyncio
import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from ccfpy.cli.addresses import parse_node
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.options import with_options
from ccfpy.cli.output import note, print_line
from ccfpy.cli.place import Place, PlaceOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccfpy.base.json import JsonObject
    from ccfpy.client.survey import Survey

CONFIG_FILE = "node.json"
PROPOSAL_FILE = "proposal.json"


@with_options
def join_config(  # noqa: PLR0913  # one parameter for each option
    folder: Annotated[Path, typer.Argument(help="The new node's folder; made.")],
    *,
    listen: Annotated[
        str, typer.Option(help="Where it will answer clients: HOST:PORT.")
    ],
    node_listen: Annotated[
        str | None,
        typer.Option(help="Where it will answer other nodes; any port if unsaid."),
    ] = None,
    program: Annotated[
        Path | None,
        typer.Option(help="A program of C++ CCF that will run it, not ccfpy node."),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(help="The configuration of a node of the service, to follow."),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(help="A folder of committed ledger files that it may read."),
    ] = None,
    where: PlaceOptions,
) -> None:
    """Write the configuration of a node that joins a running service.

    The service's certificate, by which the node knows whom it joins, goes beside it. So
    does a proposal to accept the node's program, if the service does not accept it yet.
    """
    from ccfpy.cli.join_document import Joining, configuration
    from ccfpy.client.keys import SERVICE_CERTIFICATE

    host, port = parse_node(listen)
    other_host, other_port = parse_node(node_listen or f"{host}:0")
    place = where.find()
    file = folder / CONFIG_FILE
    if file.exists():
        raise Misused(f"{file} is there already: remove it or choose another folder")
    host_data = _digest(program)
    followed = None if like is None else _read(like)
    interface, target = target_of(_look(place))
    actions = asyncio.run(_to_accept(place, host_data))
    joining = Joining(
        host=host,
        port=port,
        node_address=f"{other_host}:{other_port}",
        interface=interface,
        target=target,
        certificate=SERVICE_CERTIFICATE,
        history=None if history is None else str(history.resolve()),
    )
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(place.service, folder / SERVICE_CERTIFICATE)
    document = configuration(joining, like=followed, for_ccf=program is not None)
    _write(file, document)
    print_line(str(file))
    if actions:
        proposal = folder / PROPOSAL_FILE
        _write(proposal, {"actions": list(actions)})
        print_line(str(proposal))
        note(
            "the service does not accept that program yet; members vote for it first: "
            f"ccfpy gov propose {proposal}"
        )
    start = "ccfpy node" if program is None else str(program.resolve())
    app = " --app APP" if program is None else ""
    note(
        f"start it with: cd {folder} && {start} --config {CONFIG_FILE}{app}; "
        f"then ccfpy network trust {listen}"
    )


def _digest(program: Path | None) -> str:
    """Return the host data of a node: the digest of its program."""
    from ccfpy.cli.node import PROGRAM

    measured = program or PROGRAM
    try:
        with measured.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise no_such_file(str(measured), error) from error


def _read(like: Path) -> "JsonObject":
    from ccfpy.base.errors import Malformed
    from ccfpy.base.json import loads_object

    try:
        return loads_object(like.read_bytes())
    except OSError as error:
        raise no_such_file(str(like), error) from error
    except Malformed as error:
        raise Misused(f"{like} is no configuration of a node: {error}") from error


def _write(file: Path, document: "JsonObject") -> None:
    file.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")


def target_of(seen: "Survey") -> tuple[str, str]:
    """Return the interface by which the primary is reached, and its address.

    A backup may refuse a node that has the primary's snapshot, if the backup itself
    began with a later one.

    Raises:
        CommandFailed: no primary answers.
    """
    primary = seen.primary
    if primary is None or not primary.interfaces:
        raise CommandFailed("no primary answers: see ccfpy network status")
    return next(iter(primary.interfaces.items()))


def _look(place: Place) -> "Survey":
    from ccfpy.client.keys import read_text
    from ccfpy.client.survey import survey

    certificate = read_text(place.service)
    return asyncio.run(survey(place.urls, service_certificate=certificate))


async def _to_accept(place: Place, host_data: str) -> "Sequence[JsonObject]":
    """Return the actions on which members vote before the program may join.

    Raises:
        CommandFailed: the service's constitution lacks them.
    """
    from ccfpy.cli.join_document import accepting, is_virtual, undefined
    from ccfpy.client.governance import API_VERSION, read_governance

    async with place.connect() as connection:
        policy = await read_governance(connection, "service/join-policy")
        if not isinstance(policy, dict) or not is_virtual(policy):
            note("the service accepts no node without hardware: see ccfpy attest")
            return []
        actions = accepting(policy, host_data)
        if not actions:
            return actions
        path = f"/gov/service/constitution?api-version={API_VERSION}"
        constitution = (await connection.get(path)).text
    if lacking := undefined(actions, constitution):
        raise CommandFailed(
            f"the service's constitution has no {' and no '.join(lacking)}: members "
            "add the actions of CCF's virtual_attestation_actions.js to it first"
        )
    return actions
