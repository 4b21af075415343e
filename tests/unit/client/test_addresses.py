import pytest

from ccfpy.base.json import Json
from ccfpy.client.addresses import (
    ADDRESSES_MAX,
    Addresses,
    base_url,
    published_addresses,
    redirect_target,
)
from ccfpy.client.errors import ClientError, Unreachable

A, B, C = "https://a:1", "https://b:1", "https://c:1"


def test_the_order_is_as_given_until_somebody_answers() -> None:
    addresses = Addresses(["a:1", "https://b:1/x", A, C])
    assert addresses.order(is_write=False) == [A, B, C]
    addresses.answered(B)
    assert addresses.order(is_write=False) == [B, A, C]


def test_writes_go_to_the_primary_that_a_redirect_named() -> None:
    addresses = Addresses([A, B])
    addresses.answered(A)
    addresses.led_to("https://p:1")
    assert addresses.order(is_write=True) == ["https://p:1", A, B]
    assert addresses.order(is_write=False) == [A, B]
    addresses.failed("https://p:1")
    assert addresses.order(is_write=True) == [A, B]


def test_who_fails_is_asked_last_until_it_answers() -> None:
    addresses = Addresses([A, B, C])
    addresses.answered(A)
    addresses.failed(A)
    assert addresses.order(is_write=True) == [B, C, A]
    addresses.answered(A)
    assert addresses.order(is_write=True) == [A, B, C]


def test_only_so_many_addresses_are_learned() -> None:
    addresses = Addresses([A])
    addresses.learn([A, *(f"https://n{i}" for i in range(ADDRESSES_MAX))])
    assert len(addresses.known) == ADDRESSES_MAX
    assert addresses.known[:2] == (A, "https://n0")


def test_there_must_be_an_address() -> None:
    with pytest.raises(ClientError, match="no address"):
        Addresses([])


@pytest.mark.parametrize("text", ["http://x", "https://x:0", "https://x:99999999"])
def test_no_https_is_no_address(text: str) -> None:
    with pytest.raises(ClientError, match="address"):
        base_url(text)


def test_a_redirect_leads_to_https_alone() -> None:
    assert redirect_target(f"{A}/x", "/y") == f"{A}/y"
    assert redirect_target(f"{A}/x", f"{B}/y") == f"{B}/y"
    with pytest.raises(Unreachable, match="away from HTTPS"):
        redirect_target(A, "http://b")


def node(status: Json = "Trusted", address: Json = "b:1") -> Json:
    interfaces: Json = {"main": {"published_address": address}, "other": 7}
    return {"status": status, "rpc_interfaces": interfaces}


@pytest.mark.parametrize(
    ("nodes", "interface", "found"),
    [
        ([node(), node("Pending", "c:1")], None, [B]),
        ([node()], "main", [B]),
        ([node()], "elsewhere", []),
        ([node(address="x:no")], None, []),
        ([node(address="h]x:[1"), node(address="[/x]y:1"), node()], None, [B]),
        ([node(address="b\x1b[2J:1"), node(address="b:0")], None, []),
        ([node(address="::1:8000")], None, ["https://[::1]:8000"]),
        ([node(address=7)], None, []),
        ([7, {"status": "Trusted"}], None, []),
        (None, None, []),
    ],
)
def test_published_addresses_of_trusted_nodes(
    nodes: Json, interface: str | None, found: list[str]
) -> None:
    assert published_addresses({"nodes": nodes}, interface) == found


def test_an_address_is_one_that_speaks_http_1() -> None:
    interfaces: Json = {
        "fast": {"published_address": "a:1", "app_protocol": "HTTP2"},
        "lines": {"published_address": "c:1", "app_protocol": "LINES"},
        "main": {"published_address": "b:1", "app_protocol": "HTTP1"},
    }
    listed: Json = {"status": "Trusted", "rpc_interfaces": interfaces}
    assert published_addresses({"nodes": [listed]}, None) == [B]
    assert published_addresses({"nodes": [listed]}, "fast") == [A]
