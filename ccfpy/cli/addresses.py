"""Where a sandbox's nodes listen, and which app they run, as a command line names both.

Nodes are named as CCF's sandbox takes them, or by their number. Apps are named so that
processes in other folders find them.
"""

import errno
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ccfpy.cli.errors import CommandFailed, Misused

if TYPE_CHECKING:
    from ccfpy.local.configuration import Placement


HOST = "127.0.0.1"
PORT = 8000
PORT_MAX = 65_535
NODES_MAX = 20
"""Each is two processes with a Python of its own."""


def placements(given: Sequence[str]) -> "list[Placement]":
    """Choose where each node listens; ports that are taken are skipped.

    Args:
        given: a number of nodes, addresses ``local://HOST:PORT``, or both: nodes beyond
            the addresses take the next free ports after the last.

    Raises:
        Misused: a value is neither, or there are too many nodes.
        CommandFailed: an address is taken.
    """
    from ccfpy.local.configuration import Placement

    counts = [int(text) for text in given if text.isdecimal()]
    named = [parse_node(text) for text in given if not text.isdecimal()]
    named = named or [(HOST, PORT)]
    count = counts[0] if counts else len(named)
    if not 1 <= count <= NODES_MAX:
        raise Misused(
            f"cannot start {count} nodes: choose 1 to {NODES_MAX}; to choose a port, "
            "write local://HOST:PORT"
        )
    if len(counts) > 1 or count < len(named):
        raise Misused(
            f"-n {' -n '.join(given)} asks for two numbers of nodes: give one"
        )
    for place in named:
        if place[1] and named.count(place) > 1:
            raise Misused(f"two nodes cannot both listen on {place[0]}:{place[1]}")
        require_free(*place)
    places = [*named]
    host, port = named[-1]
    while len(places) < count:
        port = _next_free(host, port, taken=named)
        places.append((host, port))
    return [Placement(host=host, port=port) for host, port in places]


def parse_node(text: str) -> tuple[str, int]:
    """Read a node as CCF's sandbox takes it: ``local://HOST:PORT``.

    Raises:
        Misused: it is something else.
    """
    scheme, _, rest = text.rpartition("://")
    host, _, port = rest.rpartition(":")
    if scheme not in ("", "local") or not host or not port.isdecimal():
        raise Misused(
            f"cannot start a node at {text!r}: write local://HOST:PORT, "
            f"such as local://{HOST}:{PORT}, or a number of nodes"
        )
    if int(port) > PORT_MAX:
        raise Misused(f"{port} is no port: choose one up to {PORT_MAX}")
    return host, int(port)


def require_free(host: str, port: int) -> None:
    """Check that a node can listen there.

    Raises:
        CommandFailed: it cannot.
    """
    try:
        _try(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandFailed(
                f"port {port} of {host} is taken: stop what listens there, or choose "
                f"another with --node local://{host}:{port + 1}"
            ) from error
        reason = (error.strerror or str(error)).lower()
        raise CommandFailed(
            f"cannot listen on {host}:{port}: {reason}; choose an address of this "
            "machine with --node"
        ) from error


def free_ports(host: str, first: int, count: int) -> list[int]:
    """Return ports that nobody listens on, in their order, from ``first`` on.

    Raises:
        CommandFailed: there are not so many.
    """
    ports: list[int] = []
    port = first - 1
    while len(ports) < count:
        port = _next_free(host, port, taken=())
        ports.append(port)
    return ports


def _next_free(host: str, port: int, *, taken: Sequence[tuple[str, int]]) -> int:
    """Return the next port that nobody listens on, or 0 if any port will do."""
    if port == 0:
        return 0
    for number in range(port + 1, PORT_MAX + 1):
        if (host, number) in taken:
            continue
        try:
            _try(host, number)
        except OSError:
            continue
        return number
    raise CommandFailed(
        f"no port of {host} after {port} is free: choose a lower one with --node"
    )


def _try(host: str, port: int) -> None:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


_SUFFIXES = (".py", ".enclave")
"""Of a Python file, and of what ``ccfpy enclave sign`` writes."""


def named_anywhere(app: str) -> str:
    """Return a path from the root, and a sample's name as it is."""
    path = Path(app)
    is_path = path.suffix in _SUFFIXES or (path / "__init__.py").is_file()
    return str(path.resolve()) if is_path else app


def python_app(project: Path) -> Path | None:
    """Return the file or package of an app in Python; nothing for JavaScript.

    Raises:
        Misused: there is no app, or a folder does not say which file is the app.
    """
    from ccfpy.client.bundle import METADATA, PROJECT
    from ccfpy.devtools.watching import python_files

    if project.suffix == ".py" and project.is_file():
        return project.resolve()
    if not project.is_dir():
        raise Misused(f"{project} is no app: give a Python file or a folder")
    if (project / METADATA).is_file() or (project / PROJECT).is_file():
        return None
    if (project / "__init__.py").is_file():
        return project.resolve()
    found = sorted(python_files(project / "app.py"))
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise Misused(f"{project} has {names}: name the file that has the app")
    return found[0].resolve()


def refuse_python(app: Path) -> None:
    """Check that an app is none in Python, which no bundle can hold.

    Raises:
        Misused: it is; the text says what to do instead.
    """
    may_be = app.suffix == ".py" or app.is_dir()
    if app.exists() and may_be and python_app(app) is not None:
        raise Misused(
            f"{app} is an app in Python: it is part of the nodes' program, and members "
            f"install no bundle of it. Try it with ccfpy app dev {app}, serve it with "
            f"ccfpy node --app {app}, and see docs/howto/attest-and-upgrade.md for "
            "how members change it"
        )
