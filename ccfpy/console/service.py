"""The service that a console shows, and who uses the console."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ccfpy.base.ids import MemberId
from ccfpy.client.connection import Connection
from ccfpy.client.keyfiles import member_id
from ccfpy.client.review.values import short
from ccfpy.console.remembered import Remembered
from ccfpy.console.signing import Pen
from ccfpy.crypto.certs import Certificate

ADDRESSES_MAX = 8
"""Of nodes that are asked for the list of nodes, so that one answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, trusted by its certificate alone.

    Attributes:
        urls: where nodes are asked.
        certificate: the service's, as PEM text.
        names: returns members' names, by id, as far as they are known here.
        pen: whose votes are signed here; nobody's if the console only reads.
        answered: where nodes answered the last time: the node whose address the
            console was given may be the one that ends.
        remembered: what the service tells of closed proposals.
    """

    urls: Sequence[str]
    certificate: str
    names: Callable[[], Mapping[str, str]]
    pen: Pen | None
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
        return None if self.pen is None else member_id(self.pen.signer.certificate)

    def named(self, member_id: str) -> str:
        """Return a member's name, or the beginning of the id."""
        return self.names().get(member_id, short(member_id))

    def connect(self) -> Connection:
        """Make a connection as anybody: signatures say who votes."""
        return Connection(self.addresses, service_certificate=self.certificate)
