"""Taking SGX quotes apart."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation.sgx_quote import QUOTE_BYTES_MAX, SgxQuote
from ccfpy.base.errors import Malformed
from tests.unit.attestation.hardware import recorded

QUOTE = recorded("sgx_node.quote")


def test_a_recorded_quote_says_what_it_measured() -> None:
    quote = SgxQuote.parse(QUOTE)
    assert quote.report.measurement.hex() == (
        "ac105ad20cccce5c295687d29979ba5c176e7398eb6b7f3fa6790af7cb785cf0"
    )
    assert (quote.report.product_id, quote.report.security_version) == (1, 1)
    assert quote.report.is_initialised
    assert not quote.report.is_debugged
    assert list(quote.claims) == ["sgx_report_data"]
    assert quote.chain.endswith(b"-----END CERTIFICATE-----\n")


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (0, b"\x04", "of version 4, expected 3"),
        (2, b"\x03", "by a key of kind 3"),
        (12, b"\x00", "not Intel's"),
        (1046, b"\x06", "certification data of kind 6"),
        (432, b"\xff\xff", "ends too early"),
        (432, b"\x00\x00", "ends too early"),
        (-80, b"\x02", "custom claims of a form"),
        (-72, b"\x11", "custom claims of a form"),
        (-72, b"\x00", "something after its end"),
        (-48, b"\xff", "of an unreadable name"),
    ],
)
def test_another_form_is_refused(offset: int, value: bytes, reason: str) -> None:
    changed = bytearray(QUOTE)
    at = offset % len(QUOTE)
    changed[at : at + len(value)] = value
    with pytest.raises(Malformed, match=reason):
        SgxQuote.parse(bytes(changed))


def test_where_the_kind_of_certification_data_is() -> None:
    """The table above changes the byte that is meant."""
    (proof_bytes,) = struct.unpack_from("<I", QUOTE, 432)
    assert len(QUOTE) == 436 + proof_bytes + 80
    assert QUOTE[1046:1048] == b"\x05\x00"


@given(st.integers(0, len(QUOTE) - 1))
def test_a_part_of_a_quote_is_none(size: int) -> None:
    if size == len(QUOTE) - 80:  # without what Open Enclave puts after it
        assert SgxQuote.parse(QUOTE[:size]).claims == {}
        return
    with pytest.raises(Malformed):
        SgxQuote.parse(QUOTE[:size])


def test_a_quote_is_not_read_beyond_its_bound() -> None:
    with pytest.raises(Malformed, match="is too long"):
        SgxQuote.parse(bytes(QUOTE_BYTES_MAX + 1))
    with pytest.raises(Malformed, match="of version 0"):
        SgxQuote.parse(bytes(QUOTE_BYTES_MAX))
