"""A stand-in for a service: HTTPS on loopback, answering as each test tells it to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from aiohttp import web

from ccfpy.base.ids import NodeId, TxId
from ccfpy.client.connection import Connection
from ccfpy.client.keys import OsEntropy, write_private
from ccfpy.crypto.certs import (
    Certificate,
    certificate_request,
    endorse_request,
    service_certificate,
)
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.ledger.receipt import Receipt, RevealedLeaf
from tests.lab.ports import free_ports

T = TypeVar("T")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Answer], AbstractAsyncContextManager[str]]
Connect = Callable[[Answer], AbstractAsyncContextManager[Connection]]
RECEIPT_TXID = TxId(2, 15)
YESTERDAY = datetime.now(tz=UTC) - timedelta(days=1)


@pytest.fixture(scope="session")
def service_key() -> KeyPair:
    """The identity key of the service."""
    return KeyPair.generate(OsEntropy(), Curve.SECP384R1)


@pytest.fixture(scope="session")
def service_pem(service_key: KeyPair) -> str:
    """The service's certificate."""
    return service_certificate(
        service_key,
        subject="CN=service",
        not_before=YESTERDAY,
        validity_days=10,
        entropy=OsEntropy(),
    ).pem


@pytest.fixture(scope="session")
def server_tls(
    service_key: KeyPair, service_pem: str, tmp_path_factory: pytest.TempPathFactory
) -> ssl.SSLContext:
    """A node's TLS: its certificate is the service's word for 127.0.0.1."""
    key = KeyPair.generate(OsEntropy(), Curve.SECP384R1)
    request = certificate_request(key, subject="CN=node", sans=["iPAddress:127.0.0.1"])
    certificate = endorse_request(
        request,
        issuer_key=service_key,
        issuer_cert=Certificate.from_pem(service_pem),
        not_before=YESTERDAY,
        validity_days=5,
        entropy=OsEntropy(),
    )
    folder = tmp_path_factory.mktemp("node")
    write_private(folder / "key.pem", key.pem)
    Path(folder / "cert.pem").write_text(certificate.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.fixture
def serve(server_tls: ssl.SSLContext) -> Serve:
    """Return what serves one answering function while a context lasts."""

    @asynccontextmanager
    async def serving(answer: Answer) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(application, handler_cancellation=True)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_tls)
            await site.start()
            host, port = runner.addresses[0][:2]
            yield f"https://{host}:{port}"
        finally:
            await runner.cleanup()

    return serving


@pytest.fixture
def connect(serve: Serve, service_pem: str) -> Connect:
    """Return what serves one answering function, and connects to it, for 30 s."""

    @asynccontextmanager
    async def connected(answer: Answer) -> AsyncIterator[Connection]:
        async with (
            serve(answer) as url,
            asyncio.timeout(30),
            Connection(url, service_certificate=service_pem) as connection,
        ):
            yield connection

    return connected


def run_connected(
    connect: Connect, answer: Answer, work: Callable[[Connection], Awaitable[T]]
) -> T:
    """Return what a piece of work returns on a connection to a served answer."""

    async def connected() -> T:
        async with connect(answer) as connection:
            return await work(connection)

    return asyncio.run(connected())


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    return free_ports()[0]


@pytest.fixture(scope="session")
def receipt(service_key: KeyPair, service_pem: str) -> Receipt:
    """A receipt of the only transaction in a tree, signed by a node."""
    key = KeyPair.generate(OsEntropy(), Curve.SECP384R1)
    certificate = endorse_request(
        certificate_request(key, subject="CN=node", sans=[]),
        issuer_key=service_key,
        issuer_cert=Certificate.from_pem(service_pem),
        not_before=datetime.now(tz=UTC) - timedelta(hours=1),
        validity_days=1,
        entropy=OsEntropy(),
    )
    unsigned = Receipt(
        leaf=RevealedLeaf(
            write_set_digest=sha256(b"entry"),
            commit_evidence=f"ce:{RECEIPT_TXID}:nonce",
        ),
        proof=(),
        signature=b"",
        node=NodeId(sha256_hex(key.public_key.der)),
        certificate=certificate.pem,
    )
    return replace(unsigned, signature=key.sign_digest(unsigned.root()))
