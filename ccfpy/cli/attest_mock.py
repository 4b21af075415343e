"""``ccfpy attest maa-mock``: a stand-in for Microsoft Azure Attestation, over HTTPS."""

import ssl
import tempfile
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from ccfpy.base import json
from ccfpy.base.limits import MIB
from ccfpy.cli.output import note

if TYPE_CHECKING:
    from ccfpy.devtools.maa_mock import Answer, MaaMock


BODY_BYTES_MAX = MIB
_DAYS = 30


def maa_mock(
    *,
    port: Annotated[int, typer.Option(help="Where to listen; 0 is any port.")] = 0,
    out: Annotated[
        Path,
        typer.Option(help="A folder for its address, TLS certificate and keys."),
    ] = Path("workspace/maa_mock"),
) -> None:
    """Issue tokens for evidence, as Azure does; they are worth nothing elsewhere.

    For tests of programs that speak to Azure Attestation. Its keys are made anew each
    time; the folder gets the files url, tls.pem and certs.json.
    """
    server = make_server(port)
    out.mkdir(parents=True, exist_ok=True)
    (out / "tls.pem").write_text(server.certificate_pem)
    keys = server.service.get("/certs", unix_time_s=0).body
    (out / "certs.json").write_bytes(json.dumps(keys))
    (out / "url").write_text(server.service.issuer)
    note(f"It answers at {server.service.issuer}. Press Ctrl-C to stop it.")
    with server:
        server.serve_forever()


class MockServer(ThreadingHTTPServer):
    """The stand-in, listening.

    Attributes:
        service: what answers.
        certificate_pem: of its TLS.
    """

    daemon_threads = True
    service: "MaaMock"
    certificate_pem: str


def make_server(port: int) -> MockServer:
    """Make a server on this machine's own address; the caller serves and closes it."""
    from ccfpy.client.keys import OsEntropy
    from ccfpy.crypto.certs import node_self_signed
    from ccfpy.crypto.ec import Curve, KeyPair
    from ccfpy.crypto.rsa import RsaKeyPair
    from ccfpy.devtools.maa_mock import MaaMock
    from ccfpy.devtools.token_signer import TokenSigner

    entropy = OsEntropy()
    now = datetime.now(UTC) - timedelta(minutes=1)
    server = MockServer(("127.0.0.1", port), _Handler)
    key = KeyPair.generate(entropy, Curve.SECP256R1)
    certificate = node_self_signed(
        key,
        subject="CN=ccfpy mock attestation service",
        sans=("iPAddress:127.0.0.1", "dNSName:localhost"),
        not_before=now,
        validity_days=_DAYS,
        entropy=entropy,
    )
    server.certificate_pem = certificate.pem
    server.service = MaaMock(
        f"https://127.0.0.1:{server.server_port}",
        TokenSigner(
            RsaKeyPair.generate(entropy),
            subject="ccfpy mock attestation service",
            not_before=now,
            entropy=entropy,
        ),
    )
    server.socket = _context(certificate.pem, key.pem).wrap_socket(
        server.socket, server_side=True
    )
    return server


def _context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:  # only files are read
        file.write(key + certificate)
        file.flush()
        context.load_cert_chain(file.name)
    return context


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a GET."""
        path = urlsplit(self.path).path
        self._answer(self._service.get(path, unix_time_s=int(time.time())))

    def do_POST(self) -> None:
        """Answer a POST."""
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
            self.close_connection = True
            self.send_error(413)
            return
        body = self.rfile.read(int(length))
        path = urlsplit(self.path).path
        self._answer(self._service.post(path, body, unix_time_s=int(time.time())))

    @property
    def _service(self) -> "MaaMock":
        assert isinstance(self.server, MockServer), "it is made for no other"
        return self.server.service

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def _answer(self, answer: "Answer") -> None:
        body = json.dumps(answer.body)
        self.send_response(answer.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
