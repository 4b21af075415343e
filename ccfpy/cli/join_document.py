"""What a node needs to join a service: its configuration, and the votes before it.

The configuration is CCF's, so that the program may be ``ccfpy node`` or one of C++ CCF.
It may follow that of a node that runs: how long elections wait, when entries are signed
and where files end are alike in both programs, and a service works best if its nodes
agree on them.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ccfpy.attestation.virtual import MEASUREMENT
from ccfpy.base.json import Json, JsonObject

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
