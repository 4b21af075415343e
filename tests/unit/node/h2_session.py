"""A client's connection of HTTP/2 to a node in the test's process."""

from collections.abc import Mapping
from dataclasses import replace

from h2.settings import SettingCodes

from ccfpy.boundary.configuration import HttpConfiguration, RpcInterface
from ccfpy.boundary.events import SessionData
from ccfpy.testing.configuration import listener
from ccfpy.testing.node import ADDRESS, InProcessNode, Person
from tests.unit.http.h2_client import Answer, H2Client, Headers

INTERFACE = "http2"


def http2_listener(
    http: HttpConfiguration | None = None,
    *,
    port: int = 8002,
    sessions_soft_max: int = 1000,
) -> RpcInterface:
    """Describe an interface that speaks HTTP/2."""
    plain = listener(INTERFACE, port=port, sessions_soft_max=sessions_soft_max)
    return replace(plain, app_protocol="HTTP2", http=http or HttpConfiguration())


class H2Session:
    """One connection.

    Attributes:
        h2: what is asked on it and has come.
    """

    def __init__(
        self,
        node: InProcessNode,
        person: Person | None = None,
        *,
        settings: Mapping[SettingCodes, int] | None = None,
        address: str = ADDRESS,
    ) -> None:
        self._node = node
        self._client = node.connect(person, interface=INTERFACE, address=address)
        self.session = self._client.session
        self.h2 = H2Client(settings)

    @property
    def is_closed(self) -> bool:
        """Whether the node ended it."""
        return self._client.is_closed

    def ask(
        self, method: str, path: str, *, headers: Headers = (), body: bytes = b""
    ) -> Answer:
        """Make one request and give its answer, which may be yet to come."""
        stream = self.h2.ask(method, path, headers=headers, body=body)
        self.exchange()
        return self.h2.answers.setdefault(stream, Answer())

    def exchange(self) -> None:
        """Carry bytes to and fro until neither side has more to say."""
        while True:
            sent = self.h2.take()
            if sent:
                self.send(sent)
            self._node.settle()
            came = self._node.host.sent.pop(self.session, bytearray())
            if not sent and not came:
                return
            self.h2.receive(self._client.decrypt(bytes(came)))

    def send(self, data: bytes) -> None:
        """Send any bytes."""
        ciphertext = self._client.encrypt(data)
        self._node.step(SessionData(session=self.session, data=ciphertext))

    def close(self) -> None:
        """Go away."""
        self._client.close()
