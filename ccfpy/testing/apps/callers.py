"""Callers of a service: anybody, users, members, holders of tokens.

A caller keeps a TLS connection, which is opened at its first request and again when the
node has ended it. Signed requests go over another connection without the caller's
certificate: there the signature alone identifies the caller. What the service answers
is printed so that a failed assertion explains itself.

An issuer of JSON Web Tokens, for which a test makes tokens.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypedDict, Unpack
from urllib.parse import quote

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId
from ccfpy.base.json import Json, JsonObject, loads
from ccfpy.client.governance import ACCEPT, API_VERSION, COSE_TYPE, ProposalStatus
from ccfpy.client.requests import EXCERPT_CHARACTERS, Reply
from ccfpy.crypto import cose
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.jwk import encode_base64url
from ccfpy.testing.configuration import Person
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.node import Client, InProcessNode


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Answer(Reply):
    """An answer and its request.

    Attributes:
        asked: the verb, the path, and who asked.
        logged: what the application and its scripts logged during the request.
    """

    asked: str
    logged: Sequence[str] = ()

    def __repr__(self) -> str:
        """Return the request, the status, and what an error says or a body begins with.

        This is what pytest shows of an answer in an assertion that fails.
        """
        told = f"<{self.asked}: {self.status}"
        excerpt = self._excerpt()
        if excerpt:
            told += f" {excerpt}"
        if self.is_error and self.logged:
            told += f"; logged: {' | '.join(self.logged)}"
        return f"{told}>"

    @property
    def error(self) -> str:
        """The code of a refusal, such as ``ResourceNotFound``; empty if it has none."""
        return self._error("code")

    @property
    def message(self) -> str:
        """What a refusal says; empty if it says nothing."""
        return self._error("message")

    def _error(self, name: str) -> str:
        error: Json = None
        try:
            value = loads(self.body)
        except Malformed:
            return ""
        if isinstance(value, dict):
            error = value.get("error")
        if not isinstance(error, dict):
            return ""
        text = error.get(name)
        return text if isinstance(text, str) else ""

    def _excerpt(self) -> str:
        if self.error:
            return f"{self.error}: {self.message}"
        text = self.text
        if len(text) > EXCERPT_CHARACTERS:
            return f"{text[:EXCERPT_CHARACTERS]}… ({len(self.body)} bytes)"
        return text


ACCEPTED = 202
"""The status of an answer that is not there yet."""
POLL_MS = 10
POLLS_MAX = 1000


class Home(Protocol):
    """The service, as far as its callers need it."""

    def next_created_at(self) -> int:
        """Return a time to sign a governance request with, later than the last one."""
        ...

    def node_for(self, wanted: NodeId | None) -> InProcessNode:
        """Return the node to speak to."""
        ...

    def advance(self, ms: int) -> None:
        """Advance time."""
        ...

    def take_logged(self) -> Sequence[str]:
        """Return what was logged since the last call."""
        ...


class Extra(TypedDict, total=False):
    """What a request may carry besides its body.

    Attributes:
        headers: by name.
    """

    headers: Mapping[str, str]


class _Line(NamedTuple):
    """A connection, and the node at its other end."""

    node: InProcessNode
    connection: Client


class Caller:
    """Somebody who sends requests.

    Attributes:
        name: of the caller, in messages of failures.
        person: whose certificate it shows; None for a caller without a certificate.
    """

    def __init__(
        self,
        home: Home,
        name: str,
        *,
        person: Person | None = None,
        token: str | None = None,
        node: NodeId | None = None,
    ) -> None:
        self.name = name
        self.person = person
        self._home = home
        self._token = token
        self._wanted = node
        self._lines: dict[Person | None, _Line] = {}

    def __repr__(self) -> str:
        """Return who it is."""
        return f"<{self.name}>"

    @property
    def id(self) -> str:
        """The id by which a service knows the person."""
        return self._known_person().id

    @property
    def certificate(self) -> str:
        """The certificate that the person shows, as PEM."""
        return self._known_person().certificate.pem

    def at(self, node: InProcessNode) -> "Caller":
        """Return the same caller, who speaks to this node; by default to the first."""
        return Caller(
            self._home,
            self.name,
            person=self.person,
            token=self._token,
            node=node.node_id,
        )

    def connect(self, protocol: str) -> Client:
        """Begin a session of a protocol of the app's own.

        Args:
            protocol: its name, as the app declares it.
        """
        node = self._home.node_for(self._wanted)
        return node.connect(self.person, interface=protocol)

    def get(self, path: str, **extra: Unpack[Extra]) -> Answer:
        """Send a ``GET``."""
        return self.request("GET", path, **extra)

    def head(self, path: str, **extra: Unpack[Extra]) -> Answer:
        """Send a ``HEAD``, which only a path with a ``HEAD`` endpoint answers."""
        return self.request("HEAD", path, **extra)

    def post(
        self, path: str, body: Json | bytes = None, **extra: Unpack[Extra]
    ) -> Answer:
        """Send a ``POST``."""
        return self.request("POST", path, body, **extra)

    def put(
        self, path: str, body: Json | bytes = None, **extra: Unpack[Extra]
    ) -> Answer:
        """Send a ``PUT``."""
        return self.request("PUT", path, body, **extra)

    def patch(
        self, path: str, body: Json | bytes = None, **extra: Unpack[Extra]
    ) -> Answer:
        """Send a ``PATCH``."""
        return self.request("PATCH", path, body, **extra)

    def delete(self, path: str, **extra: Unpack[Extra]) -> Answer:
        """Send a ``DELETE``."""
        return self.request("DELETE", path, **extra)

    def get_past(self, path: str, **extra: Unpack[Extra]) -> Answer:
        """Ask about the past, again and again as time passes, until the service has it.

        Raises:
            AssertionError: the service goes on answering 202.
        """
        for _ in range(POLLS_MAX):
            answer = self.get(path, **extra)
            if answer.status != ACCEPTED:
                return answer
            self._home.advance(POLL_MS)
        raise AssertionError(f"still not there after {POLLS_MAX * POLL_MS} ms: {path}")

    def signed(
        self,
        method: str,
        path: str,
        body: Json | bytes = None,
        *,
        protected: Mapping[cose.Label, object] | None = None,
        shows_certificate: bool = False,
    ) -> Answer:
        """Send a body that the person signed (COSE Sign1).

        Args:
            method: the verb.
            path: where to.
            body: the signed content.
            protected: signed headers besides ``kid``, such as ``ccf.msg.type``.
            shows_certificate: whether the connection shows the certificate too.
        """
        person = self._known_person()
        header: dict[cose.Label, object] = {cose.KID: person.id.encode()}
        message = cose.sign(
            person.key,
            protected=header | dict(protected or {}),
            payload=_content(body),
        )
        return self._send(
            method,
            path,
            message,
            headers={"content-type": COSE_TYPE},
            person=person if shows_certificate else None,
        )

    def request(
        self,
        method: str,
        path: str,
        body: Json | bytes = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request; a body that is not bytes is sent as JSON."""
        return self._send(
            method, path, body, headers=dict(headers or {}), person=self.person
        )

    def _send(
        self,
        method: str,
        path: str,
        body: Json | bytes,
        *,
        headers: dict[str, str],
        person: Person | None,
    ) -> Answer:
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        self._home.take_logged()
        connection = self._connected(person)
        response = connection.request(
            method,
            path,
            body=body,
            headers=headers,
            pass_time=lambda: self._home.advance(POLL_MS),
        )
        return Answer(
            status=response.status,
            headers=response.headers,
            body=response.body,
            asked=f"{method} {path} as {self.name}",
            logged=self._home.take_logged(),
        )

    def _connected(self, person: Person | None) -> Client:
        node = self._home.node_for(self._wanted)
        line = self._lines.get(person)
        if line is None or line.node is not node or line.connection.is_closed:
            line = self._lines[person] = _Line(node, node.connect(person))
        return line.connection

    def _known_person(self) -> Person:
        assert self.person is not None, f"{self.name} has no certificate"
        return self.person


class MemberCaller(Caller):
    """A member, who also governs."""

    def acknowledge(self) -> None:
        """Accept the state of the service, and so become active.

        Raises:
            ServiceError: the service refuses.
        """
        path = f"members/state-digests/{self.id}"
        update = self.govern(f"{path}:update", "state_digest").raise_for_error()
        accepted: Json = {"stateDigest": update.object()["stateDigest"]}
        self.govern(f"{path}:ack", "ack", accepted).raise_for_error()

    def propose(self, *actions: JsonObject) -> ProposalStatus:
        """Propose actions.

        Raises:
            ServiceError: the service refuses.
        """
        body: Json = {"actions": list(actions)}
        answer = self.govern("members/proposals:create", "proposal", body)
        return _status(answer)

    def vote(self, proposal_id: str, ballot: str = ACCEPT) -> ProposalStatus:
        """Submit a ballot, a script that exports a function ``vote``.

        Raises:
            ServiceError: the service refuses.
        """
        path = f"members/proposals/{quote(proposal_id)}/ballots/{self.id}:submit"
        return _status(
            self.govern(path, "ballot", {"ballot": ballot}, proposal_id=proposal_id)
        )

    def withdraw(self, proposal_id: str) -> ProposalStatus:
        """Withdraw a proposal.

        Raises:
            ServiceError: the service refuses.
        """
        path = f"members/proposals/{quote(proposal_id)}:withdraw"
        return _status(self.govern(path, "withdrawal", proposal_id=proposal_id))

    def govern(self, path: str, kind: str, body: Json = None, **header: str) -> Answer:
        """Send a signed governance request.

        Args:
            path: below ``/gov/``.
            kind: the message's type.
            body: its content.
            header: further headers of the message, such as ``proposal_id``.
        """
        protected: dict[cose.Label, object] = {
            "ccf.gov.msg.type": kind,
            "ccf.gov.msg.created_at": self._home.next_created_at(),
        }
        protected |= {f"ccf.gov.msg.{name}": value for name, value in header.items()}
        return self.signed(
            "POST",
            f"/gov/{path}?api-version={API_VERSION}",
            b"" if body is None else body,
            protected=protected,
        )


def _status(answer: Answer) -> ProposalStatus:
    answer.raise_for_error()
    return ProposalStatus.read(answer)


def _content(body: Json | bytes) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body)


VALIDITY_S = 3600
_COORDINATE_BYTES = 32


class Issuer:
    """An issuer; its key follows from its name.

    Args:
        name: its URL, which tokens bear as ``iss``.
        now_s: the time by which tokens are made, in seconds since 1970.
    """

    def __init__(self, name: str, now_s: Callable[[], int]) -> None:
        self.name = name
        self._now_s = now_s
        self._key = KeyPair.generate(SeededEntropy(name.encode()), Curve.SECP256R1)
        self.key_id = base64.b64encode(self._key.public_key.der[-12:]).decode()

    def trust(self) -> JsonObject:
        """Return the action by which members trust it."""
        return {
            "name": "set_jwt_issuer",
            "args": {
                "issuer": self.name,
                "auto_refresh": False,
                "jwks": {"keys": [self.jwk()]},
            },
        }

    def jwk(self) -> JsonObject:
        """Return its public key."""
        x, y = (
            encode_base64url(number.to_bytes(_COORDINATE_BYTES, "big"))
            for number in self._key.public_key.coordinates
        )
        return {
            "kid": self.key_id,
            "kty": "EC",
            "crv": "P-256",
            "x": x,
            "y": y,
            "issuer": self.name,
        }

    def token(self, **claims: Json) -> str:
        """Make a token of these claims; ``iss`` and ``exp`` have defaults."""
        header = {"alg": "ES256", "kid": self.key_id, "typ": "JWT"}
        payload = {"iss": self.name, "exp": self._now_s() + VALIDITY_S, **claims}
        signed = ".".join(
            encode_base64url(json.dumps(part)) for part in (header, payload)
        )
        return f"{signed}.{encode_base64url(self._key.sign_raw(signed.encode()))}"
