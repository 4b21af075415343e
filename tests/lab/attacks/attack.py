"""What an attack is, and what it knows of its target."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from ccfpy.client.connection import Connection
from ccfpy.client.governance import Governance
from ccfpy.client.keys import FileSigner, KeyFiles
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.attacks.bounds import Bounds, Spend


class Family(StrEnum):
    """The part of a service that is attacked."""

    GOVERNANCE = "governance"
    TLS = "tls"
    JOINING = "joining"
    HANDLERS = "handlers"
    SLOW_CALLS = "slow-calls"
    CONFINEMENT = "confinement"
    FAIRNESS = "fairness"
    RECEIPTS = "receipts"
    PEERS = "peers"


class App(StrEnum):
    """The application of the service that is attacked."""

    NOTES = "notes"
    """That of ``app``."""
    ETCD = "etcd"
    """The sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A service under attack, as its attacker knows it.

    Attributes:
        network: its nodes.
        primary: the node that is attacked.
        folder: where the attacker may leave files.
        is_quick: whether the short form runs, with less load.
    """

    network: ProcessNetwork
    primary: NodeProcess
    folder: Path
    is_quick: bool = False

    @property
    def address(self) -> str:
        """Return where the primary answers, as ``HOST:PORT``."""
        return self.primary.address

    @property
    def http2_address(self) -> str:
        """Return where the primary speaks HTTP/2."""
        assert self.primary.http2_url is not None, "the service has HTTP/2"
        return self.primary.http2_url.partition("//")[2]

    def keys(self, name: str) -> KeyFiles:
        """Return a participant's keys."""
        return self.network.options.keys(name)

    def connect(self, name: str | None = None) -> Connection:
        """Return a connection to the primary, with a participant's keys or none."""
        return self.network.connect(self.primary, name)

    def member(self, connection: Connection, number: int) -> Governance:
        """Return a member of the service, who governs over a connection."""
        name = self.network.options.members[number]
        return Governance(connection, FileSigner.load(self.keys(name)))


Performance: TypeAlias = Callable[[Target, Spend], Awaitable[Sequence[str]]]
"""Attacks, and returns what succeeded, each in a sentence: empty if all was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One attack.

    Attributes:
        name: by which it is chosen.
        family: the part of a service that it is against.
        about: what the attacker does, in a few words.
        perform: the attack, which must end by itself.
        app: of the service.
        bounds: what it may cost.
        is_quick: whether the short form includes it.
        is_last: whether the service is stopped after the attack, in good order,
            because the primary is never again as it was.
    """

    name: str
    family: Family
    about: str
    perform: Performance
    app: App = App.NOTES
    bounds: Bounds = field(default_factory=Bounds)
    is_quick: bool = True
    is_last: bool = False
