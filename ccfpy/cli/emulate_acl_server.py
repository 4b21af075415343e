"""The server of the mocked identity service of a confidential ledger, over HTTP."""

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from ccfpy.base import json

if TYPE_CHECKING:
    from ccfpy.devtools.acl_identity import AclIdentity

HOST = "127.0.0.1"


class IdentityServer(ThreadingHTTPServer):
    """The identity service, listening on this machine alone.

    Attributes:
        service: makes the answers; set before the server serves.
    """

    daemon_threads = True
    service: "AclIdentity"

    def __init__(self, port: int) -> None:
        super().__init__((HOST, port), _Handler)

    @property
    def url(self) -> str:
        """Return the address of the server."""
        return f"http://{HOST}:{self.server_port}"

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Serve in a thread, and end the thread in every case."""
        thread = threading.Thread(target=self.serve_forever)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a GET."""
        server = self.server
        assert isinstance(server, IdentityServer), "it is made for no other"
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = server.service.get(self.path, headers, unix_time_s=int(time.time()))
        body = json.dumps(answer.body)
        self.send_response(answer.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""
