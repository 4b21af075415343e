"""A whole node in the test's own thread: real TLS, real crypto, no socket and no clock.

``InProcessNode`` boots the class that ships, acts as its host and keeps its effects.
Time moves only when the test says so, and a seed decides every key.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count

from ccfpy.base import json, limits
from ccfpy.base.app_threads import AppThreads
from ccfpy.base.ids import NodeId, SessionId
from ccfpy.base.json import Json
from ccfpy.base.ports import Clock, MemoryUsage
from ccfpy.boundary.configuration import (
    RpcInterface,
)
from ccfpy.boundary.effects import (
    CloseSession,
    CommitSnapshot,
    Effect,
    ForgetBlobs,
    IdentityMade,
    ReadBlob,
    ReadLedger,
    ReadSnapshot,
    SendData,
    Stop,
    StoreBlob,
    Wake,
    WriteLog,
    WriteSnapshot,
)
from ccfpy.boundary.events import (
    Boot,
    Event,
    SessionOpened,
    SessionWritten,
    Tick,
    Woken,
)
from ccfpy.crypto import cose
from ccfpy.endpoints.application import Application
from ccfpy.http.messages import Response
from ccfpy.js.quickjs import ContextPool
from ccfpy.node.node import Node
from ccfpy.testing.client import Client
from ccfpy.testing.configuration import (
    HOST,
    INTERFACE,
    START_UNIX_US,
    Person,
    boot_of,
    listener,
    starting,
)
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.surroundings import Alone, Outside, Recorded, Remains

__all__ = [
    "GOV_VERSION",
    "HOST",
    "INTERFACE",
    "START_UNIX_US",
    "Client",
    "CountedClock",
    "InProcessNode",
    "NoMemory",
    "Person",
    "Recorded",
    "Remains",
    "StoppedClock",
    "listener",
]

GOV_VERSION = "2024-07-01"
ADDRESS = "test"
"""Where clients come from who do not say otherwise."""
LOOK_NS = 500_000
"""How much later it is at each look; a script's limits look every few thousand steps,
which is a few times less on any machine."""
# Nodes of one constitution compile it once: that is half of what it takes to open one.
_CONTEXTS = ContextPool()


class StoppedClock:
    """A clock for deadlines inside a step that never expire."""

    def monotonic_ns(self) -> int:
        """Return the same moment always."""
        return 0


class CountedClock:
    """A clock that advances at each look: a script that never ends is ended.

    A look costs no more than one at the system's clock, as benchmarks count both.
    """

    def __init__(self) -> None:
        self.monotonic_ns: Callable[[], int] = count(LOOK_NS, LOOK_NS).__next__


class NoMemory:
    """A meter that reads nothing."""

    def usage(self) -> MemoryUsage:
        """Return zeros."""
        return MemoryUsage(0, 0, 0)


class InProcessNode:
    """A node and its host; by default a service of one node.

    Args:
        app: what the node serves under ``/app``.
        constitution: JavaScript source.
        members: the founding members.
        seed: decides the node's keys.
        signature_delay_ms: as in the node's configuration.
    """

    def __init__(
        self,
        app: Application,
        *,
        constitution: str,
        members: Sequence[Person],
        seed: int = 1,
        signature_delay_ms: int = 100,
        interfaces: Sequence[RpcInterface] = (),
    ) -> None:
        configuration = starting(
            constitution=constitution,
            members=[member.founding() for member in members],
            interfaces=interfaces or (listener(),),
            signature_delay_ms=signature_delay_ms,
        )
        self._live(app, boot_of(configuration), members, seed, Alone())

    @classmethod
    def among(
        cls,
        outside: "Outside[InProcessNode]",
        app: Application,
        boot: Boot,
        *,
        members: Sequence[Person],
        seed: int,
        remains: Remains | None = None,
    ) -> "InProcessNode":
        """Make a node that is one of several, and boot it.

        Args:
            outside: the other nodes.
            app: what the node serves under ``/app``.
            boot: the event that boots it.
            members: of the service.
            seed: decides the node's keys.
            remains: what its host has of an earlier service.
        """
        node = cls.__new__(cls)
        node._live(app, boot, members, seed, outside, remains)  # noqa: SLF001 - its own
        return node

    def _live(
        self,
        app: Application,
        boot: Boot,
        members: Sequence[Person],
        seed: int,
        outside: "Outside[InProcessNode]",
        remains: Remains | None = None,
    ) -> None:
        self.members = tuple(members)
        self.host = Recorded()
        if remains is not None:
            self.host.entries = list(remains.entries)
            self.host.snapshots.files = dict(remains.snapshots)
        self.now_ms = boot.monotonic_ms
        self._outside = outside
        self._created_at = START_UNIX_US // 1_000_000 + boot.monotonic_ms // 1000
        self._sessions = 0
        self._answers: list[Event] = []
        self._written: dict[SessionId, int] = {}
        self._governing: Client | None = None
        self.reads_answers = True
        self._app = app
        self._seed = seed
        self.trusted = self.twin()
        self.boot = boot
        self.step(self.boot)

    def twin(self) -> Node:
        """Make a node of the same app and seed, and do not boot it."""
        return Node(
            app=self._app,
            entropy=SeededEntropy(self._seed),
            clock=self._clock(),
            memory=NoMemory(),
            platform=self._outside.platform,
            contexts=_CONTEXTS,
            threads=self._threads(),
        )

    def _threads(self) -> AppThreads | None:
        """Return what the application's code runs on; nothing else unless said."""
        return None

    def _clock(self) -> Clock:
        """Return what measures time within a step; looks are counted unless said."""
        return CountedClock()

    # The host's side

    def step(self, *events: Event) -> list[Effect]:
        """Pass events to the node, and carry out the effects."""
        asked: list[Effect] = []
        told: Sequence[Event] = events
        while True:
            effects = self._step_trusted(told)
            asked += effects
            self.perform(effects)
            if not self._answers:
                return asked
            told, self._answers = self._answers, []

    def _step_trusted(self, events: Sequence[Event]) -> Sequence[Effect]:
        return self.trusted.step(events)

    def perform(self, effects: Sequence[Effect]) -> None:
        """Carry out the effects of ``trusted``, as ``step`` does."""
        for effect in effects:
            self.host.effects.append(effect)
            if isinstance(effect, SendData):
                self._count_written(effect)
            elif isinstance(effect, Wake):
                self._answers.append(Woken())
            if not self._outside.take(self, effect):
                self._perform(effect)

    def _perform(self, effect: Effect) -> None:
        host = self.host
        match effect:
            case SendData():
                host.sent.setdefault(effect.session, bytearray()).extend(effect.data)
            case CloseSession():
                host.closed.add(effect.session)
            case ReadLedger():
                self._answers.append(host.read_ledger(effect))
            case WriteSnapshot() | CommitSnapshot() | ReadSnapshot():
                self._keep_snapshot(effect)
            case StoreBlob() | ForgetBlobs():
                host.blobs.keep(effect)
            case ReadBlob():
                self._answers.append(host.blobs.read(effect))
            case IdentityMade():
                host.identity = effect
            case WriteLog():
                host.logs.append(effect)
            case Stop():
                host.stop = effect
            case _:
                host.keep_ledger(effect)

    def _count_written(self, effect: SendData) -> None:
        """Report to the node, as a host does, that answers have left."""
        size = self._written.get(effect.session, 0) + len(effect.data)
        if size >= limits.SESSION_WRITTEN_BYTES and self.reads_answers:
            self._answers.append(SessionWritten(session=effect.session, size=size))
            size = 0
        self._written[effect.session] = size

    def _keep_snapshot(
        self, effect: WriteSnapshot | CommitSnapshot | ReadSnapshot
    ) -> None:
        folder = self.host.snapshots
        if isinstance(effect, WriteSnapshot):
            folder.write(effect)
        elif isinstance(effect, CommitSnapshot):
            folder.commit(effect)
        else:
            self._answers.append(folder.read(effect))

    def advance(self, ms: int) -> None:
        """Advance time."""
        self.now_ms += ms
        self.step(
            Tick(monotonic_ms=self.now_ms, unix_us=START_UNIX_US + 1000 * self.now_ms)
        )

    def remains(self) -> Remains:
        """Return what is left when this node and all others are lost."""
        assert not self.host.after, "its ledger begins with the service"
        return Remains(
            entries=tuple(self.host.entries),
            snapshots=self.host.snapshots.committed(),
            identity=self.service_certificate,
            lost_ms=self.now_ms,
        )

    # A client's side

    @property
    def node_id(self) -> NodeId:
        """Its id, once it has booted."""
        assert self.host.identity is not None
        return self.host.identity.node_id

    @property
    def service_certificate(self) -> str:
        """The PEM that clients pin: of the service that it started or joins."""
        join = self.boot.configuration.join
        if join is not None:
            return join.service_certificate.decode()
        assert self.host.identity is not None
        assert self.host.identity.service_certificate is not None
        return self.host.identity.service_certificate.decode()

    def settle(self) -> None:
        """Wait until other nodes have done their part."""
        self._outside.settle()

    def connect(
        self,
        person: Person | None = None,
        *,
        interface: str = INTERFACE,
        trusted_pem: str | None = None,
        address: str = ADDRESS,
    ) -> Client:
        """Open a TLS connection, with this person's certificate if any.

        Args:
            person: who connects; by default a client without a certificate.
            interface: by its name.
            trusted_pem: the certificate that must vouch for the node; by default its
                service's.
            address: where it comes from.
        """
        session = self.open_session(interface, address)
        return Client(self, session, person, trusted_pem or self.service_certificate)

    def open_session(
        self, interface: str = INTERFACE, address: str = ADDRESS
    ) -> SessionId:
        """Open a client's session, which has said nothing yet."""
        session = self.number_session()
        peer = f"{address}:1"
        self.step(SessionOpened(session=session, interface=interface, peer=peer))
        return session

    def number_session(self) -> SessionId:
        """Return the number of the next connection."""
        self._sessions += 1
        return SessionId(self._sessions)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Json | bytes = None,
        person: Person | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request on a connection of its own."""
        client = self.connect(person)
        response = client.request(method, path, body=body, headers=headers)
        client.close()
        return response

    # Members' side

    def govern(
        self, person: Person, path: str, kind: str, payload: Json = None, **header: str
    ) -> Response:
        """Send a signed governance request.

        All members use one connection while it lasts: a signature says who asks, and
        each handshake would cost more than the request.
        """
        self._created_at += 1
        protected: dict[cose.Label, object] = {
            cose.KID: person.id.encode(),
            "ccf.gov.msg.type": kind,
            "ccf.gov.msg.created_at": self._created_at,
            **{f"ccf.gov.msg.{name}": value for name, value in header.items()},
        }
        content = b"" if payload is None else json.dumps(payload)
        message = cose.sign(person.key, protected=protected, payload=content)
        if self._governing is None or self._governing.is_closed:
            self._governing = self.connect()
        return self._governing.request(
            "POST",
            f"/gov/{path}?api-version={GOV_VERSION}",
            body=message,
            headers={"content-type": "application/cose"},
        )

    def acknowledge(self, person: Person) -> None:
        """Accept the state as a member, who so becomes active."""
        update = self.govern(
            person, f"members/state-digests/{person.id}:update", "state_digest"
        )
        digest = _object(update)["stateDigest"]
        ack = self.govern(
            person,
            f"members/state-digests/{person.id}:ack",
            "ack",
            {"stateDigest": digest},
        )
        assert ack.status in (200, 204), ack.body

    def propose(self, *actions: Json) -> Response:
        """Propose as the first member, and vote as all members until it is decided."""
        created = self.govern(
            self.members[0],
            "members/proposals:create",
            "proposal",
            {"actions": list(actions)},
        )
        if created.status != 200:  # noqa: PLR2004 - HTTP's own number
            return created
        proposal_id = str(_object(created)["proposalId"])
        decided = created
        for member in self.members:
            if _object(decided).get("proposalState") != "Open":
                break
            decided = self.govern(
                member,
                f"members/proposals/{proposal_id}/ballots/{member.id}:submit",
                "ballot",
                {"ballot": "export function vote () { return true }"},
                proposal_id=proposal_id,
            )
        return decided

    def trust(self, joiner: "InProcessNode") -> None:
        """Trust a node that asked to join, for 30 days, by members' votes."""
        decided = self.propose(
            {
                "name": "transition_node_to_trusted",
                "args": {
                    "node_id": joiner.node_id,
                    "valid_from": "2025-06-15 12:00:00.000000+00:00",
                    "validity_period_days": 30,
                },
            }
        )
        assert _object(decided)["proposalState"] == "Accepted", decided.body

    def open_service(self, *users: Person) -> None:
        """Acknowledge, add users and open the service, as its members."""
        for member in self.members:
            self.acknowledge(member)
        actions: list[Json] = [
            {"name": "set_user", "args": {"cert": user.certificate.pem}}
            for user in users
        ]
        actions.append(
            {
                "name": "transition_service_to_open",
                "args": {"next_service_identity": self.service_certificate},
            }
        )
        decided = self.propose(*actions)
        assert _object(decided).get("proposalState") == "Accepted", decided.body
        self._end_governing()
        self._outside.pass_time(self, 1000)

    def _end_governing(self) -> None:
        """Close the members' connection: a test finds no session but its own."""
        if self._governing is not None:
            self._governing.close()
            self._governing = None


def _object(response: Response) -> dict[str, Json]:
    return json.loads_object(response.body)
