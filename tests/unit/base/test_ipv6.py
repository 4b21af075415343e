"""Brackets around IPv6 addresses."""

import pytest

from ccfpy.base.ipv6 import bracketed, unbracketed


@pytest.mark.parametrize(
    ("host", "in_url"),
    [
        ("::1", "[::1]"),
        ("fe80::1%eth0", "[fe80::1%eth0]"),
        ("127.0.0.1", "127.0.0.1"),
        ("node.example", "node.example"),
        ("", ""),
    ],
)
def test_an_ipv6_address_alone_is_bracketed(host: str, in_url: str) -> None:
    assert bracketed(host) == in_url
    assert unbracketed(in_url) == host


@pytest.mark.parametrize("host", ["::1", "[::1", "::1]", "[", "]"])
def test_what_has_no_pair_of_brackets_stays(host: str) -> None:
    assert unbracketed(host) == host
