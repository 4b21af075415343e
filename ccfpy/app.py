"""The public interface of ccfpy for authors of applications.

An application is an ``App`` and functions that it decorates. A function takes the
context, then its arguments by name: from the path, the query string, or the JSON body
as a dataclass. It works on maps through the context's transaction, returns its answer
or raises an ``ApiError``. It may run again if another transaction changed what it read,
so it must change nothing outside the transaction::

    app = App("notes")
    NOTES = Map("notes", json_codec(int), json_codec(str))

    @app.get("/notes/{note}")
    def read_note(ctx: Context, note: U64) -> str:
        \"\"\"Read a note.\"\"\"
        text = NOTES.of(ctx.tx).get(note)
        if text is None:
            raise ApiError(404, ErrorCode.ResourceNotFound, f"No note {note}.")
        return text

Everything an application may use is here; it imports nothing else of ccfpy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, Unpack

from ccfpy.attestation.report_data import app_report_data
from ccfpy.attestation.snp import verify_snp_report
from ccfpy.attestation.snp_report import SnpReport
from ccfpy.attestation.snp_report import policy_of as tcb_policy_of
from ccfpy.attestation.uvm import UvmEndorsement, verify_uvm_endorsements
from ccfpy.base.annotations import JSON_NAME, U64, IntegerRange, TextFormat, closed
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import MemberId, NodeId, Seqno, TxId, UserId, View
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.json import loads as parse_json
from ccfpy.base.limits import FORWARDED_BYTES_MAX, HTTP_BODY_BYTES_MAX
from ccfpy.base.ports import Attestation
from ccfpy.consensus.status import TxStatus
from ccfpy.crypto.aead import open_blob, seal_blob
from ccfpy.crypto.cbor import Tag as CborTag
from ccfpy.crypto.cbor import decode as decode_cbor
from ccfpy.crypto.cbor import encode as encode_cbor
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.cose import attach as attach_to_cose
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.crypto.hpke import HpkeKey
from ccfpy.crypto.sealed_exchange import OpenedRequest, key_binding
from ccfpy.endpoints.app_policies import custom_policy, policies_by_name
from ccfpy.endpoints.application import Job, JobContext, JobFunction, job_of
from ccfpy.endpoints.auth import (
    AllOf,
    AnyCertCaller,
    AppCaller,
    AuthPolicy,
    CallerOfAll,
    CustomAuth,
    Identity,
    JwtCaller,
    MemberCertCaller,
    MemberCoseSign1Caller,
    Nobody,
    RequestCredentials,
    TypedUserCoseSign1,
    Unauthenticated,
    UserCertCaller,
    UserCoseSign1,
    UserCoseSign1Caller,
)
from ccfpy.endpoints.common import add_common_endpoints
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import (
    CommitHandler,
    Endpoint,
    Forwarding,
    Mode,
    Redirection,
)
from ccfpy.endpoints.decorators import (
    Auth,
    Options,
    ProtocolOptions,
    StreamOptions,
    all_of,
    default_endpoint_of,
    endpoint_of,
    first_step_of,
    policies_of,
    protocol_endpoint_of,
    stream_endpoint_of,
)
from ccfpy.endpoints.dependencies import Provided
from ccfpy.endpoints.diagnostics import Misdeclared, misdeclared, place_of
from ccfpy.endpoints.history import (
    HistoricalState,
    History,
    HistoryFailed,
    RequestHandle,
)
from ccfpy.endpoints.history_endpoints import not_yet
from ccfpy.endpoints.identities import (
    member_certificate,
    member_data,
    node_info,
    node_quote,
    trusted_node_quotes,
    user_certificate,
    user_data,
)
from ccfpy.endpoints.index_strategies import (
    Blobs,
    BlobSeries,
    Index,
    Indexing,
    Strategy,
)
from ccfpy.endpoints.metrics import EndpointCounts
from ccfpy.endpoints.openapi import document
from ccfpy.endpoints.pending import Answer
from ccfpy.endpoints.registry import ANY_METHOD, ANY_PATH, Registry, unnamed
from ccfpy.endpoints.replies import bytes_reply, empty_reply, json_reply, text_reply
from ccfpy.endpoints.scripting import ScriptFailed, Scripting
from ccfpy.endpoints.streams import Stream
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.grpc import GrpcMessages, grpc_message
from ccfpy.http.messages import Request, Response
from ccfpy.http.resources import AcceptField, Matcher, parse_accept, preferred_kind
from ccfpy.js.serving import (
    GOVERNED,
    ActionFormat,
    ActionLog,
    CurrentRequest,
    Extension,
    ExtensionFunction,
    Permission,
    ScriptedRegistry,
    Scripts,
    ScriptTables,
    install_bundle,
    installed_bundle,
    installed_module,
    patch_runtime_options,
    runtime_options,
)
from ccfpy.kv.changes import Writes, WriteSet
from ccfpy.kv.maps import RAW, STRING, Codec, Map, Set, Value
from ccfpy.kv.ordered import ORDERED_I64, ORDERED_U64, ordered_tuple
from ccfpy.kv.tx import Tx
from ccfpy.ledger.tx_receipt import TxReceipt
from ccfpy.node.indexing import (
    Lazy,
    SeqnosByKey,
    SeqnosByKeyBucketed,
    VisitEachEntryInMap,
)
from ccfpy.service.records import codec_of

__all__ = [
    "GOVERNED",
    "JSON_NAME",
    "ORDERED_I64",
    "ORDERED_U64",
    "RAW",
    "STRING",
    "U64",
    "AcceptField",
    "ActionFormat",
    "ActionLog",
    "AllOf",
    "Answer",
    "AnyCertCaller",
    "ApiError",
    "App",
    "AppCaller",
    "Attestation",
    "Auth",
    "AuthPolicy",
    "BlobSeries",
    "Blobs",
    "CallerOfAll",
    "CborTag",
    "Certificate",
    "Codec",
    "CommitHandler",
    "Context",
    "CurrentRequest",
    "CustomAuth",
    "EndpointCounts",
    "ErrorCode",
    "Extension",
    "ExtensionFunction",
    "Forwarding",
    "GrpcMessages",
    "HistoricalState",
    "History",
    "HistoryFailed",
    "HpkeKey",
    "Identity",
    "Index",
    "Indexing",
    "IntegerRange",
    "JobContext",
    "Json",
    "JsonObject",
    "JwtCaller",
    "Lazy",
    "Malformed",
    "Map",
    "Matcher",
    "MemberCertCaller",
    "MemberCoseSign1Caller",
    "MemberId",
    "Misdeclared",
    "Mode",
    "Nobody",
    "NodeId",
    "OpenedRequest",
    "Options",
    "Permission",
    "ProtocolOptions",
    "Provided",
    "Redirection",
    "Request",
    "RequestCredentials",
    "RequestHandle",
    "Response",
    "ScriptFailed",
    "ScriptTables",
    "Scripting",
    "Scripts",
    "Seqno",
    "SeqnosByKey",
    "SeqnosByKeyBucketed",
    "Set",
    "SnpReport",
    "Strategy",
    "Stream",
    "StreamOptions",
    "TextFormat",
    "Tx",
    "TxId",
    "TxReceipt",
    "TxStatus",
    "TypedUserCoseSign1",
    "Unauthenticated",
    "UserCertCaller",
    "UserCoseSign1",
    "UserCoseSign1Caller",
    "UserId",
    "UvmEndorsement",
    "Value",
    "VerificationFailed",
    "View",
    "VisitEachEntryInMap",
    "WriteSet",
    "Writes",
    "all_of",
    "app_report_data",
    "attach_to_cose",
    "bytes_reply",
    "closed",
    "custom_policy",
    "decode_cbor",
    "empty_reply",
    "encode_cbor",
    "grpc_message",
    "install_bundle",
    "installed_bundle",
    "installed_module",
    "json_codec",
    "json_reply",
    "key_binding",
    "member_certificate",
    "member_data",
    "node_info",
    "node_quote",
    "not_yet",
    "open_blob",
    "ordered_tuple",
    "parse_accept",
    "parse_json",
    "patch_runtime_options",
    "preferred_kind",
    "runtime_options",
    "seal_blob",
    "sha256",
    "sha256_hex",
    "tcb_policy_of",
    "text_reply",
    "trusted_node_quotes",
    "user_certificate",
    "user_data",
    "verify_snp_report",
    "verify_uvm_endorsements",
]

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])
Kind = TypeVar("Kind", bound=Strategy)
Doing = TypeVar("Doing", bound=JobFunction)
Streaming = TypeVar("Streaming", bound=type[Stream])

PREFIX = "app"


def json_codec(kind: type[T]) -> Codec[T]:
    """Keep values of a type as JSON, the form that CCF's C++ applications have.

    The type may be a dataclass; its form must not change while a ledger holds it. JSON
    has not the order of what it says: a map with such keys has no ``range``.

    Raises:
        TypeError: JSON has no form for it.
    """
    return codec_of(kind)


class App:
    """An application: its endpoints, and what it says of itself."""

    def __init__(  # noqa: PLR0913  # what an author may say
        self,
        name: str,
        *,
        title: str | None = None,
        version: str = "0.0.1",
        description: str = "",
        auth: Sequence[Auth] = (),
        policies: Sequence[AuthPolicy] = (),
        has_common_endpoints: bool = True,
        metrics: bool = True,
        counts_endpoints: bool = False,
        body_bytes_max: int = HTTP_BODY_BYTES_MAX,
    ) -> None:
        """Begin an application.

        Args:
            name: what nodes report; the title too, unless one is given.
            title: its title in OpenAPI, with ``version`` and ``description``.
            version: of its interface.
            description: what it is for.
            auth: who may call an endpoint that does not say; nobody is asked if empty.
            policies: policies of the application's own, which endpoints, scripts too,
                may name as they name the service's.
            has_common_endpoints: adds ``/commit``, ``/tx``, ``/api`` and ``/receipt``.
            metrics: the node's metrics say what its callers do. Without it they say
                only how consensus goes on and when certificates end.
            counts_endpoints: each node counts the calls of each endpoint, for the
                application alone: see ``ctx.node.endpoint_counts``.
            body_bytes_max: how long a request's body may be, 1 MiB if not said. An
                interface's ``http_configuration.max_body_size`` decides instead, where
                an operator sets it.

        Raises:
            ValueError: no body may be so long: a longer one could not be forwarded.
        """
        self.name = name
        self.title = title or name
        self.version = version
        self.description = description
        self._policies = policies_by_name(policies)
        self._auth = policies_of(auth, self._policies)
        self._has_common_endpoints = has_common_endpoints
        self._has_metrics = metrics
        self._counts_endpoints = counts_endpoints
        if not 0 < body_bytes_max <= FORWARDED_BYTES_MAX:
            raise ValueError(
                f"body_bytes_max is {body_bytes_max}: it may be 1 to "
                f"{FORWARDED_BYTES_MAX}, what one node forwards to another"
            )
        self.body_bytes_max = body_bytes_max
        self._scripts: Scripts | None = None
        self._creation_claims: Callable[[str], bytes] | None = None
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._default: Endpoint | None = None
        self._declared: dict[tuple[str, str], str] = {}
        self._indexes: list[Index[Any]] = []
        self._jobs: list[Job] = []
        self._protocols: dict[str, Endpoint] = {}

    def endpoint(
        self, method: str, path: str, **options: Unpack[Options]
    ) -> Callable[[Function], Function]:
        """Declare that the decorated function answers a verb on a path.

        Args:
            method: the verb, upper case.
            path: begins with ``/`` and may have ``{name}`` parts.
            options: see ``Options``.

        Raises:
            Misdeclared: something is wrong with the declaration; the text has the
                place and the remedy. The decorator raises it.
        """

        def declare(function: Function) -> Function:
            endpoint = endpoint_of(
                function, method, path, options, self._auth, self._policies
            )
            self._check_is_first(function, method, path)
            self._endpoints[method, path] = endpoint
            return function

        return declare

    def _check_is_first(self, function: Function, method: str, path: str) -> None:
        """Check that no other function answers a verb on the same paths."""
        paths = unnamed(path)
        earlier = self._declared.get((method, paths))
        if earlier is not None:
            raise misdeclared(
                function,
                f"answers {method} {path}, which {earlier} answers already: change "
                "the verb or the path of one of them",
            )
        self._declared[method, paths] = f"{function.__name__} at {place_of(function)}"

    def get(
        self, path: str, **options: Unpack[Options]
    ) -> Callable[[Function], Function]:
        """Declare a ``GET`` endpoint."""
        return self.endpoint("GET", path, **options)

    def head(
        self, path: str, **options: Unpack[Options]
    ) -> Callable[[Function], Function]:
        """Declare a ``HEAD`` endpoint; ``get`` declares none, as in CCF."""
        return self.endpoint("HEAD", path, **options)

    def post(
        self, path: str, **options: Unpack[Options]
    ) -> Callable[[Function], Function]:
        """Declare a ``POST`` endpoint."""
        return self.endpoint("POST", path, **options)

    def put(
        self, path: str, **options: Unpack[Options]
    ) -> Callable[[Function], Function]:
        """Declare a ``PUT`` endpoint."""
        return self.endpoint("PUT", path, **options)

    def patch(
        self, path: str, **options: Unpack[Options]
    ) -> Callable[[Function], Function]:
        """Declare a ``PATCH`` endpoint."""
        return self.endpoint("PATCH", path, **options)

    def delete(
        self, path: str, **options: Unpack[Options]
    ) -> Callable[[Function], Function]:
        """Declare a ``DELETE`` endpoint."""
        return self.endpoint("DELETE", path, **options)

    def default_endpoint(
        self, **options: Unpack[Options]
    ) -> Callable[[Function], Function]:
        """Declare that the decorated function answers what no endpoint answers.

        It is asked for every path under ``/app`` and every verb that no endpoint has,
        before a caller is answered 404 or 405. A parameter ``path: str`` of the
        function is the path without ``/app``, percent-decoded; the verb is
        ``ctx.request.method``. No OpenAPI document describes the function.

        Args:
            options: see ``Options``; read-write if no mode is given.

        Raises:
            Misdeclared: something is wrong with the declaration. The decorator raises
                it.
        """

        def declare(function: Function) -> Function:
            endpoint = default_endpoint_of(
                function, options, self._auth, self._policies
            )
            self._check_is_first(function, ANY_METHOD, ANY_PATH)
            self._default = endpoint
            return function

        return declare

    def stream(
        self, path: str, **options: Unpack[StreamOptions]
    ) -> Callable[[Streaming], Streaming]:
        """Declare that requests to a path are answered by streams of a class.

        Args:
            path: begins with ``/`` and may have ``{name}`` parts.
            options: see ``StreamOptions``.

        Raises:
            Misdeclared: something is wrong with the declaration; the text has the
                place and the remedy. The decorator raises it.
        """

        def declare(kind: Streaming) -> Streaming:
            endpoint = stream_endpoint_of(
                kind, path, options, self._auth, self._policies
            )
            self._check_is_first(first_step_of(kind), endpoint.method, path)
            self._endpoints[endpoint.method, path] = endpoint
            return kind

        return declare

    def protocol(
        self, name: str, **options: Unpack[ProtocolOptions]
    ) -> Callable[[Streaming], Streaming]:
        """Declare that each session of a protocol is a stream of a class.

        A node's configuration names the protocol: ``app_protocol`` of an interface,
        whose clients speak TLS and nothing of HTTP in it.

        Args:
            name: of the protocol.
            options: see ``ProtocolOptions``.

        Raises:
            Misdeclared: something is wrong with the declaration. The decorator raises
                it.
        """

        def declare(kind: Streaming) -> Streaming:
            endpoint = protocol_endpoint_of(
                kind, name, options, self._auth, self._policies
            )
            self._check_is_first(first_step_of(kind), endpoint.method, endpoint.path)
            self._protocols[name] = endpoint
            return kind

        return declare

    def protocols(self) -> Mapping[str, Endpoint]:
        """Return what sessions are executed as, by the names of their protocols."""
        return dict(self._protocols)

    def serve_scripts(self, scripts: Scripts) -> None:
        """Serve endpoints in JavaScript too, as the named tables hold them.

        They are looked at before the application's own, and with every request anew.
        """
        self._scripts = scripts

    def registry(self) -> Registry:
        """Return the endpoints in a registry of the caller's own."""
        registry = self._empty_registry()
        if self._has_common_endpoints:
            add_common_endpoints(registry)
        for endpoint in self._endpoints.values():
            registry.add(endpoint)
        registry.default = self._default
        if self._counts_endpoints:
            _count_endpoints(registry)
        return registry

    def _empty_registry(self) -> Registry:
        if self._scripts is None:
            return Registry(
                PREFIX,
                title=self.title,
                description=self.description,
                version=self.version,
                has_metrics=self._has_metrics,
            )
        return ScriptedRegistry(
            PREFIX,
            title=self.title,
            description=self.description,
            version=self.version,
            has_metrics=self._has_metrics,
            scripts=replace(
                self._scripts,
                policies=self._policies,
                counts_endpoints=self._counts_endpoints,
            ),
        )

    def openapi(self) -> JsonObject:
        """Describe the application's endpoints as an OpenAPI document."""
        return document(self.registry())

    def index(self, make: Callable[[Blobs], Kind]) -> Index[Kind]:
        """Declare an index; the decorated function makes a node's strategy for it.

        Each node that starts calls it once, and tells the strategy of every committed
        transaction from the first on. Handlers find it by what the name stands for
        afterwards, an ``Index``.
        """
        index = Index(make)
        self._indexes.append(index)
        return index

    def indexes(self) -> Sequence[Index[Any]]:
        """Return the declared indexes."""
        return tuple(self._indexes)

    def on_start(self, function: Doing) -> Doing:
        """Declare that each node calls the decorated function once.

        A node calls it when the node begins to serve the application: the service is
        open, and all tables can be read. The function only reads. The node answers
        requests meanwhile if the function is slow.

        Raises:
            Misdeclared: something is wrong with the declaration.
        """
        others = len(self._jobs)
        self._jobs.append(
            job_of(function, interval_ms=None, on_each_node=True, others=others)
        )
        return function

    def every(
        self,
        interval_ms: int,
        *,
        on_each_node: bool = False,
        execution_ms_max: int | None = None,
    ) -> Callable[[Doing], Doing]:
        """Declare that the primary calls the decorated function again and again.

        Each call is a transaction within the limits of a handler. If the function
        fails, its writes are dropped, the log says so, and its next call comes in time.

        Args:
            interval_ms: from the end of one call to the next, a second at least.
            on_each_node: each node calls the function, which then only reads.
            execution_ms_max: how long a call may take, if not as long as any of the
                service's.

        Raises:
            Misdeclared: something is wrong with the declaration. The decorator raises
                it.
        """

        def declare(function: Doing) -> Doing:
            job = job_of(
                function,
                interval_ms=interval_ms,
                on_each_node=on_each_node,
                execution_ms_max=execution_ms_max,
                others=len(self._jobs),
            )
            self._jobs.append(job)
            return function

        return declare

    def jobs(self) -> Sequence[Job]:
        """Return what nodes do by themselves."""
        return tuple(self._jobs)

    def creation_claims(
        self, function: Callable[[str], bytes]
    ) -> Callable[[str], bytes]:
        """Bind what the decorated function gives into the first transaction's receipt.

        It is called with the constitution's text and gives 32 bytes.
        """
        self._creation_claims = function
        return function

    def create_claims(self, constitution: str) -> bytes | None:
        """Return what to bind into the receipt of the service's first transaction."""
        claim = self._creation_claims
        return None if claim is None else claim(constitution)


def _count_endpoints(registry: Registry) -> None:
    """Make all endpoints of a registry be counted for their application."""
    for endpoint in list(registry):
        registry.add(_counted(endpoint))
    if registry.default is not None:
        registry.default = _counted(registry.default)


def _counted(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, is_counted=True, hides_counts=not endpoint.is_counted)
