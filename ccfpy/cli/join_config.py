"""``ccfpy network join-config``: what is needed before a node joins a service.

The configuration is CCF's, so that the program may be ``ccfpy node`` or one of C++ CCF.
It may follow that of a node that runs: how long elections wait, when entries are signed
and where files end are alike in both programs, and a service works best if its nodes
agree on them.
"""

import asyncio
import copy
import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from ccfpy.base.json import Json, JsonObject
from ccfpy.cli.addresses import parse_node
from ccfpy.cli.errors import CommandFailed, Misused, no_such_file
from ccfpy.cli.options import with_options
from ccfpy.cli.output import note, print_line
from ccfpy.cli.place import Place, PlaceOptions

if TYPE_CHECKING:
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


OWN_KEYS = (
    "network.rpc_interfaces.*.max_open_sessions_per_address",
    "ledger_signatures.early",
    "logging.tracebacks",
    "consensus.pre_vote",
    "consensus.trace",
    "created_at_tolerance",
    "api_page",
)
"""The keys that only ccfpy has; C++ CCF refuses a file with an unknown key."""
PID_FILE = "node.pid"
"""Written into each configuration: without the key CCF chooses another name."""
LOCAL_HOSTS = ("127.0.0.1", "localhost")
_OF_ONE_NODE = ("output_files", "node_data_json_file", "service_data_json_file")
"""Sections of a node's configuration that name that node's own files."""
_OWN_FOLDERS = {
    "ledger": ("directory", "read_only_directories"),
    "snapshots": ("directory", "read_only_directory"),
}
_MEASUREMENT_ACTION = "add_virtual_measurement"
_HOST_DATA_ACTION = "add_virtual_host_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What distinguishes a node that joins.

    Attributes:
        host: where it answers clients.
        port: the port there.
        node_address: where it answers other nodes, as ``HOST:PORT``.
        interface: the name of the interface by which the service's primary is asked.
        target: the primary's address there.
        certificate: the file with the service's certificate.
        history: a folder of committed ledger files from before the node joined.
    """

    host: str
    port: int
    node_address: str
    interface: str
    target: str
    certificate: str
    history: str | None = None


def configuration(
    joining: Joining, *, like: JsonObject | None = None, for_ccf: bool = False
) -> JsonObject:
    """Return the configuration of a node that joins.

    Args:
        joining: the node.
        like: the configuration of a node of the service, of which the new node takes
            all that is not that node's own.
        for_ccf: whether the node is of C++ CCF, which lacks ccfpy's own keys.
    """
    document = {} if like is None else _common(like)
    names: list[Json] = ["dNSName:localhost", "iPAddress:127.0.0.1"]
    certificate = _section(document, "node_certificate")
    document |= {
        "network": {
            "node_to_node_interface": {"bind_address": joining.node_address},
            "rpc_interfaces": _interfaces(joining, like),
        },
        "node_certificate": certificate
        | {"subject_alt_names": names if joining.host in LOCAL_HOSTS else []},
        "command": {
            "type": "Join",
            "service_certificate_file": joining.certificate,
            "join": {"target_rpc_address": joining.target},
        },
        "output_files": {"pid_file": PID_FILE},
    }
    if joining.history is not None:
        folders: JsonObject = {"read_only_directories": [joining.history]}
        document["ledger"] = _section(document, "ledger") | folders
    return without(document, OWN_KEYS) if for_ccf else document


def without(document: JsonObject, keys: Iterable[str]) -> JsonObject:
    """Return a document without some keys, each as a path; ``*`` is any key."""
    remaining = copy.deepcopy(document)
    for path in keys:
        *sections, last = path.split(".")
        for section in _sections(remaining, sections):
            section.pop(last, None)
    return remaining


def accepting(policy: JsonObject, host_data: str) -> Sequence[JsonObject]:
    """Return the actions that are needed before a virtual node may join.

    Args:
        policy: the service's join policy, as its ``/gov`` interface shows it.
        host_data: the digest of the node's program, in hex.
    """
    from ccfpy.attestation.virtual import MEASUREMENT

    virtual = _section(policy, "virtual")
    actions: list[JsonObject] = []
    if MEASUREMENT not in _listed(virtual, "measurements"):
        arguments: JsonObject = {"measurement": MEASUREMENT}
        actions.append({"name": _MEASUREMENT_ACTION, "args": arguments})
    if host_data not in _listed(virtual, "hostData"):
        actions.append({"name": _HOST_DATA_ACTION, "args": {"host_data": host_data}})
    return actions


def is_virtual(policy: JsonObject) -> bool:
    """Return whether a service accepts nodes without hardware."""
    return bool(_listed(_section(policy, "virtual"), "hostData"))


def undefined(actions: Iterable[Mapping[str, Json]], constitution: str) -> list[str]:
    """Return the names of actions that a constitution does not define."""
    names = [str(action["name"]) for action in actions]
    return [name for name in names if name not in constitution]


def _common(like: JsonObject) -> JsonObject:
    """Return what a node's configuration has in common with other nodes'."""
    document = copy.deepcopy(like)
    for name in _OF_ONE_NODE:
        document.pop(name, None)
    for name, folders in _OWN_FOLDERS.items():
        if name in document:
            document[name] = without(_section(document, name), folders)
    return document


def _interfaces(joining: Joining, like: JsonObject | None) -> JsonObject:
    """Return the interfaces: the named one at its address, others at any port."""
    address = f"{joining.host}:{joining.port}"
    interfaces: JsonObject = {joining.interface: {"bind_address": address}}
    known = _section(_section(like or {}, "network"), "rpc_interfaces")
    for name in known:
        bound = address if name == joining.interface else f"{joining.host}:0"
        options = without(_section(known, name), ["published_address"])
        interfaces[name] = options | {"bind_address": bound}
    return interfaces


def _sections(document: JsonObject, names: Sequence[str]) -> list[JsonObject]:
    """Return the sections at a path; there may be several below a ``*``."""
    found = [document]
    for name in names:
        within = [
            list(section.values()) if name == "*" else [section.get(name)]
            for section in found
        ]
        found = [each for some in within for each in some if isinstance(each, dict)]
    return found


def _section(document: JsonObject, name: str) -> JsonObject:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _listed(document: JsonObject, name: str) -> Sequence[Json]:
    value = document.get(name)
    return value if isinstance(value, list) else []
