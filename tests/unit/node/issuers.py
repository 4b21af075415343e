"""Issuers of tokens: servers that nodes of a simulated network call."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from ccfpy.base import json
from ccfpy.base.ids import CallId
from ccfpy.base.json import Json, JsonObject
from ccfpy.boundary.effects import Effect, EndCall, OpenCall, SendCall
from ccfpy.boundary.events import CallData, CallEnded, CallOpened
from ccfpy.crypto import certs
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.jwk import encode_base64url
from ccfpy.http.messages import Request, Response, serialise_response
from ccfpy.http.parser import RequestParser
from ccfpy.http.tls import ServerContext, TlsFailure, TlsSession
from ccfpy.testing.configuration import START_UNIX_US
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode

METADATA = "/.well-known/openid-configuration"
KEYS = "/keys"


def authority(name: str, *sans: str) -> tuple[str, Certificate]:
    """Make a server's key and the certificate that it presents."""
    entropy = SeededEntropy(name.encode())
    key = KeyPair.generate(entropy, Curve.SECP256R1)
    certificate = certs.node_self_signed(
        key,
        subject=f"CN={name}",
        sans=sans,
        not_before=datetime.fromtimestamp(START_UNIX_US / 1e6, tz=UTC),
        validity_days=30,
        entropy=entropy,
    )
    return key.pem, certificate


def vouched_for(name: str, *sans: str) -> tuple[str, Certificate, Certificate]:
    """Make a server's key, its certificate, and the authority that issued that."""
    entropy = SeededEntropy(name.encode())
    key, root = (KeyPair.generate(entropy, Curve.SECP256R1) for _ in range(2))
    start = datetime.fromtimestamp(START_UNIX_US / 1e6, tz=UTC)
    authority = certs.service_certificate(
        root,
        subject="CN=authority",
        not_before=start,
        validity_days=30,
        entropy=entropy,
    )
    certificate = certs.endorse_request(
        certs.certificate_request(key, subject=f"CN={name}", sans=sans),
        issuer_key=root,
        issuer_cert=authority,
        not_before=start,
        validity_days=30,
        entropy=entropy,
    )
    return key.pem, certificate, authority


def public_jwk(kid: str, **more: Json) -> JsonObject:
    """Make the public half of the key that this id always has."""
    pair = KeyPair.generate(SeededEntropy(kid.encode()), Curve.SECP256R1)
    x, y = (
        encode_base64url(number.to_bytes(32, "big"))
        for number in pair.public_key.coordinates
    )
    return {"kty": "EC", "kid": kid, "crv": "P-256", "x": x, "y": y, **more}


@dataclass
class Issuer:
    """What an issuer publishes, and what it was asked.

    Attributes:
        pages: bodies by path: JSON, or bytes as they stand; others are not found.
        is_silent: it takes connections and says nothing.
        presents: key and certificate, if not those of its name.
        connections: how often somebody connected.
        requests: those that were heard, in order.
    """

    host: str = "login.example"
    port: int = 443
    pages: dict[str, Json | bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    is_silent: bool = False
    presents: tuple[str, Certificate] | None = None
    connections: int = 0
    requests: list[Request] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"https://{self.host}" + ("" if self.port == 443 else f":{self.port}")

    @property
    def bundle(self) -> str:
        """The certificate of its name, in PEM."""
        return self._identity()[1].pem

    def publish(self, *keys: Json, **metadata: Json) -> None:
        """Publish these keys, and say this of itself."""
        self.pages[METADATA] = {"jwks_uri": f"{self.name}{KEYS}", **metadata}
        self.pages[KEYS] = {"keys": list(keys)}

    def accept(self) -> "_Conversation":
        self.connections += 1
        key, certificate = self.presents or self._identity()
        return _Conversation(TlsSession(ServerContext(certificate.pem, key)), self)

    def answer(self, request: Request) -> bytes:
        self.requests.append(request)
        page = self.pages.get(request.path)
        if page is None:
            return serialise_response(Response(status=404))
        body = page if isinstance(page, bytes) else json.dumps(page)
        headers = {"content-type": "application/json", **self.headers}
        return serialise_response(Response(status=200, headers=headers, body=body))

    def _identity(self) -> tuple[str, Certificate]:
        return authority(self.host, f"dNSName:{self.host}")


@dataclass
class _Conversation:
    tls: TlsSession
    issuer: Issuer
    parser: RequestParser = field(default_factory=RequestParser)

    def hear(self, data: bytes) -> bytes:
        if self.issuer.is_silent:
            return b""
        try:
            for request in self.parser.feed(self.tls.feed(data)):
                self.tls.write(self.issuer.answer(request))
        except TlsFailure:
            pass
        return self.tls.take_output()


class NetworkWithIssuers(Network):
    """Nodes that can reach issuers of tokens too."""

    issuers: list[Issuer]
    _calls: dict[tuple[int, CallId], _Conversation]
    _theirs: list[tuple[InProcessNode, Effect]]

    def reach(self, *issuers: Issuer) -> None:
        """Add these issuers, before the node starts."""
        self.issuers = list(issuers)
        self._calls = {}
        self._theirs = []

    def take(self, node: InProcessNode, effect: Effect) -> bool:
        """Put what concerns issuers aside, for `deliver`."""
        if isinstance(effect, OpenCall):
            is_theirs = self._find(effect.address) is not None
        elif isinstance(effect, SendCall | EndCall):
            is_theirs = (id(node), effect.call) in self._calls
        else:
            is_theirs = False
        if is_theirs:
            if isinstance(effect, OpenCall):
                issuer = self._find(effect.address)
                assert issuer is not None
                self._calls[id(node), effect.call] = issuer.accept()
            self._theirs.append((node, effect))
            return True
        return super().take(node, effect)

    def deliver(self) -> None:
        """Carry messages between nodes and issuers until none is under way."""
        super().deliver()
        while self._theirs:
            self._bring(*self._theirs.pop(0))
            super().deliver()

    def _find(self, address: str) -> Issuer | None:
        for issuer in self.issuers:
            if f"{issuer.host}:{issuer.port}" == address:
                return issuer
        return None

    def _bring(self, node: InProcessNode, effect: Effect) -> None:
        match effect:
            case OpenCall():
                node.step(CallOpened(call=effect.call))
            case SendCall():
                answer = self._calls[id(node), effect.call].hear(effect.data)
                if answer:
                    node.step(CallData(call=effect.call, data=answer))
            case EndCall():
                node.step(CallEnded(call=effect.call))
            case _:
                raise AssertionError(f"{effect} is not for issuers")
