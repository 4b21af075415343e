"""Nodes in network namespaces of their own, and links that can be cut one way.

Every node has a namespace with one link to a hub, whose only work is to route. A rule
of the hub's routing discards packets from one node to another: silently and in one
direction. Needs Linux, root and ``ip``.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Self, TypeAlias

from ccfpy.base.errors import CcfpyError
from ccfpy.local.configuration import Placement

NETWORK = "198.18"
"""The range that RFC 2544 sets apart for tests; the process picks a part of it."""

Cut: TypeAlias = tuple[str, str]
"""A direction in which nothing passes: from one machine to another."""


class NamespacesRefused(CcfpyError):
    """This machine does not give us network namespaces."""


def why_not() -> str | None:
    """Return what is missing to use namespaces, if anything."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's"
    if shutil.which("ip") is None:
        return "there is no ip command: install iproute2"
    if os.geteuid() != 0:
        return "making network namespaces takes root"
    name = f"ccfpy-{os.getpid()}-try"
    try:
        _run("ip", "netns", "add", name)
        _run("ip", "netns", "delete", name)
    except NamespacesRefused as error:
        return str(error)
    return None


class Namespaces:
    """A hub and the namespaces around it; a context manager that removes them."""

    def __init__(self) -> None:
        self._tag = f"cf{os.getpid() % 100_000}"
        self._net = f"{NETWORK}.{os.getpid() % 250}"
        self._hub = f"{self._tag}-hub"
        self._hosts: list[str] = []
        self._cuts: set[Cut] = set()

    def __enter__(self) -> Self:
        """Make the hub and our own link to it."""
        _run("ip", "netns", "add", self._hub)
        self._set(self._hub, "net.ipv4.ip_forward", "1")
        self._link(0, namespace=None)
        _run("ip", "route", "add", f"{self._net}.0/24", "via", self._gate(0))
        return self

    def __exit__(self, *_: object) -> None:
        """Remove everything; links go with their other ends."""
        _run("ip", "link", "delete", f"{self._tag}n0")
        for number in range(1, len(self._hosts) + 1):
            _run("ip", "netns", "delete", f"{self._tag}-{number}")
        _run("ip", "netns", "delete", self._hub)

    def place(self) -> Placement:
        """Make a namespace for one more node."""
        number = len(self._hosts) + 1
        name = f"{self._tag}-{number}"
        _run("ip", "netns", "add", name)
        self._hosts.append(self._host(number))
        self._set(name, "net.ipv4.conf.all.rp_filter", "0")
        _in(name, "link", "set", "lo", "up")
        self._link(number, namespace=name)
        _in(name, "route", "add", "default", "via", self._gate(number))
        prefix = ("ip", "netns", "exec", name)
        return Placement(host=self._host(number), prefix=prefix)

    def cut(self, sources: Sequence[str], targets: Sequence[str]) -> Sequence[Cut]:
        """Cut links from each of some machines to each of others.

        Returns the links that were not cut before, to be healed.
        """
        asked = [(one, other) for one in sources for other in targets if one != other]
        cuts = [cut for cut in asked if cut not in self._cuts]
        for source, target in cuts:
            self._rule("add", source, target)
        self._cuts.update(cuts)
        return cuts

    def heal(self, cuts: Sequence[Cut]) -> None:
        """Heal links that were cut."""
        for source, target in cuts:
            self._rule("delete", source, target)
        self._cuts.difference_update(cuts)

    def _rule(self, verb: str, source: str, target: str) -> None:
        _in(self._hub, "rule", verb, "from", source, "to", target, "blackhole")

    def _host(self, number: int) -> str:
        return f"{self._net}.{4 * number + 2}"

    def _gate(self, number: int) -> str:
        return f"{self._net}.{4 * number + 1}"

    def _link(self, number: int, *, namespace: str | None) -> None:
        """Link the hub with a namespace, or with our own."""
        here, there = f"{self._tag}n{number}", f"{self._tag}h{number}"
        _run("ip", "link", "add", here, "type", "veth", "peer", there)
        _run("ip", "link", "set", there, "netns", self._hub)
        _in(self._hub, "addr", "add", f"{self._gate(number)}/30", "dev", there)
        _in(self._hub, "link", "set", there, "up")
        self._set(self._hub, f"net.ipv4.conf.{there}.rp_filter", "0")
        if namespace is not None:
            _run("ip", "link", "set", here, "netns", namespace)
        prefix = ("-n", namespace) if namespace else ()
        _run("ip", *prefix, "addr", "add", f"{self._host(number)}/30", "dev", here)
        _run("ip", *prefix, "link", "set", here, "up")

    @staticmethod
    def _set(namespace: str, name: str, value: str) -> None:
        path = "/proc/sys/" + name.replace(".", "/")
        command = f"echo {value} > {path}"
        _run("ip", "netns", "exec", namespace, "sh", "-c", command)


def _in(namespace: str, *arguments: str) -> None:
    _run("ip", "-n", namespace, *arguments)


def _run(*command: str) -> None:
    """Run a command of the system.

    Raises:
        NamespacesRefused: it fails.
    """
    done = subprocess.run(  # noqa: S603  # the words are ours; no shell of ours
        command, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NamespacesRefused(f"{' '.join(command)}: {done.stderr.strip()}")
