"""The service that a console shows, and who uses the console."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from ccfpy.base.ids import MemberId
from ccfpy.client.connection import REQUEST_TIMEOUT_S, Connection
from ccfpy.client.keyfiles import Identity, member_id
from ccfpy.client.review.values import short
from ccfpy.console.remembered import Remembered
from ccfpy.console.signing import Confirm, Pen, Roles, nobody
from ccfpy.crypto.certs import Certificate

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
