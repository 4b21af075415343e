"""Calls out by TLS: whom they trust, by which name, and what they show of us."""

import ssl
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.http.tls import (
    PeerNotTrusted,
    ServerContext,
    TlsContext,
    TlsFailure,
    TlsSession,
)
from ccfpy.http.tls_calls import ClientContext
from tests.attacks import attack
from tests.unit.http.dear_certificates import CHAIN, chain_files, dear_public_key
from tests.unit.http.tls_ends import (
    END,
    NODE,
    NOW,
    SERVICE,
    START,
    USER,
    make_identity,
    pump,
)


def _server() -> ServerContext:
    return ServerContext(NODE.pem, NODE.key_pem)


def _call(server: TlsContext, **changes: object) -> tuple[TlsSession, TlsSession]:
    arguments = {"trusted_pem": SERVICE.pem, "host": "127.0.0.1", "now": NOW} | changes
    client = TlsSession(ClientContext(**arguments))  # type: ignore[arg-type]
    accepted = TlsSession(server)
    pump(client, accepted)
    return client, accepted


@pytest.mark.parametrize("host", ["127.0.0.1", "node.example", "a.wild.example"])
def test_a_call_reaches_a_server_under_its_name(host: str) -> None:
    client, server = _call(_server(), host=host)
    assert client.is_established
    assert server.is_established
    assert client.peer_certificate_der == NODE.der
    client.write(b"request")
    assert server.feed(client.take_output()) == b"request"
    server.write(b"response")
    assert client.feed(server.take_output()) == b"response"


@attack("tls: a server that is not the service's")
@pytest.mark.parametrize(
    "changes",
    [
        {"host": "127.0.0.2"},
        {"host": "::1"},
        {"host": "other.example"},
        {"host": "a.b.wild.example"},
        {"host": "wild.example"},
        {"trusted_pem": USER.pem},
        {"now": START - timedelta(days=1)},
        {"now": END + timedelta(days=1)},
    ],
    ids=lambda case: "another trusted" if "trusted_pem" in case else str(case),
)
def test_a_call_to_a_server_that_is_not_trusted_fails(
    changes: dict[str, object],
) -> None:
    with pytest.raises(PeerNotTrusted, match="certificate verify failed"):
        _call(_server(), **changes)


def test_a_call_checks_that_the_service_signed_the_servers_certificate() -> None:
    forged = bytearray(NODE.der)
    forged[-1] ^= 1  # of the signature
    pem = ssl.DER_cert_to_PEM_cert(bytes(forged))
    with pytest.raises(PeerNotTrusted, match="certificate verify failed"):
        _call(ServerContext(pem, NODE.key_pem))


def test_a_server_that_is_not_trusted_cannot_show_what_is_dear_to_check(
    tmp_path: Path,
) -> None:
    files = chain_files(tmp_path / "server.pem", CHAIN, dear_public_key()).read_text()
    chain, begin, key = files.partition("-----BEGIN PRIVATE KEY")
    context = ServerContext(chain, begin + key)
    times = []
    for _ in range(3):
        start = time.process_time()
        with pytest.raises(PeerNotTrusted, match="certificate verify failed"):
            _call(context)
        times.append(1000 * (time.process_time() - start))
    assert min(times) < 100, "to check it takes half a second"


def test_one_trusted_certificate_suffices_whoever_issued_it() -> None:
    client, _ = _call(_server(), trusted_pem=NODE.pem)
    assert client.is_established


@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "other.example"])
def test_a_server_whose_very_certificate_is_trusted_needs_no_name(host: str) -> None:
    client, _ = _call(_server(), host=host, trusted_pem=USER.pem + NODE.pem)
    assert client.is_established


def test_a_server_beside_one_that_is_trusted_by_itself_needs_its_name() -> None:
    both = SERVICE.pem + make_identity("other.example", issuer=SERVICE).pem
    with pytest.raises(PeerNotTrusted, match="certificate verify failed"):
        _call(_server(), host="other.example", trusted_pem=both)


@pytest.mark.parametrize("now", [START - timedelta(days=1), END + timedelta(days=1)])
def test_a_certificate_that_is_trusted_by_itself_is_still_held_to_its_time(
    now: datetime,
) -> None:
    with pytest.raises(PeerNotTrusted, match="certificate verify failed"):
        _call(_server(), host="other.example", trusted_pem=NODE.pem, now=now)


def test_names_can_be_left_to_the_trusted_certificates() -> None:
    client, _ = _call(_server(), host="other.example", checks_name=False)
    assert client.is_established
    with pytest.raises(TlsFailure):
        _call(
            _server(),
            host="other.example",
            checks_name=False,
            trusted_pem=USER.pem,
        )


def test_a_call_can_show_a_certificate() -> None:
    _, server = _call(_server(), certificate_pem=USER.pem, key_pem=USER.key_pem)
    assert server.peer_certificate_der == USER.der


def test_a_call_without_anybody_to_trust_is_refused() -> None:
    with pytest.raises(Malformed):
        ClientContext(trusted_pem="", host="h", now=NOW)
