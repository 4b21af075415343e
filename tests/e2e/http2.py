"""One request over HTTP/2, as a client that offers both protocols makes it."""

import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from ccfpy.client.keys import KeyFiles
from tests.e2e.running import DEADLINE_S
from tests.unit.http.h2_client import Answer, H2Client


def ask(
    url: str,
    method: str,
    path: str,
    *,
    trust: Path,
    identity: KeyFiles | None = None,
    body: bytes = b"",
) -> Answer:
    """Ask once, in the protocol that the server chose, which must be HTTP/2."""
    place, client = urlsplit(url), H2Client()
    context = ssl.create_default_context(cafile=str(trust))
    context.set_alpn_protocols(["http/1.1", "h2"])
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.private_key)
    plain = socket.create_connection((place.hostname, place.port), timeout=DEADLINE_S)
    with context.wrap_socket(plain, server_hostname=place.hostname) as tls:
        assert tls.selected_alpn_protocol() == "h2"
        headers = [("content-type", "application/json")] if body else []
        stream = client.ask(method, path, headers=headers, body=body)
        while not client.answers.get(stream, Answer()).is_whole:
            tls.sendall(client.take())
            client.receive(tls.recv(65_536))
    return client.answers[stream]
