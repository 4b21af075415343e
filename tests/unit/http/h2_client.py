"""A client of HTTP/2 for tests, which keeps to the protocol, and frames that do not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.settings import SettingCodes

Headers = Iterable[tuple[str, str]]


def fields(method: str, path: str, headers: Headers = ()) -> list[tuple[str, str]]:
    """What a client says of a request before its body."""
    return [
        (":method", method),
        (":scheme", "https"),
        (":authority", "service"),
        (":path", path),
        *headers,
    ]


@dataclass
class Answer:
    """What has come on one stream."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict)
    is_whole: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.headers[":status"])


class H2Client:
    """Makes requests as bytes, and sorts what comes back by streams.

    Attributes:
        reads: whether it opens its windows again for what has come.
        goaway: why the server ended the connection, if it did.
    """

    def __init__(
        self, settings: Mapping[SettingCodes, int] | None = None, *, reads: bool = True
    ) -> None:
        self.h2 = H2Connection(
            H2Configuration(
                client_side=True,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        for code, value in (settings or {}).items():
            self.h2.local_settings[code] = value
        self.h2.local_settings.acknowledge()
        self.h2.initiate_connection()
        self.reads = reads
        self.answers: dict[int, Answer] = {}
        self.settings: dict[int, int] = {}
        self.events: list[Event] = []
        self.goaway: int | None = None

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Headers = (),
        body: bytes = b"",
        ends: bool = True,
    ) -> int:
        """Begin a request; return its stream."""
        stream = self.h2.get_next_available_stream_id()
        is_over = ends and not body
        self.h2.send_headers(stream, fields(method, path, headers), end_stream=is_over)
        if body:
            self.h2.send_data(stream, body, end_stream=ends)
        return stream

    def take(self) -> bytes:
        """Return what is to be sent."""
        return self.h2.data_to_send()

    def receive(self, data: bytes) -> None:
        """Take what the server sent."""
        for event in self.h2.receive_data(data):
            self.events.append(event)
            self._note(event)

    def _note(self, event: Event) -> None:
        match event:
            case ResponseReceived():
                answer = self.answers.setdefault(event.stream_id, Answer())
                answer.headers = _text(event.headers)
            case TrailersReceived():
                self.answers[event.stream_id].trailers = _text(event.headers)
            case DataReceived():
                self.answers[event.stream_id].body += event.data
                if self.reads:
                    self.h2.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id
                    )
            case StreamEnded():
                self.answers[event.stream_id].is_whole = True
            case StreamReset():
                assert event.error_code is not None
                answer = self.answers.setdefault(event.stream_id, Answer())
                answer.reset = int(event.error_code)
            case RemoteSettingsChanged():
                self.settings |= {
                    int(code): change.new_value
                    for code, change in event.changed_settings.items()
                }
            case ConnectionTerminated():
                assert event.error_code is not None
                self.goaway = int(event.error_code)
            case _:
                pass


def _text(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in raw}


def frame(kind: int, *, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Write any frame (RFC 9113, 4.1)."""
    head = len(payload).to_bytes(3) + bytes((kind, flags))
    return head + stream.to_bytes(4) + payload
