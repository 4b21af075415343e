"""The service that a console shows, and who uses the console.

Proposals that the service's tables have forgotten are asked for once and kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, ProposalId, Seqno
from ccfpy.base.json import loads_object
from ccfpy.client.connection import REQUEST_TIMEOUT_S, Connection
from ccfpy.client.errors import ServiceError, UnexpectedReply
from ccfpy.client.keys import Identity, member_id
from ccfpy.client.review import actions
from ccfpy.client.review.public_state import PublicState
from ccfpy.client.review.values import short
from ccfpy.console.proposal import (
    NOT_TOLD,
    Stories,
    made_at,
    read_proposal_body,
    read_stories,
)
from ccfpy.console.signing import Confirm, Pen, Roles, nobody
from ccfpy.crypto.certs import Certificate
from ccfpy.gov.definitions import ProposalStory
from ccfpy.kv.store import Store
from ccfpy.service.tables import proposals
from ccfpy.service.tables.proposals import ProposalInfo

BODIES_AT_ONCE: Final = 10
"""Proposals whose actions are asked for in one look; others come with the next."""
OLDER_AT_ONCE: Final = 20
"""Proposals in one look further back; the actions of each cost a request."""
BODIES_MAX: Final = 1000
"""Proposals whose actions are kept."""


class Remembered:
    """What a service tells of its proposals, closed ones included.

    Attributes:
        stories: as of the last look.
    """

    def __init__(self) -> None:
        self.stories = Stories(why_not=NOT_TOLD)
        self._actions: dict[str, tuple[str, ...]] = {}
        self._titles: dict[str, str] = {}

    async def look(self, connection: Connection) -> Stories:
        """Ask for the latest proposals, and for what those are that are not known yet.

        A service that refuses tells nothing, for a reason that is kept.

        Raises:
            Unreachable: no node answers.
        """
        try:
            self.stories = await read_stories(connection)
        except (ServiceError, UnexpectedReply) as error:
            self.stories = Stories(why_not=f"earlier proposals are not told: {error}")
        await self._learn(connection, self.stories.told, count=BODIES_AT_ONCE)
        return self.stories

    async def look_back(self, connection: Connection, before: Seqno) -> Stories:
        """Ask for a few proposals that were made before a seqno, and what those are.

        Raises:
            ServiceError: the service refuses.
            UnexpectedReply: the answer has another form.
            Unreachable: no node answers.
        """
        page = await read_stories(connection, before=before)
        told = page.told[:OLDER_AT_ONCE]
        await self._learn(connection, told, count=OLDER_AT_ONCE)
        older = made_at(told[-1]) if len(told) < len(page.told) else page.older
        return replace(page, told=told, older=older)

    def actions_of(self, proposal_id: str) -> tuple[str, ...]:
        """Return the names of a proposal's actions, as far as they are known yet."""
        return self._actions.get(proposal_id, ())

    def title_of(self, proposal_id: str) -> str:
        """Return what a proposal does, in a line; nothing while that is not known."""
        return self._titles.get(proposal_id, "")

    async def _learn(
        self, connection: Connection, told: Sequence[ProposalStory], *, count: int
    ) -> None:
        """Ask what some proposals are, of those that are not known yet."""
        unknown = [each for each in told if each.proposalId not in self._actions]
        for story in unknown[:count]:
            body = await read_proposal_body(connection, story)
            if body is not None:
                self._keep(story.proposalId, body)

    def _keep(self, proposal_id: str, body: bytes) -> None:
        try:
            document = loads_object(body)
        except Malformed:
            document = {}
        self._actions[proposal_id] = actions.names(document)
        self._titles[proposal_id] = actions.title(document)
        while len(self._actions) > BODIES_MAX:
            oldest = next(iter(self._actions))
            del self._actions[oldest], self._titles[oldest]


def with_closed(state: PublicState, story: ProposalStory, body: bytes) -> PublicState:
    """Return the tables with a closed proposal in them, as they were when it closed."""
    store = Store()
    tx = store.begin()
    proposal_id = ProposalId(story.proposalId)
    info = ProposalInfo(
        proposer_id=story.proposerId,
        state=story.proposalState,
        ballots=dict.fromkeys(story.finalVotes or {}, ""),
        final_votes=story.finalVotes,
    )
    proposals.INFO.of(tx).put(proposal_id, info)
    proposals.PROPOSALS.of(tx).put(proposal_id, body)
    store.apply(1, tx.writes)
    return replace(state, store=store)


ADDRESSES_MAX = 8
"""Of nodes that are asked for the list of nodes, so that one answers."""
ROLES_TIMEOUT_S = 2.0
"""For the question who somebody is; a page that opens waits no longer for it."""
VERSION: Final = "api-version=2024-07-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """As whom requests to the app are sent.

    Attributes:
        words: the same, for people.
        identity: whose certificate is shown; nobody's if there is none.
    """

    words: str
    identity: Identity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, trusted by its certificate alone.

    Attributes:
        urls: where nodes are asked.
        certificate: the service's, as PEM text.
        names: returns members' names, by id, as far as they are known here.
        pen: whose key is here, a member's or a user's; nobody's if there is none.
        confirm: asks the person at the terminal where there is no pen.
        roles: what the service says of that key.
        answered: where nodes answered the last time: the node whose address the
            console was given may be the one that ends.
        remembered: what the service tells of closed proposals.
    """

    urls: Sequence[str]
    certificate: str
    names: Callable[[], Mapping[str, str]]
    pen: Pen | None
    confirm: Confirm | None = nobody
    roles: Roles = field(default_factory=Roles)
    answered: list[str] = field(default_factory=list)
    remembered: Remembered = field(default_factory=Remembered)

    @property
    def addresses(self) -> list[str]:
        """Where to ask, those first that answered the last time."""
        return list(dict.fromkeys([*self.answered, *self.urls]))[:ADDRESSES_MAX]

    @property
    def digest(self) -> str:
        """The SHA-256 digest of the service's certificate, in hex."""
        return Certificate.from_pem(self.certificate).digest_hex

    @property
    def signer_id(self) -> MemberId | None:
        """The id of the member who votes here, if anybody does."""
        return None if self.roles.only_calls else self._key_id

    @property
    def caller(self) -> str | None:
        """The name of the user as whom requests to the app are sent, if one is here."""
        if self.pen is None or self.pen.identity is None or not self.roles.is_user:
            return None
        return self.pen.name

    @property
    def _key_id(self) -> MemberId | None:
        return None if self.pen is None else member_id(self.pen.signer.certificate)

    def named(self, member_id: str) -> str:
        """Return a member's name, or the beginning of the id."""
        return self.names().get(member_id, short(member_id))

    async def learn_roles(self, *, timeout_s: float = ROLES_TIMEOUT_S) -> None:
        """Ask the service whether the key here is a user's, a member's, or both.

        Args:
            timeout_s: how long each of two questions may take.

        Raises:
            Unreachable: no node answers.
        """
        if self._key_id is None:
            return
        found: dict[str, bool] = {}
        async with self.connect() as connection:
            for kind in ("users", "members"):
                reply = await connection.request(
                    "GET",
                    f"/gov/service/{kind}/{self._key_id}?{VERSION}",
                    timeout_s=timeout_s,
                )
                found[kind] = reply.status == HTTPStatus.OK
        self.roles.is_user, self.roles.is_member = found["users"], found["members"]

    async def sender(self) -> Sender:
        """Return as whom requests to the app are sent.

        A member's certificate is not shown: the member's key signs what members decide,
        and no endpoint of an app may be told that its caller is a member by a page.

        Raises:
            Unreachable: no node answers.
        """
        if self.pen is None:
            return Sender(words="without a certificate: no --as names a user")
        await self.learn_roles(timeout_s=REQUEST_TIMEOUT_S)
        name = self.pen.name
        if not self.roles.is_user:
            return Sender(words=f"without a certificate: {name} is no user here")
        if self.pen.identity is None:
            return Sender(
                words=f"without a certificate: the key of {name} is in no file"
            )
        return Sender(words=f"as the user {name}", identity=self.pen.identity)

    def connect(self) -> Connection:
        """Make a connection as anybody: signatures say who votes."""
        return Connection(self.addresses, service_certificate=self.certificate)

    def connect_as(self, identity: Identity | None) -> Connection:
        """Make a connection for one request of a person's.

        An app's answer does not lead the request to a path that the person did not see.
        """
        return Connection(
            self.addresses,
            service_certificate=self.certificate,
            identity=identity,
            keeps_path=True,
        )
