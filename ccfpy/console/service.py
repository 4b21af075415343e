"""The service that a console shows, and who uses the console."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ccfpy.base.ids import MemberId
from ccfpy.client.connection import Connection
from ccfpy.client.keyfiles import member_id
from ccfpy.console.signing import Pen
from ccfpy.crypto.certs import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, trusted by its certificate alone.

    Attributes:
        urls: where nodes are asked.
        certificate: the service's, as PEM text.
        names: returns members' names, by id, as far as they are known here.
        pen: whose votes are signed here; nobody's if the console only reads.
    """

    urls: Sequence[str]
    certificate: str
    names: Callable[[], Mapping[str, str]]
    pen: Pen | None

    @property
    def digest(self) -> str:
        """The SHA-256 digest of the service's certificate, in hex."""
        return Certificate.from_pem(self.certificate).digest_hex

    @property
    def signer_id(self) -> MemberId | None:
        """The id of the member who votes here, if anybody does."""
        return None if self.pen is None else member_id(self.pen.signer.certificate)

    def connect(self) -> Connection:
        """Make a connection as anybody: signatures say who votes."""
        return Connection(self.urls, service_certificate=self.certificate)
