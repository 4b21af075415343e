"""What the node in this container says of itself, asked over its own interface.

``ready`` is for whoever watches containers; ``leave`` is for whoever is about to end
one: a node that is gone does not come back, so its stop is announced, and members are
given time to retire it first.
"""

import json
import os
import signal
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

PLACE: Final = "CCFPY_RUN"
USUAL_PLACE: Final = "/run/ccfpy"
HOST: Final = 1
"""The process id of the host, which is the container's first process."""
TIMEOUT_S: Final = 2.0
POLL_S: Final = 1.0
LEAVE_S: Final = 540.0
"""How long ``leave`` waits for members, unless it is told."""
PATHS: Final = {
    "app": "/node/ready/app",
    "gov": "/node/ready/gov",
    "state": "/node/state",
}
OK: Final = range(200, 300)
GONE: Final = 0
"""Nobody listens there any more."""
SILENT: Final = 1
"""Somebody does, who gives no answer, or none that can be trusted."""
NOT_IN_YET: Final = ("Uninitialized", "Initialized", "Pending")
"""States of a node that members have not trusted yet."""


class Asker:
    """Asks nodes over HTTPS, as far as their certificates are vouched for.

    The node of this container is asked over its own loopback, whatever certificate it
    shows: one that has not joined yet shows one that nobody has vouched for. Others
    must be the service's.
    """

    def __init__(self, service_certificate: Path | None = None) -> None:
        self._tls = ssl.create_default_context(cafile=service_certificate)
        # CCF's certificates leave out what only the strictest reading asks for.
        self._tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if service_certificate is None:
            self._tls.check_hostname = False
            self._tls.verify_mode = ssl.CERT_NONE

    def ask(self, address: str, path: str) -> tuple[int, Any]:
        """Return status and JSON body of an answer, or why there is none."""
        url = f"https://{address}{path}"
        try:
            with urllib.request.urlopen(  # always https
                url, timeout=TIMEOUT_S, context=self._tls
            ) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, None
        except urllib.error.URLError as error:
            is_gone = isinstance(error.reason, ConnectionRefusedError)
            return GONE if is_gone else SILENT, None
        except (OSError, ValueError):
            return SILENT, None


class OwnNode:
    """The node of this container.

    Args:
        ports: where it answers; not every interface answers everything.
        service_certificate: by which other nodes of its service are known.
    """

    def __init__(self, ports: Sequence[int], service_certificate: Path) -> None:
        self._addresses = [f"127.0.0.1:{port}" for port in ports]
        self._service_certificate = service_certificate

    @classmethod
    def configured(cls, place: Path) -> "OwnNode":
        """Find the node that ``entry`` has started."""
        configuration = json.loads((place / "node.json").read_bytes())
        interfaces = configuration["network"]["rpc_interfaces"].values()
        addresses = [interface["bind_address"] for interface in interfaces]
        certificate = configuration["command"]["service_certificate_file"]
        ports = [int(address.rpartition(":")[2]) for address in addresses]
        return cls(ports, Path(certificate))

    def ask(self, path: str) -> tuple[int, Any]:
        """Return status and JSON body of its best answer, or why there is none."""
        asker = Asker()
        answers = [asker.ask(address, path) for address in self._addresses]
        return max(answers, key=lambda answer: (answer[0] in OK, answer[0]))

    def is_ready(self, what: str) -> bool:
        """Return whether the node is ready for users (app), members (gov) or at all."""
        return self.ask(PATHS[what])[0] in OK

    def may_stop(self) -> bool:
        """Return whether no majority can need the node: it never took part, or left."""
        status, state = self.ask("/node/state")
        if status not in OK:
            return status == GONE
        if state["state"] in NOT_IN_YET:
            return True
        own = state["node_id"]
        if any(self._lists(Asker(), address, own) for address in self._addresses):
            return True
        # Who is retired hears no more of it: the others know.
        others = list(self._others(own))
        if any(self._lists(*other, own) for other in others):
            return True
        path = f"/node/network/nodes/{own}"
        known = {asker.ask(address, path)[0] for asker, address in others}
        return known & {*OK, HTTPStatus.NOT_FOUND} == {HTTPStatus.NOT_FOUND}

    def _others(self, own: str) -> Iterator[tuple[Asker, str]]:
        """Return the other nodes of the service, as far as this node knows them."""
        status, listed = self.ask("/node/network/nodes")
        if status not in OK or not self._service_certificate.is_file():
            return
        vouched = Asker(self._service_certificate)
        for node in listed["nodes"]:
            if node["node_id"] != own:
                for interface in node["rpc_interfaces"].values():
                    yield vouched, interface["published_address"]

    @staticmethod
    def _lists(asker: Asker, address: str, own: str) -> bool:
        """Ask whether a node is among those that are retired for good."""
        status, removable = asker.ask(address, "/node/network/removable_nodes")
        return status in OK and own in {it["node_id"] for it in removable["nodes"]}


def leave(node: OwnNode, *, announce: Callable[[], None], timeout_s: float) -> bool:
    """Announce the stop, then wait until the node may be stopped; tell whether it may.

    The announcement is a first SIGTERM, for a node with ``ignore_first_sigterm``: it is
    no longer ready from then on, and says ``stop_notice``.
    """
    deadline = time.monotonic() + timeout_s
    announce()
    while not node.may_stop():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def main(words: Sequence[str]) -> int:
    """Do what the words say; give the exit code."""
    place = Path(os.environ.get(PLACE, USUAL_PLACE))
    match words:
        case ["ready", *rest] if rest[1:] == [] and {*rest} <= PATHS.keys():
            return 0 if OwnNode.configured(place).is_ready(*(rest or ["app"])) else 1
        case ["leave", *rest] if rest[1:] == [] and all(map(str.isdigit, rest)):
            done = leave(
                OwnNode.configured(place),
                announce=lambda: os.kill(HOST, signal.SIGTERM),
                timeout_s=float(rest[0]) if rest else LEAVE_S,
            )
            return 0 if done else 1
        case _:
            sys.stdout.write("say ready [app|gov|state] or leave [SECONDS]\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
