"""The application's endpoints and options as CCF stores them."""

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.service.tables.js import (
    ENDPOINTS,
    RUNTIME_OPTIONS,
    EndpointKey,
    JsRuntimeOptions,
)


def test_an_endpoint_is_keyed_by_verb_and_path() -> None:
    key = EndpointKey("DELETE", "/log/private")
    assert ENDPOINTS.key_codec.encode(key) == b"DELETE /log/private"
    assert ENDPOINTS.key_codec.decode(b"DELETE /log/private") == key
    with pytest.raises(Malformed):
        ENDPOINTS.key_codec.decode(b"DELETE")


def test_an_endpoint_has_ccfs_defaults() -> None:
    text = b'{"forwarding_required":"never","authn_policies":["no_auth"]}'
    properties = ENDPOINTS.value_codec.decode(text)
    assert properties.mode == "readwrite"
    assert properties.redirection_strategy == "to_primary"
    assert properties.authn_policies == ("no_auth",)


@pytest.mark.parametrize(
    "text",
    [
        b'{"authn_policies":[]}',
        b'{"forwarding_required":"perhaps","authn_policies":[]}',
        b'{"forwarding_required":"never","authn_policies":[],"mode":"fast"}',
    ],
)
def test_an_endpoint_of_unknown_words_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        ENDPOINTS.value_codec.decode(text)


def test_options_that_are_not_set_have_ccfs_defaults() -> None:
    options = RUNTIME_OPTIONS.codec.decode(b'{"max_heap_bytes":1000}')
    assert options == JsRuntimeOptions(max_heap_bytes=1000)
    assert options.max_execution_time_ms == 5000
