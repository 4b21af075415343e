"""The application itself, and what it says of the service in every answer."""

from functools import lru_cache

from apps.etcd.messages import Member, ResponseHeader
from apps.etcd.refusals import Code, Refused
from ccfpy.app import (
    App,
    Certificate,
    Context,
    JsonObject,
    NodeId,
    Value,
    json_codec,
    node_info,
    sha256,
    trusted_node_quotes,
)

API_VERSION = "3.5.0"
"""The version of etcd whose interface this is. Clients use later features after later
versions only."""

app = App(
    "etcd",
    title="etcd",
    version=API_VERSION,
    description="Keys, transactions and leases, as clients of etcd ask.",
    auth=["user_cert"],
)

# Governance's: members write it, the application only reads.
SERVICE = Value("public:ccf.gov.service.info", json_codec(JsonObject))
_CERTIFICATES_KEPT = 8
_ID_BYTES = 8
_HTTP2 = "HTTP2"


def member_id(node_id: NodeId) -> int:
    """Return the number by which clients know a node."""
    return int(node_id[: 2 * _ID_BYTES], 16)


@lru_cache(maxsize=_CERTIFICATES_KEPT)
def _cluster_id(certificate: str) -> int:
    """Return the number of the service whose certificate this is, by its key."""
    key = Certificate.from_pem(certificate).public_key
    return int.from_bytes(sha256(key.der)[:_ID_BYTES], "big")


def header_of(ctx: Context, revision: int) -> ResponseHeader:
    """Return the header of an answer."""
    info = SERVICE.of(ctx.tx).get() or {}
    certificate = info.get("cert")
    return ResponseHeader(
        cluster_id=_cluster_id(certificate) if isinstance(certificate, str) else 0,
        member_id=member_id(ctx.node.node_id),
        revision=revision,
        raft_term=ctx.node.view,
    )


def members(ctx: Context) -> tuple[Member, ...]:
    """List the trusted nodes, with the addresses at which gRPC reaches them."""
    listed = []
    for node_id in sorted(trusted_node_quotes(ctx.tx)):
        info = node_info(ctx.tx, node_id)
        assert info is not None, "the same transaction has the node's evidence"
        peer = info.node_to_node_interface
        listed.append(
            Member(
                member_id=member_id(node_id),
                name=node_id[: 2 * _ID_BYTES],
                peer_urls=(f"https://{peer.published_address or peer.bind_address}",),
                client_urls=tuple(
                    f"https://{each.published_address or each.bind_address}"
                    for _, each in sorted(info.rpc_interfaces.items())
                    if each.app_protocol == _HTTP2
                ),
            )
        )
    return tuple(listed)


def leader_of(ctx: Context) -> int:
    """Return the number of the primary; 0 if this node knows none."""
    if ctx.node.is_primary:
        return member_id(ctx.node.node_id)
    interface = ctx.session.interface.name
    address = ctx.node.address_of("primary", interface)
    for node_id in trusted_node_quotes(ctx.tx):
        info = node_info(ctx.tx, node_id)
        known = None if info is None else info.rpc_interfaces.get(interface)
        if known is not None and address == known.published_address:
            return member_id(node_id)
    return 0


def unserved(what: str) -> Refused:
    """Return the refusal of a call that the app does not serve."""
    return Refused(Code.UNIMPLEMENTED, f"the service does not serve {what}")
