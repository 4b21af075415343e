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
from collections.abc import Callable, Sequence
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
NOT_IN_YET: Final = ("Uninitialized", "Initialized", "Pending")
"""States of a node that members have not trusted yet."""


class OwnNode:
    """The node of this container.

    Its certificate is not checked: the question goes to this container's own loopback,
    and a node that has not joined yet shows one that nobody has vouched for.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    @classmethod
    def configured(cls, place: Path) -> "OwnNode":
        """Find where the node that ``entry`` has started answers clients."""
        configuration = json.loads((place / "node.json").read_bytes())
        interfaces = configuration["network"]["rpc_interfaces"]
        address: str = next(iter(interfaces.values()))["bind_address"]
        return cls(int(address.rpartition(":")[2]))

    def ask(self, path: str) -> tuple[int, Any]:
        """Give status and JSON body of an answer; 0 where there is none."""
        url = f"https://127.0.0.1:{self._port}{path}"
        try:
            with urllib.request.urlopen(  # always https, always ourselves
                url, timeout=TIMEOUT_S, context=self._tls
            ) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, None
        except (OSError, ValueError):
            return 0, None

    def is_ready(self, what: str) -> bool:
        """Tell whether it is, for users (app), for members (gov), or at all (state)."""
        return self.ask(PATHS[what])[0] in OK

    def may_stop(self) -> bool:
        """Tell whether no majority can need it: it never took part, or does no more."""
        status, state = self.ask("/node/state")
        if status not in OK:
            return status == 0
        if state["state"] in NOT_IN_YET:
            return True
        status, removable = self.ask("/node/network/removable_nodes")
        if status not in OK:
            return False
        ids = {node["node_id"] for node in removable["nodes"]}
        return state["node_id"] in ids


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
    node = OwnNode.configured(Path(os.environ.get(PLACE, USUAL_PLACE)))
    match words:
        case ["ready", ("app" | "gov" | "state") as what]:
            return 0 if node.is_ready(what) else 1
        case ["ready"]:
            return 0 if node.is_ready("app") else 1
        case ["leave", *rest] if all(word.isdigit() for word in rest[:1]):
            timeout_s = float(rest[0]) if rest else LEAVE_S
            done = leave(
                node,
                announce=lambda: os.kill(HOST, signal.SIGTERM),
                timeout_s=timeout_s,
            )
            return 0 if done else 1
        case _:
            sys.stdout.write("say ready [app|gov|state] or leave [SECONDS]\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
