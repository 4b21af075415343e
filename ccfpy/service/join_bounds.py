"""Bounds for what a node says of itself when it asks to join.

On a virtual platform anybody can make evidence, so a stranger writes the record of a
pending node: each field has a bound (`ccfpy.base.limits`), and addresses are addresses.
Evidence that only a platform can make has the bounds of the platform.
"""

from ccfpy.base import json, limits
from ccfpy.base.errors import LimitExceeded
from ccfpy.base.net_address import NetAddress
from ccfpy.service.join_messages import JoinRequest, write_network
from ccfpy.service.tables.nodes import NetInterface, QuoteFormat


def check(request: JoinRequest) -> None:
    """Check every field of a request that the sender chooses.

    Raises:
        LimitExceeded: a field is too large.
        Malformed: a field cannot be written as JSON, or an address is none.
    """
    _check_evidence(request)
    _at_most(
        "node_data",
        0 if request.node_data is None else len(json.dumps(request.node_data)),
        limits.NODE_DATA_BYTES_MAX,
    )
    _at_most(
        "public_encryption_key",
        len(request.public_encryption_key),
        limits.NODE_ENCRYPTION_KEY_CHARS_MAX,
    )
    _at_most(
        "certificate_signing_request",
        len(request.certificate_signing_request or ""),
        limits.NODE_REQUEST_CHARS_MAX,
    )
    network = request.node_info_network
    _at_most("rpc_interfaces", len(network.rpc_interfaces), limits.NODE_INTERFACES_MAX)
    for interface in (
        network.node_to_node_interface,
        *network.rpc_interfaces.values(),
    ):
        _check_addresses(interface)
    _at_most(
        "node_info_network",
        len(json.dumps(write_network(network))),
        limits.NODE_NETWORK_BYTES_MAX,
    )


def _check_evidence(request: JoinRequest) -> None:
    quote = request.quote_info
    is_virtual = quote.format is QuoteFormat.INSECURE_VIRTUAL
    most = (
        limits.VIRTUAL_EVIDENCE_BYTES_MAX if is_virtual else limits.STATEMENT_BYTES_MAX
    )
    _at_most("quote", len(quote.quote), most)
    _at_most("endorsements", len(quote.endorsements), most)
    _at_most("uvm_endorsements", len(quote.uvm_endorsements or b""), most)
    _at_most(
        "endorsed_tcb", len(quote.endorsed_tcb or ""), limits.ENDORSED_TCB_CHARS_MAX
    )


def _check_addresses(interface: NetInterface) -> None:
    for address in (interface.bind_address, interface.published_address):
        _at_most("an address", len(address), limits.NODE_ADDRESS_CHARS_MAX)
        if address:  # CCF lets a node leave one out
            NetAddress.parse(address)


def _at_most(what: str, size: int, most: int) -> None:
    if size > most:
        raise LimitExceeded(f"{what} has {size} of at most {most}")
