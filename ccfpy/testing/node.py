"""A whole node in the test's own thread: real TLS, real crypto, no socket and no clock.

``InProcessNode`` boots the class that ships, plays its host and keeps what it wrote.
Time moves only when the test says so, and a seed decides every key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ccfpy.base import json
from ccfpy.base.ids import SessionId
from ccfpy.base.json import Json
from ccfpy.base.ports import MemoryUsage
from ccfpy.boundary.configuration import (
    Authority,
    CommandType,
    LedgerSignaturesConfiguration,
    NewMember,
    NodeConfiguration,
    NodeToNodeInterface,
    RpcInterface,
    ServiceConfiguration,
    StartConfiguration,
)
from ccfpy.boundary.effects import (
    AppendEntries,
    CloseSession,
    CommitLedger,
    Effect,
    IdentityMade,
    Log,
    SendData,
    Stop,
)
from ccfpy.boundary.events import (
    Boot,
    Event,
    SessionClosed,
    SessionData,
    SessionOpened,
    Tick,
)
from ccfpy.crypto import certs, cose
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.entropy import SeededEntropy
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.endpoints.application import Application
from ccfpy.http.messages import Request, Response, serialise_request
from ccfpy.http.response_parser import ResponseParser
from ccfpy.http.tls import ClientContext, TlsSession
from ccfpy.node.node import Node

START_UNIX_US = 1_750_000_000_000_000
"""When simulated time begins: a day in June 2025."""
HOST = "127.0.0.1"
INTERFACE = "primary_rpc_interface"
GOV_VERSION = "2024-07-01"


class StoppedClock:
    """A clock for deadlines inside a step that never expire."""

    def monotonic_ns(self) -> int:
        """Give the same moment always."""
        return 0


class NoMemory:
    """A meter that reads nothing."""

    def usage(self) -> MemoryUsage:
        """Give zeros."""
        return MemoryUsage(0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member or user: a key, its certificate, and for members a key for shares."""

    key: KeyPair
    certificate: Certificate
    encryption_key: RsaKeyPair | None = None

    @property
    def id(self) -> str:
        """The digest that names this person in a service."""
        return self.certificate.digest_hex

    @classmethod
    def make(cls, seed: str, *, can_recover: bool = False) -> "Person":
        """Make the person of this name, always the same."""
        entropy = SeededEntropy(seed.encode())
        key = KeyPair.generate(entropy, Curve.SECP384R1)
        certificate = certs.node_self_signed(
            key,
            subject=f"CN={seed}",
            sans=(),
            not_before=datetime.fromtimestamp(START_UNIX_US / 1e6, tz=UTC),
            validity_days=3650,
            entropy=entropy,
        )
        encryption_key = RsaKeyPair.generate(entropy) if can_recover else None
        return cls(key=key, certificate=certificate, encryption_key=encryption_key)


@dataclass(slots=True)
class Recorded:
    """What a node's host was given.

    Attributes:
        sent: ciphertext by session.
        entries: the ledger, entry by entry.
        commit: the last seqno reported final.
    """

    effects: list[Effect] = field(default_factory=list)
    sent: dict[SessionId, bytearray] = field(default_factory=dict)
    closed: set[SessionId] = field(default_factory=set)
    entries: list[bytes] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    commit: int = 0
    identity: IdentityMade | None = None
    stop: Stop | None = None


class InProcessNode:
    """A service of one node, and its host.

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
        self.members = tuple(members)
        self.host = Recorded()
        self.now_ms = 0
        self._created_at = START_UNIX_US // 1_000_000
        self._sessions = 0
        self._app = app
        self._seed = seed
        self.trusted = self.twin()
        configuration = NodeConfiguration(
            command=CommandType.START,
            node_to_node=NodeToNodeInterface(
                bind_address=f"{HOST}:8001", published_address=f"{HOST}:8001"
            ),
            rpc_interfaces=tuple(interfaces) or (listener(),),
            start=StartConfiguration(
                members=tuple(_new_member(member) for member in members),
                constitution=constitution.encode(),
                service_configuration=ServiceConfiguration(recovery_threshold=1),
            ),
            ledger_signatures=LedgerSignaturesConfiguration(
                delay_ms=signature_delay_ms
            ),
        )
        self.boot = Boot(
            configuration=configuration,
            executable_digest="00" * 32,
            host_pid=1,
            monotonic_ms=0,
            unix_us=START_UNIX_US,
        )
        self.step(self.boot)

    def twin(self) -> Node:
        """Make a node of the same app and seed, not booted."""
        return Node(
            app=self._app,
            entropy=SeededEntropy(self._seed),
            clock=StoppedClock(),
            memory=NoMemory(),
        )

    # The host's side

    def step(self, *events: Event) -> list[Effect]:
        """Give the node events and do what it asks."""
        effects = self.trusted.step(events)
        for effect in effects:
            self._perform(effect)
        return effects

    def _perform(self, effect: Effect) -> None:
        host = self.host
        host.effects.append(effect)
        match effect:
            case SendData():
                host.sent.setdefault(effect.session, bytearray()).extend(effect.data)
            case CloseSession():
                host.closed.add(effect.session)
            case AppendEntries():
                assert effect.first_seqno == len(host.entries) + 1
                host.entries += [entry.data for entry in effect.entries]
            case CommitLedger():
                host.commit = effect.seqno
            case IdentityMade():
                host.identity = effect
            case Log():
                host.logs.append(effect)
            case Stop():
                host.stop = effect
            case _:
                raise AssertionError(f"a node of one asks for no {effect}")

    def advance(self, ms: int) -> None:
        """Let time pass."""
        self.now_ms += ms
        self.step(
            Tick(monotonic_ms=self.now_ms, unix_us=START_UNIX_US + 1000 * self.now_ms)
        )

    # A client's side

    @property
    def service_certificate(self) -> str:
        """The PEM that clients pin."""
        assert self.host.identity is not None
        assert self.host.identity.service_certificate is not None
        return self.host.identity.service_certificate.decode()

    def connect(
        self, person: Person | None = None, *, interface: str = INTERFACE
    ) -> "Client":
        """Open a TLS connection, with this person's certificate if any."""
        return Client(self, self.open_session(interface), person)

    def open_session(self, interface: str = INTERFACE) -> SessionId:
        """Let a client connect; it has said nothing yet."""
        self._sessions += 1
        session = SessionId(self._sessions)
        self.step(SessionOpened(session=session, interface=interface, peer="test:1"))
        return session

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Json | bytes = None,
        person: Person | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Ask once, on a connection of its own."""
        client = self.connect(person)
        response = client.request(method, path, body=body, headers=headers)
        client.close()
        return response

    # Members' side

    def govern(
        self, person: Person, path: str, kind: str, payload: Json = None, **header: str
    ) -> Response:
        """Send a signed governance request."""
        self._created_at += 1
        protected: dict[cose.Label, object] = {
            cose.KID: person.id.encode(),
            "ccf.gov.msg.type": kind,
            "ccf.gov.msg.created_at": self._created_at,
            **{f"ccf.gov.msg.{name}": value for name, value in header.items()},
        }
        content = b"" if payload is None else json.dumps(payload)
        message = cose.sign(person.key, protected=protected, payload=content)
        return self.request(
            "POST",
            f"/gov/{path}?api-version={GOV_VERSION}",
            body=message,
            headers={"content-type": "application/cose"},
        )

    def acknowledge(self, person: Person) -> None:
        """Let a member accept the state, and so become active."""
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
        """Let the first member propose, and all members vote until it is decided."""
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

    def open_service(self, *users: Person) -> None:
        """Acknowledge, add users and open, as members would."""
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
        self.advance(1000)


class Client:
    """One TLS connection to an in-process node."""

    def __init__(
        self, node: InProcessNode, session: SessionId, person: Person | None
    ) -> None:
        self._node = node
        self.session = session
        context = ClientContext(
            trusted_pem=node.service_certificate,
            host=HOST,
            now=datetime.fromtimestamp(START_UNIX_US / 1e6, tz=UTC),
            certificate_pem=person.certificate.pem if person else None,
            key_pem=person.key.pem if person else None,
        )
        self._tls = TlsSession(context)
        self._parser = ResponseParser()
        self._exchange()

    @property
    def is_closed(self) -> bool:
        """Whether the node ended the connection."""
        return self.session in self._node.host.closed

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Json | bytes = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Ask, and give the answer."""
        content = b"" if body is None else body
        fields = dict(headers or {})
        if not isinstance(content, bytes):
            content = json.dumps(content)
            fields.setdefault("content-type", "application/json")
        target, _, query = path.partition("?")
        request = Request(
            method=method, path=target, query=query, headers=fields, body=content
        )
        responses = self.send(serialise_request(request))
        assert len(responses) == 1, responses
        return responses[0]

    def send(self, plaintext: bytes) -> list[Response]:
        """Send any bytes over TLS; give the answers that came."""
        self._tls.write(plaintext)
        return self._exchange()

    def received(self) -> list[Response]:
        """Give the answers that came later than the requests they are to."""
        received = self._node.host.sent.pop(self.session, bytearray())
        return self._parser.feed(self._tls.feed(bytes(received)))

    def encrypt(self, plaintext: bytes) -> bytes:
        """Give what a client would send for ``plaintext``, unsent."""
        self._tls.write(plaintext)
        return self._tls.take_output()

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Give what the node's answer says to the client."""
        return self._tls.feed(ciphertext)

    def close(self) -> None:
        """Go away."""
        self._node.step(SessionClosed(session=self.session))

    def _exchange(self) -> list[Response]:
        """Carry bytes to and fro until neither side has more to say."""
        responses: list[Response] = []
        while out := self._tls.take_output():
            self._node.step(SessionData(session=self.session, data=out))
            received = self._node.host.sent.pop(self.session, bytearray())
            responses += self._parser.feed(self._tls.feed(bytes(received)))
        return responses


def listener(
    name: str = INTERFACE,
    *,
    port: int = 8000,
    authority: Authority = Authority.SERVICE,
    sessions_soft_max: int = 1000,
    sessions_hard_max: int = 1010,
    accepted_endpoints: tuple[str, ...] | None = None,
) -> RpcInterface:
    """Describe an interface."""
    address = f"{HOST}:{port}"
    return RpcInterface(
        name=name,
        bind_address=address,
        published_address=address,
        authority=authority,
        sessions_soft_max=sessions_soft_max,
        sessions_hard_max=sessions_hard_max,
        accepted_endpoints=accepted_endpoints,
        declared=json.dumps({"bind_address": address, "published_address": address}),
    )


def _new_member(person: Person) -> NewMember:
    encryption_key = person.encryption_key
    return NewMember(
        certificate=person.certificate.pem.encode(),
        encryption_public_key=(
            encryption_key.public_key.pem.encode() if encryption_key else None
        ),
    )


def _object(response: Response) -> dict[str, Json]:
    return json.loads_object(response.body)
