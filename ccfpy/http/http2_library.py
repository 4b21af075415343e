"""The library h2, as both ends of a connection use it; only this file imports it.

The library reads and writes frames, compresses headers and knows the states of streams
(RFC 9113, RFC 7541). Our own compression keeps no table, whatever the peer allows: the
peer cannot choose how much memory it takes, and lengths on the wire reveal nothing
about earlier headers.
"""

from collections.abc import Mapping

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PingAckReceived,
    RemoteSettingsChanged,
    RequestReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import DenialOfServiceError, ProtocolError
from h2.settings import SettingCodes, Settings

from ccfpy.base import limits

__all__ = [
    "ConnectionTerminated",
    "DataReceived",
    "DenialOfServiceError",
    "Event",
    "Http2Protocol",
    "PingAckReceived",
    "ProtocolError",
    "RemoteSettingsChanged",
    "RequestReceived",
    "ResponseReceived",
    "SettingCodes",
    "StreamEnded",
    "StreamReset",
]

_KNOWN_SETTINGS = frozenset(SettingCodes)


class Http2Protocol(H2Connection):
    """One end of a connection.

    The peer is held to our settings once it has acknowledged them, and until then to
    the protocol's own. The bound on headers holds at once: it is there for the peers
    that ignore it.
    """

    MAX_CLOSED_STREAMS = limits.HTTP2_STREAMS_REMEMBERED_MAX

    def __init__(
        self,
        settings: Mapping[SettingCodes, int],
        *,
        is_client: bool,
        headers_bytes_max: int,
    ) -> None:
        super().__init__(
            H2Configuration(
                client_side=is_client,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        announced = {**settings, SettingCodes.MAX_HEADER_LIST_SIZE: headers_bytes_max}
        self.local_settings = Settings(client=is_client, initial_values=announced)
        self.initiate_connection()
        streams = max(
            announced.get(SettingCodes.MAX_CONCURRENT_STREAMS, 0),
            limits.HTTP2_STREAMS_MAX,
        )
        self.local_settings = Settings(
            client=is_client,
            initial_values={SettingCodes.MAX_CONCURRENT_STREAMS: streams},
        )
        for code, value in announced.items():
            self.local_settings[code] = value
        self.decoder.max_header_list_size = headers_bytes_max
        self._forget_headers()

    def note_settings(self, event: RemoteSettingsChanged) -> None:
        """Keep of the peer's settings what means something, and our own table empty."""
        self._forget_headers()
        for code in event.changed_settings.keys() - _KNOWN_SETTINGS:
            del self.remote_settings[code]

    def _forget_headers(self) -> None:
        """Keep no table of headers sent, and tell the peer so once."""
        self.encoder.header_table_size = 0
        del self.encoder.table_size_changes[:-1]
