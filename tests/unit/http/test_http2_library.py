"""How both ends use the library, and that it knows what is told to it."""

from h2.settings import SettingCodes

from ccfpy.base import limits
from ccfpy.http.http2_library import Http2Protocol


def test_settings_hold_once_the_peer_has_acknowledged_them() -> None:
    library = Http2Protocol(
        {SettingCodes.MAX_FRAME_SIZE: 50_000, SettingCodes.MAX_CONCURRENT_STREAMS: 7},
        is_client=False,
        headers_bytes_max=1000,
    )
    assert library.decoder.max_header_list_size == 1000
    assert library.max_inbound_frame_size == 16_384
    assert library.local_settings.max_concurrent_streams == limits.HTTP2_STREAMS_MAX
    library.receive_data(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    library.receive_data(bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
    library.receive_data(bytes((0, 0, 0, 4, 1, 0, 0, 0, 0)))
    assert library.max_inbound_frame_size == 50_000
    assert library.local_settings.max_concurrent_streams == 7
