"""A service that was lost with its files: what they held, and what may come back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ccfpy.boundary.configuration import CurveId, NodeConfiguration
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.signature import is_signature
from ccfpy.testing.configuration import boot_of, listener, starting
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from ccfpy.testing.surroundings import Remains
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.host_files import Folder, HostFiles
from tests.unit.node.recovered import read, status, write

if TYPE_CHECKING:
    from ccfpy.base import json

NOTES = 6
THRESHOLD = 2


def small_chunks(configuration: NodeConfiguration) -> NodeConfiguration:
    """Make each signature end a chunk."""
    return replace(configuration, ledger_chunk_bytes=1)


@dataclass(slots=True, kw_only=True, repr=False)
class Lost:
    """What is left of a service, and what its members remember.

    Attributes:
        files: the ledger's, by name.
        entries: what is in them.
        governed: from here on the ledger has the members who can bring it back.
        written: the seqno at which each private note was written.
    """

    members: Sequence[Person]
    files: Folder
    entries: Sequence[bytes]
    identity: str
    lost_ms: int
    governed: int
    written: Mapping[str, int]

    def __repr__(self) -> str:
        """Keep what it holds out of every message of a failed test."""
        return f"<a service of {len(self.entries)} entries>"

    @property
    def signatures(self) -> Sequence[int]:
        """The seqnos of the signatures."""
        return [
            seqno
            for seqno, data in enumerate(self.entries, 1)
            if is_signature(Transaction.parse(data).domain.write_set)
        ]

    def signed_before(self, seqno: int) -> int:
        """Return the last signature before an entry; 0 if there is none."""
        return max((each for each in self.signatures if each < seqno), default=0)


def lose(members: Sequence[Person], user: Person, *, seed: int = 1) -> Lost:
    """Run a service that was rekeyed once, and is lost."""
    host = HostFiles()
    configuration = starting(
        constitution=CONSTITUTION,
        members=[member.founding() for member in members],
        interfaces=(listener(),),
    )
    node = host.live_with(
        InProcessNode.among(
            host,
            NotesApp(),
            boot_of(small_chunks(configuration)),
            members=members,
            seed=seed,
        )
    )
    node.open_service(user)
    threshold: dict[str, json.Json] = {"recovery_threshold": THRESHOLD}
    node.propose({"name": "set_recovery_threshold", "args": threshold})
    governed = len(host.entries())
    written = {}
    for i in range(NOTES):
        if i == NOTES // 2:
            node.propose({"name": "trigger_ledger_rekey"})
        write(node, user, **{f"a{i}": f"secret {i}"})
        written[f"a{i}"] = len(host.entries())
        host.pass_time(node, 1000)
    return Lost(
        members=members,
        files=host.ledger,
        entries=host.entries(),
        identity=node.service_certificate,
        lost_ms=node.now_ms,
        governed=governed,
        written=written,
    )


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One recovery of it, from files that may be damaged."""

    lost: Lost
    host: HostFiles
    node: InProcessNode

    @property
    def logged(self) -> str:
        """What the node and its host said."""
        return self.host.said + "".join(line.message for line in self.node.host.logs)

    @property
    def refusal(self) -> str | None:
        """Why there is no new service, where there is none."""
        stop = self.node.host.stop
        return self.host.failed or (None if stop is None else stop.reason)

    @property
    def end(self) -> int:
        """The last entry that it says is recovered."""
        found = re.search(r"to last signed TxID: 2\.(\d+);", self.logged)
        assert found is not None, self.logged
        return int(found[1])

    def hand_in(self) -> None:
        """Make members vote, hand in their shares, and wait."""
        assert ask_for_shares(self.node).status == 200
        for member in self.lost.members[:THRESHOLD]:
            assert submit_share(self.node, member).status == 200
        self.host.pass_time(self.node, 1000)

    def bring_back(self) -> None:
        """Do the same; the service must open."""
        self.hand_in()
        assert self.refusal is None
        assert status(self.node) == "Open"

    def check(self, end: int) -> None:
        """Check that all up to ``end`` is back, and nothing else; and that it is said.

        Args:
            end: the last seqno that is to be recovered.
        """
        assert self.refusal is None
        assert self.end == end
        assert list(self.host.entries()[:end]) == list(self.lost.entries[:end])
        if end < self.lost.governed:
            return
        self.bring_back()
        for name, seqno in self.lost.written.items():
            number = name.removeprefix("a")
            expected = f"secret {number}" if seqno <= end else None
            assert read(self.node, name) == expected, (name, seqno, end)


def attempt(
    lost: Lost,
    files: Folder,
    *,
    identity: str | None = None,
    curve: CurveId = CurveId.SECP384R1,
    seed: int = 2,
) -> Attempt:
    """Begin to recover a service from these files.

    Args:
        lost: the service.
        files: of its ledger, as they are now.
        identity: what the node is told of it; its own certificate if not said.
        curve: of the new service's key.
        seed: decides the new service's keys.
    """
    host = HostFiles(files)
    remains = Remains(
        entries=(), identity=identity or lost.identity, lost_ms=lost.lost_ms
    )

    def configure(configuration: NodeConfiguration) -> NodeConfiguration:
        certificate = replace(configuration.node_certificate, curve_id=curve)
        return small_chunks(replace(configuration, node_certificate=certificate))

    node = host.live_with(
        recover_alone(
            remains,
            NotesApp(),
            members=lost.members,
            seed=seed,
            outside=host,
            configure=configure,
        )
    )
    return Attempt(lost=lost, host=host, node=node)
