"""A whole service in the test's own thread: opened by votes, kept in a real ledger.

No socket, folder, process or clock: time moves when the test says so, and names and a
seed decide every key.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias, TypeVar

from ccfpy.base import json
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.boundary.effects import Log, LogLevel, LogTag
from ccfpy.client.governance import ProposalStatus
from ccfpy.client.receipts import RECEIPT_PATH, verify_receipt
from ccfpy.ledger.receipt import Receipt
from ccfpy.testing.apps.answers import Answer
from ccfpy.testing.apps.callers import Caller, MemberCaller
from ccfpy.testing.apps.ledgers import Ledger
from ccfpy.testing.apps.loading import (
    AppSource,
    ConstitutionSource,
    Served,
    load,
    read_constitution,
)
from ccfpy.testing.apps.tokens import Issuer
from ccfpy.testing.configuration import START_UNIX_US
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode
from ccfpy.testing.people import Person

AnyCaller = TypeVar("AnyCaller", bound=Caller)
People: TypeAlias = int | Mapping[str, Json]
"""How many, or what governance knows of each, by name."""

ACCEPTED = "Accepted"
_LEVELS = {
    LogLevel.TRACE: logging.DEBUG,
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.FAIL: logging.ERROR,
    LogLevel.FATAL: logging.CRITICAL,
}
_LOGGER = logging.getLogger("ccfpy.testing")
_LOGGER.setLevel(logging.DEBUG)


class NotOpened(CcfpyError):
    """The service did not come to serve users; the text says what was refused."""


class NotAccepted(CcfpyError):
    """Members decided against a proposal, or could not decide."""


class Service:
    """A service and those who deal with it; ``open`` makes one.

    Attributes:
        network: its nodes, and the network between them.
        members: the founding members.
        users: those it was opened for.
        anybody: a caller without a certificate.
    """

    def __init__(self, network: Network, members: Sequence[Person]) -> None:
        self.network = network
        self.anybody = Caller(self, "anybody")
        self._created_at = 0
        self._logs_read: dict[int, int] = {}
        self._logged: list[str] = []
        network.start()
        self.members = [
            MemberCaller(self, person.name, person=person) for person in members
        ]
        self.users: list[Caller] = []

    @classmethod
    def open(
        cls,
        app: AppSource,
        *,
        constitution: ConstitutionSource = "default",
        members: People = 1,
        users: People = 1,
        actions: Sequence[JsonObject] = (),
        seed: int = 1,
    ) -> "Service":
        """Begin a service and let its members open it for its users.

        Args:
            app: what it serves; see ``AppSource``.
            constitution: by its name, or its scripts; see ``ConstitutionSource``.
            members: they are named ``member0`` and so on, or as said. The first holds a
                recovery share.
            users: they are named ``user0`` and so on, or as said.
            actions: what members vote for besides, before the service opens.
            seed: decides the nodes' keys.

        Raises:
            NotOpened: the members' proposal was refused.
            CcfpyError: there is no such application.
        """
        served = load(app)
        founders = _people(members, "member", can_recover=True)
        network = Network(
            served.app,
            constitution=read_constitution(constitution),
            members=founders,
            seed=seed,
        )
        service = cls(network, founders)
        service._open(_people(users, "user"), served, actions)
        return service

    def _open(
        self, users: Sequence[Person], served: Served, actions: Sequence[JsonObject]
    ) -> None:
        for member in self.members:
            member.acknowledge()
        self.users = [Caller(self, user.name, person=user) for user in users]
        opening: JsonObject = {
            "name": "transition_service_to_open",
            "args": {"next_service_identity": self.certificate},
        }
        admitted = [_set_user(user) for user in users]
        try:
            self.decide(*admitted, *served.actions, *actions, opening)
        except CcfpyError as refusal:
            raise NotOpened(f"the service does not open: {refusal}") from refusal
        self.wait_committed()

    # Who deals with it

    def user(self, which: int | str = 0) -> Caller:
        """Give a user, by number or name."""
        return _choose(self.users, which)

    def member(self, which: int | str = 0) -> MemberCaller:
        """Give a member, by number or name."""
        return _choose(self.members, which)

    def stranger(self, name: str = "stranger") -> Caller:
        """Give somebody with a certificate that the service does not know."""
        return Caller(self, name, person=_person(name))

    def bearer(self, token: str, *, name: str = "bearer of a token") -> Caller:
        """Give somebody who shows a token and no certificate."""
        return Caller(self, name, token=token)

    # Governance

    def decide(self, *actions: JsonObject) -> ProposalStatus:
        """Let the first member propose, and members vote for it until it is decided.

        Raises:
            ServiceError: the service refuses the proposal or a ballot.
            NotAccepted: it is decided otherwise.
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
        """Let members vote for another user; give the user."""
        person = _person(name, data=_data(data))
        self.decide(_set_user(person))
        user = Caller(self, name, person=person)
        self.users.append(user)
        return user

    def trust_issuer(self, name: str = "https://issuer.example") -> Issuer:
        """Let members vote to trust an issuer of tokens; give the issuer."""
        issuer = Issuer(name, lambda: self.now_s)
        self.decide(issuer.trust())
        return issuer

    def next_created_at(self) -> int:
        """Give a time to sign a governance request with, later than the one before."""
        self._created_at = max(self.now_s, self._created_at + 1)
        return self._created_at

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
        """Let time pass."""
        self.network.advance(ms)

    def wait_committed(self, of: Answer | TxId | None = None) -> TxId:
        """Let time pass until a transaction is committed, or all that there is.

        Args:
            of: the transaction, or the answer that names it.

        Raises:
            AssertionError: it does not become so, or the answer names none.
        """
        if of is None:
            self.network.wait_until_settled()
            return self.ledger.last
        txid = _txid(of)
        self.network.wait_until(lambda: self.node.host.commit >= txid.seqno)
        return txid

    # What it keeps

    @property
    def node(self) -> InProcessNode:
        """A node that lives."""
        return next(node for node in self.network.nodes if self.network.is_alive(node))

    @property
    def certificate(self) -> str:
        """The service's certificate as PEM, which clients and auditors trust."""
        return self.network.nodes[0].service_certificate

    @property
    def ledger(self) -> Ledger:
        """What of the ledger is committed."""
        host = self.node.host
        assert host.after == 0, "its ledger begins with the service"
        return Ledger(host.entries[: host.commit])

    def receipt(
        self, of: Answer | TxId, *, claims_digest: bytes | None = None
    ) -> Receipt:
        """Fetch a transaction's receipt, and check it as anybody can offline.

        Args:
            of: the transaction, or the answer that names it.
            claims_digest: what the application is known to have claimed.

        Raises:
            ReceiptRefused: it does not verify.
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

    # What is logged

    @property
    def logged(self) -> Sequence[str]:
        """What the application and its scripts have logged, line by line."""
        self.take_logged()
        return tuple(self._logged)

    def take_logged(self) -> Sequence[str]:
        """Give what of it came since this was last asked; Python's log has it too."""
        fresh: list[str] = []
        for number, node in enumerate(self.network.nodes):
            begin = self._logs_read.get(number, 0)
            self._logs_read[number] = len(node.host.logs)
            fresh += [
                log.message
                for log in node.host.logs[begin:]
                if _pass_on(log, number) and log.tag is LogTag.APP
            ]
        self._logged += fresh
        return fresh

    def node_for(self, wanted: NodeId | None) -> InProcessNode:
        """Give the node of that id, or one that lives if it is not said."""
        if wanted is None:
            return self.node
        return next(node for node in self.network.nodes if node.node_id == wanted)


def _people(
    wanted: People, kind: str, *, can_recover: bool = False
) -> Sequence[Person]:
    """Make people; the first alone can recover, for the keys that takes are slow."""
    if isinstance(wanted, int):
        wanted = dict.fromkeys(f"{kind}{number}" for number in range(wanted))
    return [
        _person(name, can_recover=can_recover and place == 0, data=_data(data))
        for place, (name, data) in enumerate(wanted.items())
    ]


@lru_cache(maxsize=256)
def _made(name: str, *, can_recover: bool) -> Person:
    return Person.make(name, can_recover=can_recover)


def _person(
    name: str, *, can_recover: bool = False, data: bytes | None = None
) -> Person:
    return replace(_made(name, can_recover=can_recover), data=data)


def _data(value: Json) -> bytes | None:
    return None if value is None else json.dumps(value)


def _set_user(user: Person) -> JsonObject:
    arguments: JsonObject = {"cert": user.certificate.pem}
    if user.data is not None:
        arguments["user_data"] = json.loads(user.data)
    return {"name": "set_user", "args": arguments}


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


def _pass_on(log: Log, number: int) -> bool:
    """Hand a line to Python's log if it concerns who writes an application."""
    if log.tag is LogTag.NONE and log.level not in (LogLevel.FAIL, LogLevel.FATAL):
        return False
    where = f"[{log.tag}] " if log.tag is not LogTag.NONE else ""
    _LOGGER.getChild(f"node{number}").log(
        _LEVELS[log.level], "%s%s", where, log.message
    )
    return True
