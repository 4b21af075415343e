"""What is an address of a node, and brackets around IPv6 addresses."""

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import HOST_NAME_CHARS_MAX
from ccfpy.base.net_address import NetAddress, bracketed, unbracketed

_LONGEST = ".".join(["a" * 63] * 4)[:HOST_NAME_CHARS_MAX]


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


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000),
        ("node-1.ccf_net.example.com:443", "node-1.ccf_net.example.com", 443),
        ("node.example.:65535", "node.example.", 65535),
        ("localhost:0", "localhost", 0),
        ("[::1]:8000", "::1", 8000),
        ("::1:8000", "::1", 8000),
        ("[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", 1),
        ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
        (f"{_LONGEST}:1", _LONGEST, 1),
    ],
)
def test_what_a_node_of_ccf_may_publish_is_an_address(
    text: str, host: str, port: int
) -> None:
    assert NetAddress.parse(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", ":1", "a", "a:", "a:b", "a:-1", "a:65536", "a:\u0661", "a:123456"),
        *("h]x:[1", "[/x]y:1", "[a]:1", "[127.0.0.1]:1", "[::1:1", "::1]:1", "[]:1"),
        *("a b:1", "a\n:1", "a:1\n", "a\x1b[2J:1", "a\u202e:1", "bücher:1", "a/b:1"),
        *("user@a:1", "a?b:1", "a#b:1", "https://a:1", "a..b:1", ".a:1"),
        *("[fe80::1%]:1", "[fe80::1%e\x1b]:1", f"{_LONGEST}a:1", f"{'a' * 64}:1"),
    ],
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(Malformed, match="not an address"):
        NetAddress.parse(text)


def test_the_origin_of_an_ipv6_address_has_brackets() -> None:
    assert NetAddress.parse("::1:8000").url == "https://[::1]:8000"
    assert NetAddress.parse("a.example:1").url == "https://a.example:1"
