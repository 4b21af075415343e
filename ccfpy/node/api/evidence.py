"""What nodes prove of themselves: quotes, certificates, versions."""

from typing import TYPE_CHECKING, TypeVar

from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Mode
from ccfpy.endpoints.replies import record_reply
from ccfpy.http.errors import not_found
from ccfpy.node.api.answers import (
    AttestationAnswer,
    AttestationsAnswer,
    QuoteAnswer,
    QuotesAnswer,
    SelfSignedAnswer,
)
from ccfpy.node.api.declare import NodeEndpoints, local, shared
from ccfpy.service.tables import nodes
from ccfpy.service.tables.nodes import NodeInfo

if TYPE_CHECKING:
    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode

Quote = TypeVar("Quote", bound=QuoteAnswer)


ENDPOINTS = NodeEndpoints()


@ENDPOINTS.add(local, "/quotes/self", QuoteAnswer)
@ENDPOINTS.add(local, "/attestations/self", AttestationAnswer)
def own_evidence(running: "RunningNode", context: Context) -> "Response":
    """Answer with this node's attestation evidence."""
    info = nodes.INFO.of(context.tx).get(running.node_id)
    if info is None:
        raise not_found("Could not find node quote.")
    return record_reply(_evidence(QuoteAnswer, running.node_id, info))


@ENDPOINTS.add(shared, "/quotes", QuotesAnswer)
def quotes(_: "RunningNode", context: Context) -> "Response":
    """List the attestation evidence of trusted nodes."""
    return record_reply(QuotesAnswer(quotes=_trusted(QuoteAnswer, context)))


@ENDPOINTS.add(shared, "/attestations", AttestationsAnswer)
def attestations(_: "RunningNode", context: Context) -> "Response":
    """List the attestation evidence of trusted nodes."""
    trusted = _trusted(AttestationAnswer, context)
    return record_reply(AttestationsAnswer(attestations=trusted))


@ENDPOINTS.add(local, "/self_signed_certificate", SelfSignedAnswer, mode=Mode.COMMAND)
def self_signed_certificate(running: "RunningNode", _: Context) -> "Response":
    """Answer with this node's self-signed certificate."""
    pem = running.identity.self_signed.pem
    return record_reply(SelfSignedAnswer(self_signed_certificate=pem))


def _trusted(kind: type[Quote], context: Context) -> list[Quote]:
    return [
        _evidence(kind, node_id, info)
        for node_id, info in nodes.INFO.of(context.tx).items()
        if info.status is NodeStatus.TRUSTED
    ]


def _evidence(kind: type[Quote], node_id: NodeId, info: NodeInfo) -> Quote:
    quote = info.quote_info
    return kind(
        node_id=node_id,
        raw=quote.quote,
        endorsements=quote.endorsements,
        format=quote.format,
        measurement=info.code_digest,
        uvm_endorsements=quote.uvm_endorsements,
    )
