"""A whole service in the test's own thread: opened by votes, kept in a real ledger.

Its members and users are those that a test asks for. No socket, folder, process or
clock: time moves when the test says so, and names and a seed decide every key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TypeAlias, TypedDict, TypeVar

from ccfpy.attestation.report_data import app_report_data
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.boundary.configuration import NodeConfiguration, RpcInterface
from ccfpy.client.attested import Expected, read_evidence
from ccfpy.client.governance import ProposalStatus
from ccfpy.client.receipts import RECEIPT_PATH, verify_receipt
from ccfpy.enclave.scripts import attend_scripts
from ccfpy.ledger.receipt import Receipt
from ccfpy.testing.apps.callers import Answer, Caller, Issuer, MemberCaller
from ccfpy.testing.apps.ledgers import Ledger
from ccfpy.testing.apps.loading import (
    AppSource,
    ConstitutionSource,
    load,
    read_constitution,
)
from ccfpy.testing.apps.watching import Journal, Watched
from ccfpy.testing.configuration import START_UNIX_US, Person, listener
from ccfpy.testing.machines import AttestedMachine
from ccfpy.testing.network import TICK_MS, Network
from ccfpy.testing.node import InProcessNode

People: TypeAlias = int | Mapping[str, Json]
"""Their number, or by name the data that governance has of each."""
KEPT_MAX = 256
"""How many people's keys are kept while tests run: making a key takes long."""


def people(wanted: People, kind: str, *, can_recover: bool = False) -> list[Person]:
    """Make the people that are wanted; only the first of them holds a recovery share.

    Args:
        wanted: see ``People``.
        kind: the beginning of their names if only their number is given.
        can_recover: whether the first may hold a recovery share.
    """
    if isinstance(wanted, int):
        wanted = dict.fromkeys(f"{kind}{number}" for number in range(wanted))
    return [
        person(name, data, can_recover=can_recover and place == 0)
        for place, (name, data) in enumerate(wanted.items())
    ]


def person(name: str, data: Json = None, *, can_recover: bool = False) -> Person:
    """Make a person, with the data that governance has of the person."""
    made = _made(name, can_recover=can_recover)
    return made if data is None else replace(made, data=json.dumps(data))


@lru_cache(maxsize=KEPT_MAX)
def _made(name: str, *, can_recover: bool) -> Person:
    return Person.make(name, can_recover=can_recover)


def set_user(user: Person) -> JsonObject:
    """Return the action that adds a user."""
    arguments: JsonObject = {"cert": user.certificate.pem}
    if user.data is not None:
        arguments["user_data"] = json.loads(user.data)
    return {"name": "set_user", "args": arguments}


def open_to(users: Sequence[Person], certificate: str) -> list[JsonObject]:
    """Return the actions that open a service of this certificate for users."""
    opening: JsonObject = {
        "name": "transition_service_to_open",
        "args": {"next_service_identity": certificate},
    }
    return [*map(set_user, users), opening]


AnyCaller = TypeVar("AnyCaller", bound=Caller)

ACCEPTED = "Accepted"
LOOK_MS = 100
"""Between two checks for a primary."""
LOOKS_MAX = 300
TICKS_MAX = 100
"""Into how many ticks a time is divided where a node is alone."""
VALIDITY_DAYS = 365
"""Of the first certificates of the nodes and the service."""
_OK = 200


class NotOpened(CcfpyError):
    """The service could not be opened; the text says what was refused."""


class NotAccepted(CcfpyError):
    """Members decided against a proposal, or could not decide."""


class Options(TypedDict, total=False):
    """What a service is to be like; ``Service.open`` explains each name."""

    app: AppSource
    constitution: ConstitutionSource
    members: People
    users: People
    nodes: int
    actions: Sequence[JsonObject]
    seed: int
    machine: AttestedMachine | None


class Service:
    """A service and its callers; ``open`` makes one.

    Attributes:
        network: its nodes, and the network between them.
        members: the founding members.
        users: the first users, and those admitted since.
        anybody: a caller without a certificate.
    """

    def __init__(self, network: Network, members: Sequence[Person]) -> None:
        """Wrap a network whose first node runs; use ``open``."""
        self.network = network
        self.anybody = Caller(self, "anybody")
        self.members = [
            MemberCaller(self, member.name, person=member) for member in members
        ]
        self.users: list[Caller] = []
        self._machine: AttestedMachine | None = None
        self._journal = Journal(network.nodes)
        self._created_at = 0

    @classmethod
    def open(  # noqa: PLR0913 - each has a default that is right for most
        cls,
        app: AppSource,
        *,
        constitution: ConstitutionSource = "default",
        members: People = 1,
        users: People = 1,
        nodes: int = 1,
        actions: Sequence[JsonObject] = (),
        seed: int = 1,
        machine: AttestedMachine | None = None,
    ) -> "Service":
        """Start a service, and open it for its users by its members' votes.

        Args:
            app: the app of the service; see ``AppSource``.
            constitution: by its name, or its scripts; see ``ConstitutionSource``.
            members: they are named ``member0`` and so on, or as said. The first holds a
                recovery share.
            users: they are named ``user0`` and so on, or as said.
            nodes: how many it has.
            actions: further actions that members vote for before the service opens.
            seed: decides the nodes' keys.
            machine: which vouches for the nodes; by default they are virtual.

        Raises:
            NotOpened: the members' proposal was refused.
            CcfpyError: there is no such application.
        """
        attend_scripts()
        served = load(app)
        founders = people(members, "member", can_recover=True)
        network = Network(
            Watched(served.app),
            constitution=read_constitution(constitution),
            members=founders,
            seed=seed,
            configure=partial(_configured, [*served.app.protocols()]),
        )
        if machine is not None:
            network.platform = machine.platform
        network.start()
        for _ in range(nodes - 1):
            network.wait_until_settled(network.join())
        service = cls(network, founders)
        service._machine = machine
        service._open(people(users, "user"), [*served.actions, *actions])
        return service

    def _open(self, users: Sequence[Person], actions: Sequence[JsonObject]) -> None:
        self.users = [Caller(self, user.name, person=user) for user in users]
        for member in self.members:
            member.acknowledge()
        try:
            self.decide(*actions, *open_to(users, self.certificate))
        except CcfpyError as refusal:
            raise NotOpened(f"the service does not open: {refusal}") from refusal
        self.wait_committed()
        self._journal.take()

    def __repr__(self) -> str:
        """Return how many nodes it has and where its ledger ends."""
        return f"<service of {len(self.nodes)} nodes, committed to {self.ledger.last}>"

    # Who deals with it

    def user(self, which: int | str = 0) -> Caller:
        """Return a user, by number or name."""
        return _choose(self.users, which)

    def member(self, which: int | str = 0) -> MemberCaller:
        """Return a member, by number or name."""
        return _choose(self.members, which)

    def stranger(self, name: str = "stranger") -> Caller:
        """Return a caller with a certificate that the service does not know."""
        return Caller(self, name, person=person(name))

    def bearer(self, token: str, *, name: str = "bearer of a token") -> Caller:
        """Return a caller who shows a token and no certificate."""
        return Caller(self, name, token=token)

    # Governance

    def decide(self, *actions: JsonObject) -> ProposalStatus:
        """Propose as the first member, and vote as members until it is decided.

        Raises:
            ServiceError: the service refuses the proposal or a ballot.
            NotAccepted: the members decide against it.
        """
        status = self.members[0].propose(*actions)
        for member in self.members:
            if not status.is_open:
                break
            status = member.vote(status.proposal_id)
        if status.state != ACCEPTED:
            raise NotAccepted(f"proposal {status.proposal_id} is {status.state}")
        return status

    def admit(self, name: str, data: Json = None) -> Caller:
        """Add another user by members' votes, and return the user."""
        newcomer = person(name, data)
        self.decide(set_user(newcomer))
        user = Caller(self, name, person=newcomer)
        self.users.append(user)
        return user

    def trust_issuer(self, name: str = "https://issuer.example") -> Issuer:
        """Trust an issuer of tokens by members' votes, and return the issuer."""
        issuer = Issuer(name, lambda: self.now_s)
        self.decide(issuer.trust())
        return issuer

    def next_created_at(self) -> int:
        """Return a time to sign a governance request with, later than the last one."""
        self._created_at = max(self.now_s, self._created_at + 1)
        return self._created_at

    # Evidence

    @property
    def policy(self) -> Expected:
        """The policy of a client that takes this service's code on its machine alone.

        Raises:
            AssertionError: the service runs on no machine that vouches for it.
        """
        assert self._machine is not None, (
            "the nodes are virtual: open the service with machine=AttestedMachine()"
        )
        return self._machine.policy

    def check_evidence(
        self, evidence: Json, data: bytes, policy: Expected | None = None
    ) -> None:
        """Check evidence as a client does before it relies on the app's data.

        Args:
            evidence: as the app answered: ``format``, and ``quote`` and
                ``endorsements`` in base64.
            data: what the app had the evidence vouch for (``ctx.evidence(data)``).
            policy: of the client; by default ``policy``.

        Raises:
            EvidenceRefused: something is not as the policy says.
            UnexpectedReply: it is no evidence.
        """
        (policy or self.policy).check(
            read_evidence(evidence),
            report_data=app_report_data(data),
            unix_time_s=self.now_s,
        )

    # Time

    @property
    def now(self) -> datetime:
        """The time; it begins on a day in June 2025."""
        return datetime.fromtimestamp(self.now_s, tz=UTC)

    @property
    def now_s(self) -> int:
        """The time, in seconds since 1970."""
        return START_UNIX_US // 1_000_000 + self.network.now_ms // 1000

    def advance(self, ms: int) -> None:
        """Advance time: hours at once where a node is alone.

        Several nodes must hear of each other meanwhile, or they would elect another
        primary.
        """
        is_alone = len(self.network.nodes) == 1
        tick_ms = max(TICK_MS, ms // TICKS_MAX) if is_alone else TICK_MS
        self.network.advance(ms, tick_ms=tick_ms)

    def wait_committed(self, of: Answer | TxId | None = None) -> TxId:
        """Advance time until every node knows that a transaction is committed.

        Args:
            of: the transaction, or the answer that names it; everything by default.

        Raises:
            AssertionError: it is not committed, or the answer names no transaction.
        """
        if of is None:
            self.network.wait_until_settled()
            return self.ledger.last
        txid = _txid(of)
        self.network.wait_until(
            lambda: all(node.host.commit >= txid.seqno for node in self.nodes)
        )
        return txid

    # Nodes

    @property
    def nodes(self) -> list[InProcessNode]:
        """The running nodes."""
        return [node for node in self.network.nodes if self.network.is_alive(node)]

    def kill(self, node: InProcessNode) -> None:
        """Kill a node, which reports nothing to the others."""
        self.network.kill(node)

    def wait_primary(self) -> InProcessNode:
        """Advance time until a node is primary, and return the node.

        Raises:
            AssertionError: no node becomes primary: too few run.
        """
        for _ in range(LOOKS_MAX):
            for node in self.nodes:
                if node.request("GET", "/node/primary").status == _OK:
                    return node
            self.advance(LOOK_MS)
        raise AssertionError(f"no primary within {LOOKS_MAX * LOOK_MS} ms")

    def node_for(self, wanted: NodeId | None) -> InProcessNode:
        """Return the node of that id, or the first node that is alive."""
        nodes = self.nodes
        assert nodes, "all nodes were killed"
        if wanted is None:
            return nodes[0]
        found = next((node for node in nodes if node.node_id == wanted), None)
        assert found is not None, f"node {wanted} was killed"
        return found

    # What it keeps

    @property
    def certificate(self) -> str:
        """The service's certificate as PEM, which clients and auditors trust."""
        return self.network.nodes[0].service_certificate

    @property
    def ledger(self) -> Ledger:
        """The committed ledger, as a running node has it."""
        host = self.node_for(None).host
        assert host.after == 0, "its ledger begins with the service"
        return Ledger(host.entries[: host.commit])

    def receipt(
        self, of: Answer | TxId, *, claims_digest: bytes | None = None
    ) -> Receipt:
        """Fetch a transaction's receipt, and verify it as anybody can offline.

        Args:
            of: the transaction, or the answer that names it.
            claims_digest: what the application is known to have claimed.

        Raises:
            ReceiptRefused: the receipt does not verify.
        """
        txid = self.wait_committed(of)
        answer = self.anybody.get_past(f"{RECEIPT_PATH}?transaction_id={txid}")
        receipt = Receipt.parse(answer.raise_for_error().body)
        verify_receipt(
            receipt,
            service_certificate=self.certificate,
            txid=txid,
            claims_digest=claims_digest,
        )
        return receipt

    @property
    def logged(self) -> Sequence[str]:
        """What the application and its scripts have logged, line by line."""
        self.take_logged()
        return tuple(self._journal.lines)

    def take_logged(self) -> Sequence[str]:
        """Return what was logged since the last call."""
        return self._journal.take()


def _configured(
    protocols: Sequence[str], configuration: NodeConfiguration
) -> NodeConfiguration:
    """Extend certificates beyond the time that tests pass: nobody renews them here.

    Each of the app's protocols has an interface of its name.
    """
    (first,) = configuration.rpc_interfaces
    others = [
        replace(listener(name, port=_port_after(first, number)), app_protocol=name)
        for number, name in enumerate(protocols)
    ]
    start = configuration.start
    return replace(
        configuration,
        rpc_interfaces=(first, *others),
        node_certificate=replace(
            configuration.node_certificate, initial_validity_days=VALIDITY_DAYS
        ),
        start=start
        and replace(start, initial_service_certificate_validity_days=VALIDITY_DAYS),
    )


def _port_after(first: RpcInterface, number: int) -> int:
    """Return the port of one more interface, behind that for other nodes."""
    return int(first.bind_address.rpartition(":")[2]) + 2 + number


def _choose(callers: Sequence[AnyCaller], which: int | str) -> AnyCaller:
    if isinstance(which, int):
        return callers[which]
    for caller in callers:
        if caller.name == which:
            return caller
    names = ", ".join(caller.name for caller in callers)
    raise LookupError(f"nobody is named {which!r}; there are {names}")


def _txid(of: Answer | TxId) -> TxId:
    if isinstance(of, TxId):
        return of
    txid = of.txid
    assert txid is not None, f"not a transaction: {of!r}"
    return txid
