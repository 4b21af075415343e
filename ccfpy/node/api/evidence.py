"""What nodes prove of themselves: quotes, certificates, versions."""

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint, Mode
from ccfpy.endpoints.replies import json_reply
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
    from ccfpy.base.json import Json
    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode


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
        return json_reply(_evidence(self._running.node_id, info))

    def quotes(self, context: Context) -> "Response":
        """List the attestation evidence of trusted nodes."""
        return json_reply({"quotes": _trusted(context)})

    def attestations(self, context: Context) -> "Response":
        """List the attestation evidence of trusted nodes."""
        return json_reply({"attestations": _trusted(context)})

    def self_signed_certificate(self, _: Context) -> "Response":
        """Answer with this node's self-signed certificate."""
        pem = self._running.identity.self_signed.pem
        return json_reply({"self_signed_certificate": pem})


def _trusted(context: Context) -> "list[Json]":
    return [
        _evidence(node_id, info)
        for node_id, info in nodes.INFO.of(context.tx).items()
        if info.status is NodeStatus.TRUSTED
    ]


def _evidence(node_id: NodeId, info: NodeInfo) -> "Json":
    quote = info.quote_info
    described: dict[str, Json] = {
        "node_id": node_id,
        "raw": base64.b64encode(quote.quote).decode(),
        "endorsements": base64.b64encode(quote.endorsements).decode(),
        "format": quote.format,
    }
    if info.code_digest is not None:
        described["measurement"] = info.code_digest
    if quote.uvm_endorsements is not None:
        described["uvm_endorsements"] = base64.b64encode(
            quote.uvm_endorsements
        ).decode()
    return described
