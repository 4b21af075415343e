"""Endpoints about this node: its state, evidence, metrics, indexes and API page.

``GET /node/api/page`` is an extension: the service's API as a page for people. A node
serves it if ``api_page`` is configured. The enclave writes the page, because a page
from the host could name other paths, callers and servers. The page is written once for
each version of the app and each interface, and cached.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.endpoints.api_page.document import ApiDocument
from ccfpy.endpoints.api_page.example import CurlCaller
from ccfpy.endpoints.api_page.page import POLICY, page
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.openapi import document
from ccfpy.endpoints.replies import bytes_reply, empty_reply, json_reply, record_reply
from ccfpy.gov.api import OPERATIONS
from ccfpy.gov.operations import ApiVersion
from ccfpy.gov.swagger import document as swagger
from ccfpy.http.errors import ApiError, ErrorCode, not_found
from ccfpy.http.resources import Matcher
from ccfpy.js.quickjs import VERSION
from ccfpy.node.api.answers import (
    AttestationAnswer,
    AttestationsAnswer,
    JavaScriptMetricsAnswer,
    JwtRefreshAnswer,
    MemoryAnswer,
    MetricsAnswer,
    QuoteAnswer,
    QuotesAnswer,
    SelfSignedAnswer,
    StateAnswer,
    VersionAnswer,
)
from ccfpy.node.api.declare import NodeEndpoints, local, shared
from ccfpy.node.lifecycle import IN_NETWORK, NodeState
from ccfpy.service.tables import js, nodes
from ccfpy.service.tables.nodes import NodeInfo
from ccfpy.service.tables.service import SIGNATURES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode


HEALTH = NodeEndpoints()


@HEALTH.add(local, "/state", StateAnswer)
def state(running: "RunningNode", context: Context) -> "Response":
    """Answer with the state of this node."""
    signature = SIGNATURES.of(context.tx).get()
    recovery = running.recovery
    progress = None if recovery is None else recovery.progress
    target, recovered = progress or (None, None)
    return record_reply(
        StateAnswer(
            node_id=running.node_id,
            state=running.state,
            last_signed_seqno=signature.txid.seqno if signature else 0,
            startup_seqno=running.startup_seqno,
            recovery_target_seqno=target,
            last_recovered_seqno=recovered,
            stop_notice=running.has_stop_notice,
        )
    )


@HEALTH.add(local, "/ready/app", status=204)
def ready_app(running: "RunningNode", _: Context) -> "Response":
    """Answer 204 while users' requests are welcome, else 503."""
    is_ready = (
        running.state is NodeState.PART_OF_NETWORK and running.frontends["app"].is_open
    )
    return _readiness(running, "users", is_ready=is_ready)


@HEALTH.add(local, "/ready/gov", status=204)
def ready_gov(running: "RunningNode", _: Context) -> "Response":
    """Answer 204 while members' requests are welcome, else 503."""
    is_ready = running.state in IN_NETWORK and running.frontends["gov"].is_open
    return _readiness(running, "members", is_ready=is_ready)


def _readiness(running: "RunningNode", callers: str, *, is_ready: bool) -> "Response":
    if not is_ready or running.has_stop_notice:
        raise ApiError(
            503,
            ErrorCode.NodeCannotHandleRequest,
            f"Node does not take the requests of {callers} now.",
        )
    return empty_reply()


@HEALTH.add(shared, "/jwt_keys/refresh/metrics", JwtRefreshAnswer)
def jwt_refresh(running: "RunningNode", _: Context) -> "Response":
    """Count how often this node fetched the keys of token issuers."""
    return json_reply(asdict(running.jwt_refresh.counts))


Quote = TypeVar("Quote", bound=QuoteAnswer)


EVIDENCE = NodeEndpoints()


@EVIDENCE.add(local, "/quotes/self", QuoteAnswer)
@EVIDENCE.add(local, "/attestations/self", AttestationAnswer)
def own_evidence(running: "RunningNode", context: Context) -> "Response":
    """Answer with this node's attestation evidence."""
    info = nodes.INFO.of(context.tx).get(running.node_id)
    if info is None:
        raise not_found("Could not find node quote.")
    return record_reply(_evidence(QuoteAnswer, running.node_id, info))


@EVIDENCE.add(shared, "/quotes", QuotesAnswer)
def quotes(_: "RunningNode", context: Context) -> "Response":
    """List the attestation evidence of trusted nodes."""
    return record_reply(QuotesAnswer(quotes=_trusted(QuoteAnswer, context)))


@EVIDENCE.add(shared, "/attestations", AttestationsAnswer)
def attestations(_: "RunningNode", context: Context) -> "Response":
    """List the attestation evidence of trusted nodes."""
    trusted = _trusted(AttestationAnswer, context)
    return record_reply(AttestationsAnswer(attestations=trusted))


@EVIDENCE.add(local, "/self_signed_certificate", SelfSignedAnswer, mode=Mode.COMMAND)
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


CCF_VERSION = "ccf-7.0.0-dev5"
"""The release of CCF whose formats and protocols this version keeps."""


METRICS = NodeEndpoints()


@METRICS.add(local, "/metrics", MetricsAnswer, mode=Mode.COMMAND)
def metrics(running: "RunningNode", _: Context) -> "Response":
    """Count sessions and unreadable requests, by interface."""
    sessions = running.session_counts
    interfaces = {
        name: {
            "active": interface.active,
            "peak": interface.peak,
            "soft_cap": interface.configuration.sessions_soft_max,
            "hard_cap": interface.configuration.sessions_hard_max,
            "errors": interface.errors,
        }
        for name, interface in sessions.interfaces.items()
    }
    return json_reply(
        {
            "sessions": {
                "active": sessions.active,
                "peak": sessions.peak,
                "interfaces": interfaces,
            }
        }
    )


@METRICS.add(local, "/memory", MemoryAnswer, mode=Mode.COMMAND)
def memory(running: "RunningNode", _: Context) -> "Response":
    """Answer with the memory that the enclave uses, and the most it may use."""
    usage = running.parts.memory.usage()
    return json_reply(
        {
            "max_total_heap_size": usage.bytes_max,
            "current_allocated_heap_size": usage.current_bytes,
            "peak_allocated_heap_size": usage.peak_bytes,
        }
    )


@METRICS.add(shared, "/js_metrics", JavaScriptMetricsAnswer)
def js_metrics(_: "RunningNode", context: Context) -> "Response":
    """Return the limits of JavaScript, and the size of the compiled app.

    ``bytecode_used`` says whether the bytecode in the tables is of this engine's
    version, which is what CCF's clients compare. This node compiles every script
    from its source nevertheless, and never reads bytecode from a table (ADR 4).
    """
    tx = context.tx
    bytecode = sum(len(code) for _, code in js.MODULES_BYTECODE.of(tx).items())
    options = js.RUNTIME_OPTIONS.of(tx).get() or js.JsRuntimeOptions()
    return json_reply(
        {
            "bytecode_size": bytecode,
            "bytecode_used": js.MODULES_VERSION.of(tx).get() == VERSION,
            "max_heap_size": options.max_heap_bytes,
            "max_stack_size": options.max_stack_bytes,
            "max_execution_time": options.max_execution_time_ms,
            "max_cached_interpreters": options.max_cached_interpreters,
        }
    )


@METRICS.add(local, "/version", VersionAnswer, mode=Mode.COMMAND)
def version(_: "RunningNode", __: Context) -> "Response":
    """Answer with the version of CCF that this node is compatible with."""
    return json_reply(
        {
            "ccf_version": CCF_VERSION,
            "quickjs_version": VERSION,
            "unsafe": False,
        }
    )


INDEXING = NodeEndpoints()


@INDEXING.add(local, "/index/strategies", Any)
def strategies(running: "RunningNode", _: Context) -> "Response":
    """List the indexes that this node keeps of the ledger, and how far each is."""
    return json_reply(running.indexing.describe())


PATH: Final = "/api/page"
FOLDER: Final = "KEYS"
"""Stands for the caller's own folder of certificates and keys in lines for ``curl``."""
_CONTENT_TYPE: Final = "text/html; charset=utf-8"
_HEADERS: Final = {
    "content-security-policy": f"{POLICY}; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",  # keep the page, but ask whether it is still current
}


class _Kept(NamedTuple):
    """The page of one interface, and the app's endpoints that it describes."""

    endpoints: tuple[Endpoint, ...]
    body: bytes
    tag: str


class ApiPage:
    """Answers with the page, which it keeps until the app changes."""

    def __init__(self, running: "RunningNode") -> None:
        self._running = running
        self._addresses = {
            each.name: each.published_address
            for each in running.configuration.rpc_interfaces
        }
        self._kept: dict[str, _Kept] = {}

    def answer(self, context: Context) -> "Response":
        """Answer with the page, or with nothing to a caller who has it.

        Raises:
            Malformed: the caller's ``If-None-Match`` is none.
        """
        kept = self._page(context.session.interface.name)
        headers = {**_HEADERS, "etag": f'"{kept.tag}"'}
        held = context.request.headers.get("if-none-match")
        if held is not None and Matcher.parse(held).matches(kept.tag):
            return empty_reply(304, headers)
        if context.request.method == "HEAD":
            headers["content-type"] = _CONTENT_TYPE
            headers["content-length"] = str(len(kept.body))
            return empty_reply(200, headers)
        reply = bytes_reply(kept.body, content_type=_CONTENT_TYPE)
        reply.headers |= headers
        return reply

    def _page(self, interface: str) -> _Kept:
        app = self._running.frontends["app"].registry
        endpoints = tuple(app.described())
        kept = self._kept.get(interface)
        # As long as the app is the same, so are these objects: comparing them is short.
        if kept is None or kept.endpoints != endpoints:
            documents = (
                document(app),
                swagger(ApiVersion.V1, OPERATIONS),
                document(self._running.frontends["node"].registry),
            )
            url = f"https://{self._addresses[interface]}"
            caller = CurlCaller(url=url, folder=FOLDER)
            body = page([ApiDocument(each) for each in documents], caller).encode()
            kept = self._kept[interface] = _Kept(endpoints, body, sha256_hex(body))
        return kept


def page_endpoints(running: "RunningNode") -> "Iterator[Endpoint]":
    """Declare the page, for browsers and for callers who ask for its head alone."""
    answer = ApiPage(running).answer
    for method in ("GET", "HEAD"):
        yield Endpoint(
            method=method,
            path=PATH,
            handler=answer,
            mode=Mode.READ_ONLY,
            forwarding=Forwarding.NEVER,
            redirection=Redirection.NONE,
            operation=Operation(
                summary="The service's OpenAPI documents as a page for people",
                response_schema={"type": "string"},
                response_content_type="text/html",
                also={304: None},
                hidden=method == "HEAD",
            ),
        )
