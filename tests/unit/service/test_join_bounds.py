"""How much a node may say of itself: the last size that is taken, the first refused."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.base import json, limits
from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.service.join_messages import JoinRequest, NodeNetwork, check, write_network
from ccfpy.service.tables.nodes import NetInterface, QuoteFormat, QuoteInfo
from tests.attacks import attack

ASKED = JoinRequest(
    node_info_network=NodeNetwork(
        node_to_node_interface=NetInterface(
            bind_address="a:1", published_address="a:1"
        ),
        rpc_interfaces={},
    ),
    quote_info=QuoteInfo(
        format=QuoteFormat.INSECURE_VIRTUAL, quote=b"", endorsements=b""
    ),
    public_encryption_key="",
    startup_seqno=0,
)


def with_quote(**changes: object) -> JoinRequest:
    quote = replace(ASKED.quote_info, **changes)  # type: ignore[arg-type]  # named fields
    return replace(ASKED, quote_info=quote)


def snp(**changes: object) -> JoinRequest:
    return with_quote(format=QuoteFormat.AMD_SEV_SNP_V1, **changes)


def with_network(**changes: object) -> JoinRequest:
    network = replace(ASKED.node_info_network, **changes)  # type: ignore[arg-type]  # named fields
    return replace(ASKED, node_info_network=network)


def with_address(size: int) -> JoinRequest:
    """Make a network with the longest name, and a port of as many digits as remain."""
    name = ".".join(["a" * 63] * 4)[: limits.HOST_NAME_CHARS_MAX]
    port = "1" * (size - len(name) - 1)
    return with_network(
        rpc_interfaces={
            "a": NetInterface(bind_address="", published_address=f"{name}:{port}")
        }
    )


def with_settings(size: int) -> JoinRequest:
    """Make a network that has ``size`` bytes in all."""
    empty = with_network(
        rpc_interfaces={"a": NetInterface(bind_address="", http_configuration="")}
    )
    rest = size - len(json.dumps(write_network(empty.node_info_network)))
    return with_network(
        rpc_interfaces={
            "a": NetInterface(bind_address="", http_configuration="x" * rest)
        }
    )


BOUNDS: dict[str, tuple[Callable[[int], JoinRequest], int]] = {
    "node_data": (
        lambda size: replace(ASKED, node_data="x" * (size - 2)),
        limits.NODE_DATA_BYTES_MAX,
    ),
    "public_encryption_key": (
        lambda size: replace(ASKED, public_encryption_key="x" * size),
        limits.NODE_ENCRYPTION_KEY_CHARS_MAX,
    ),
    "certificate_signing_request": (
        lambda size: replace(ASKED, certificate_signing_request="x" * size),
        limits.NODE_REQUEST_CHARS_MAX,
    ),
    "quote": (
        lambda size: with_quote(quote=bytes(size)),
        limits.VIRTUAL_EVIDENCE_BYTES_MAX,
    ),
    "endorsements": (
        lambda size: with_quote(endorsements=bytes(size)),
        limits.VIRTUAL_EVIDENCE_BYTES_MAX,
    ),
    "uvm_endorsements": (
        lambda size: with_quote(uvm_endorsements=bytes(size)),
        limits.VIRTUAL_EVIDENCE_BYTES_MAX,
    ),
    "endorsed_tcb": (
        lambda size: with_quote(endorsed_tcb="x" * size),
        limits.ENDORSED_TCB_CHARS_MAX,
    ),
    "rpc_interfaces": (
        lambda size: with_network(
            rpc_interfaces={str(n): NetInterface(bind_address="") for n in range(size)}
        ),
        limits.NODE_INTERFACES_MAX,
    ),
    "an address": (with_address, limits.NODE_ADDRESS_CHARS_MAX),
    "node_info_network": (with_settings, limits.NODE_NETWORK_BYTES_MAX),
}


@attack("join: a record as large as a request may be")
@pytest.mark.parametrize("name", BOUNDS)
def test_each_field_has_a_bound(name: str) -> None:
    make, most = BOUNDS[name]
    check(make(most))
    with pytest.raises(LimitExceeded, match=f"{name} has {most + 1} of at most {most}"):
        check(make(most + 1))


@pytest.mark.parametrize("field", ["quote", "endorsements", "uvm_endorsements"])
def test_what_only_a_platform_can_make_may_be_as_large_as_its_statements(
    field: str,
) -> None:
    check(snp(**{field: bytes(limits.STATEMENT_BYTES_MAX)}))
    with pytest.raises(LimitExceeded):
        check(snp(**{field: bytes(limits.STATEMENT_BYTES_MAX + 1)}))


@attack("join: an address that is none")
@pytest.mark.parametrize("is_published", [True, False])
@pytest.mark.parametrize("is_rpc", [True, False])
def test_an_address_is_one(*, is_published: bool, is_rpc: bool) -> None:
    for address in ("h]x:[1", "[/x]y:1", "a\x1b[2J:1", "a\r\nb: c:1", "a\u202e:1"):
        interface = NetInterface(
            bind_address="" if is_published else address,
            published_address=address if is_published else "",
        )
        named = (
            {"rpc_interfaces": {"a": interface}}
            if is_rpc
            else {"node_to_node_interface": interface}
        )
        with pytest.raises(Malformed, match="not an address"):
            check(with_network(**named))
