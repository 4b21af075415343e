"""A collector of traces: OpenTelemetry's messages over HTTP, in the test's process."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A span as it came.

    Attributes:
        attributes: of the span.
        resource: what the span is of.
    """

    trace: str
    span: str
    parent: str
    name: str
    kind: int
    status: int
    began_ns: int
    ended_ns: int
    attributes: Mapping[str, str | bool]
    resource: Mapping[str, str | bool]


@dataclass
class Collector:
    """What came.

    Attributes:
        status: what senders are answered with.
        bodies: every request's body.
    """

    url: str = ""
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)

    @property
    def spans(self) -> list[Collected]:
        """Return all spans so far."""
        return [span for body in list(self.bodies) for span in read(body)]


def _attributes(pairs: object) -> dict[str, str | bool]:
    found: dict[str, str | bool] = {}
    for pair in pairs:  # type: ignore[attr-defined]  # a message's repeated field
        kind = pair.value.WhichOneof("value")
        found[pair.key] = getattr(pair.value, kind)
    return found


def read(body: bytes) -> Iterator[Collected]:
    """Return the spans of a request."""
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                yield Collected(
                    trace=span.trace_id.hex(),
                    span=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    name=span.name,
                    kind=span.kind,
                    status=span.status.code,
                    began_ns=span.start_time_unix_nano,
                    ended_ns=span.end_time_unix_nano,
                    attributes=_attributes(span.attributes),
                    resource=resource,
                )


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector at a free port."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers["content-encoding"] == "gzip":
                body = gzip.decompress(body)
            collector.paths.append(self.path)
            collector.headers.append(
                {name.lower(): value for name, value in self.headers.items()}
            )
            collector.bodies.append(body)
            self.send_response(collector.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
