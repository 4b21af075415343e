"""Addresses as the configuration writes them."""

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.host.connecting import Address, resolve_published


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8000", Address("127.0.0.1", 8000)),
        ("localhost:0", Address("localhost", 0)),
        ("localhost", Address("localhost", 0)),
        ("::1:80", Address("::1", 80)),
        (":80", Address("", 80)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, address: Address) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize("text", ["[::1]:80", "::1:80"])
def test_an_ipv6_address_goes_to_the_system_without_brackets(text: str) -> None:
    address = Address.parse(text)
    assert address.for_socket == ("::1", 80)
    assert str(address) == text


def test_an_address_reads_as_it_is_written() -> None:
    assert str(Address("h", 1)) == "h:1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("h:", "Port '' is not a number; write addresses as host:port"),
        ("h:http", "Port 'http' is not a number"),
        ("h:-1", "Port '-1' is not a number"),
        ("h:\u0661", "is not a number"),
        ("h:65536", "Port '65536' is not in range 0-65535; choose another"),
    ],
)
def test_what_is_no_port_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ConfigurationRefused, match=reason):
        Address.parse(text)


@pytest.mark.parametrize(
    ("published", "told"),
    [("", "h:80"), ("p:0", "p:80"), ("p", "p:80"), ("p:1", "p:1")],
)
def test_others_are_told_what_is_published_with_a_real_port(
    published: str, told: str
) -> None:
    assert str(resolve_published(published, Address("h", 80))) == told
