"""Requests full of canaries, and the connections for them.

Each canary has the name of its place: a value, a query string, the message of an
exception.
"""

import json
import secrets
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from ccfpy.client.transport import trust_only
from ccfpy.http.messages import Request, Response, serialise_request
from ccfpy.http.response_parser import ResponseParser
from tests.e2e.running import DEADLINE_S


@dataclass(slots=True)
class Canaries:
    """Random words by the places that contain them."""

    by_place: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, place: str) -> str:
        """Return the canary of a place, which is made at the first request."""
        return self.by_place.setdefault(place, secrets.token_hex(16).encode()).decode()


@dataclass(frozen=True, slots=True)
class Address:
    """The target of requests.

    Attributes:
        service_certificate: the certificate that the target must present; None without
            TLS.
    """

    host: str
    port: int
    service_certificate: str | None = None

    def connect(self) -> socket.socket:
        """Open a connection."""
        plain = socket.create_connection((self.host, self.port), timeout=DEADLINE_S)
        if self.service_certificate is None:
            return plain
        context = trust_only(self.service_certificate)
        return context.wrap_socket(plain, server_hostname=self.host)


def ask(connection: socket.socket, data: bytes) -> Response:
    """Send bytes; return the one answer."""
    connection.sendall(data)
    parser = ResponseParser()
    while received := connection.recv(65536):
        for response in parser.feed(received):
            return response
    raise ConnectionError("the node closed the connection without an answer")


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
"""Every request wants to be traced, unless it says otherwise."""
Expected = tuple[int, str]
"""An answer's status, and a text that its body must contain."""


def send_canaries(address: Address, canary: Canaries) -> None:
    """Send every request, and check that the answers show the request's effect."""
    with closing(address.connect()) as connection:
        for data, (status, text) in _requests(canary):
            response = ask(connection, data)
            assert response.status == status, (data, response)
            assert text.encode() in response.body, (data, response)
    for data, status in _last_requests(canary):
        with closing(address.connect()) as connection:
            assert ask(connection, data).status == status, data


def _request(method: str, target: str, body: object = None, **headers: str) -> bytes:
    path, _, query = target.partition("?")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return serialise_request(
        Request(
            method=method,
            path=path,
            query=query,
            headers={
                "host": "canaries",
                "content-type": "application/json",
                "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
            }
            | fields,
            body=b"" if body is None else content,
        )
    )


def _requests(canary: Canaries) -> Iterator[tuple[bytes, Expected]]:
    scope = f"scope={canary('map name')}"
    pair = {"key": canary("key"), "value": canary("value")}
    yield _request("PUT", f"/app/private?{scope}", pair), (200, "true")
    read = f"/app/private?{scope}&key={canary('key')}"
    yield _request("GET", read), (200, canary("value"))
    asked = f"/app/private?{scope}&key={canary('query string')}"
    yield _request("GET", asked), (204, "")
    state = f"vendor={canary('state of a trace')}"
    yield _request("GET", read, tracestate=state), (200, canary("value"))
    unasked = f"00-{canary('trace that nobody records')}-00f067aa0ba902b7-00"
    yield _request("GET", read, traceparent=unasked), (200, canary("value"))
    header = canary("header")
    yield _request("PUT", f"/app/header?{scope}", x_secret=header), (200, "true")
    for path, place, expected in (
        ("refused", "refusal", (403, canary("refusal"))),
        ("broken", "exception", (500, "InternalError")),
        ("unreadable", "stored value", (500, "InternalError")),
        ("endless", "call that was stopped", (500, "took too long")),
        ("broken/late", "exception after commit", (500, "InternalError")),
        ("aloud", "what was printed and logged", (200, "true")),
    ):
        told = {"key": canary(f"{place}: key"), "value": canary(place)}
        yield _request("POST", f"/app/{path}?{scope}", told), expected
    yield from _refused_requests(canary, f"/app/private?{scope}")


def _refused_requests(
    canary: Canaries, private: str
) -> Iterator[tuple[bytes, Expected]]:
    token = f"Bearer {canary('bearer token')}"
    yield _request("GET", "/app/guarded", authorization=token), (401, "error")
    yield _request("GET", f"/app/{canary('unknown path')}"), (404, "ResourceNotFound")
    for body in (
        f"not json {canary('body that is no JSON')}".encode(),
        {"key": 1, "value": canary("value beside a wrong type")},
        {"key": canary("key without a value")},
    ):
        yield _request("PUT", private, body), (400, "InvalidInput")
    query = f"/node/tx?transaction_id={canary('transaction id')}"
    yield _request("GET", query), (400, "InvalidQueryParameterValue")
    proposal = {"actions": [{"name": canary("unsigned proposal")}]}
    path = "/gov/members/proposals:create?api-version=2024-07-01"
    yield _request("POST", path, proposal), (401, "InvalidAuthenticationInfo")


def _last_requests(canary: Canaries) -> Iterator[tuple[bytes, int]]:
    """Return the requests after which the node ends a connection."""
    yield f"{canary('bad request line')}\r\n\r\n".encode(), 400
    large = _request("GET", "/node/state", x_large=canary("large header") * 1024)
    yield large, 431
