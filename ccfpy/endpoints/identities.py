"""What the service knows of callers and nodes, for applications to ask.

CCF's applications find the same in ``include/ccf/base_endpoint_registry.h``.
"""

from ccfpy.base.ids import MemberId, NodeId, UserId
from ccfpy.base.json import Json
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.kv.tx import Tx
from ccfpy.service.tables import members, nodes, users
from ccfpy.service.tables.nodes import NodeInfo, QuoteInfo


def user_certificate(tx: Tx, user_id: UserId) -> str | None:
    """Return a user's certificate, PEM."""
    return users.CERTS.of(tx).get(user_id)


def user_data(tx: Tx, user_id: UserId) -> Json:
    """Return what the consortium attached to a user; ``None`` if nothing."""
    info = users.INFO.of(tx).get(user_id)
    return None if info is None else info.user_data


def member_certificate(tx: Tx, member_id: MemberId) -> str | None:
    """Return a member's certificate, PEM."""
    return members.CERTS.of(tx).get(member_id)


def member_data(tx: Tx, member_id: MemberId) -> Json:
    """Return what the consortium attached to a member; ``None`` if nothing."""
    info = members.INFO.of(tx).get(member_id)
    return None if info is None else info.member_data


def node_info(tx: Tx, node_id: NodeId) -> NodeInfo | None:
    """Return what the service knows of a node."""
    return nodes.INFO.of(tx).get(node_id)


def node_quote(tx: Tx, node_id: NodeId) -> QuoteInfo | None:
    """Return the attestation evidence with which a node joined."""
    info = node_info(tx, node_id)
    return None if info is None else info.quote_info


def trusted_node_quotes(tx: Tx) -> dict[NodeId, QuoteInfo]:
    """Return the evidence of every trusted node."""
    return {
        node_id: info.quote_info
        for node_id, info in nodes.INFO.of(tx).items()
        if info.status is NodeStatus.TRUSTED
    }
