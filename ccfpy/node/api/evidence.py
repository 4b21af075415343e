"""What nodes prove of themselves: quotes, certificates, versions."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint, Mode
from ccfpy.endpoints.replies import record_reply
from ccfpy.http.errors import not_found
from ccfpy.node.api.answers import (
    AttestationAnswer,
    AttestationsAnswer,
    QuoteAnswer,
    QuotesAnswer,
    SelfSignedAnswer,
)
from ccfpy.node.api.declare import local, shared
from ccfpy.service.tables import nodes
from ccfpy.service.tables.nodes import NodeInfo

if TYPE_CHECKING:
    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode

Quote = TypeVar("Quote", bound=QuoteAnswer)


class EvidenceEndpoints:
    """Reads of attestation evidence and of the node's own certificate."""

    def __init__(self, running: "RunningNode") -> None:
        self._running = running

    def endpoints(self) -> Iterator[Endpoint]:
        """Return the endpoints."""
        yield local("/quotes/self", self.own_evidence, QuoteAnswer)
        yield local("/attestations/self", self.own_evidence, AttestationAnswer)
        yield shared("/quotes", self.quotes, QuotesAnswer)
        yield shared("/attestations", self.attestations, AttestationsAnswer)
        yield local(
            "/self_signed_certificate",
            self.self_signed_certificate,
            SelfSignedAnswer,
            mode=Mode.COMMAND,
        )

    def own_evidence(self, context: Context) -> "Response":
        """Answer with this node's attestation evidence."""
        info = nodes.INFO.of(context.tx).get(self._running.node_id)
        if info is None:
            raise not_found("Could not find node quote.")
        return record_reply(_evidence(QuoteAnswer, self._running.node_id, info))

    def quotes(self, context: Context) -> "Response":
        """List the attestation evidence of trusted nodes."""
        return record_reply(QuotesAnswer(quotes=_trusted(QuoteAnswer, context)))

    def attestations(self, context: Context) -> "Response":
        """List the attestation evidence of trusted nodes."""
        trusted = _trusted(AttestationAnswer, context)
        return record_reply(AttestationsAnswer(attestations=trusted))

    def self_signed_certificate(self, _: Context) -> "Response":
        """Answer with this node's self-signed certificate."""
        pem = self._running.identity.self_signed.pem
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
