"""The JavaScript application: modules, endpoints and what its interpreters may use."""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, TypeAlias

from ccfpy.base import limits
from ccfpy.base.annotations import U64, DescribedAs, Inline, SchemaName, described
from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json
from ccfpy.kv.maps import RAW, STRING, Codec, Map, Value
from ccfpy.service.records import codec_of


class EndpointKey(NamedTuple):
    """An endpoint's verb and path template."""

    verb: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseKey:
    """The key under which endpoints share globals; described, but not read."""

    key: str


_ReusePolicy: TypeAlias = Annotated[
    ReuseKey, Inline(one_of=True), SchemaName("InterpreterReusePolicy")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointProperties:
    """An endpoint as an application's metadata describes it.

    The words for mode, forwarding and redirection are those of ``app.json``; the
    package that serves the endpoint gives them meaning.
    """

    forwarding_required: Annotated[
        Literal["sometimes", "always", "never"], SchemaName("ForwardingRequired")
    ]
    authn_policies: tuple[Json, ...]
    mode: Annotated[
        Literal["readwrite", "readonly", "historical"], SchemaName("Mode")
    ] = "readwrite"
    redirection_strategy: Annotated[
        Literal["none", "to_primary", "to_backup"], SchemaName("RedirectionStrategy")
    ] = "to_primary"
    openapi: Json = None
    openapi_hidden: bool = False
    js_module: str = ""
    js_function: str = ""
    interpreter_reuse: Annotated[Json, DescribedAs(_ReusePolicy)] = None


@described("JSRuntimeOptions")
class JsRuntimeOptions:
    """The limits of a call into the application's JavaScript, and what it tells."""

    max_heap_bytes: U64 = limits.JS_HEAP_BYTES_MAX
    max_stack_bytes: U64 = limits.JS_STACK_BYTES_MAX
    max_execution_time_ms: U64 = limits.JS_EXECUTION_MS_MAX
    log_exception_details: bool = False
    return_exception_details: bool = False
    max_cached_interpreters: U64 = 10


def _encode_key(key: EndpointKey) -> bytes:
    return f"{key.verb} {key.path}".encode()


def _decode_key(text: bytes) -> EndpointKey:
    verb, space, path = STRING.decode(text).partition(" ")
    if not space:
        raise Malformed(f"not a verb and a path: {text!r}")
    return EndpointKey(verb, path)


MODULES = Map("public:ccf.gov.modules", STRING, STRING)
"""Source by absolute path, such as ``/lib/a.js``."""
MODULES_BYTECODE = Map("public:ccf.gov.modules_quickjs_bytecode", STRING, RAW)
MODULES_VERSION = Value("public:ccf.gov.modules_quickjs_version", STRING)
"""The engine that made the bytecode."""
INTERPRETER_FLUSH = Value("public:ccf.gov.interpreter.flush", codec_of(bool))
"""Written whenever reused interpreters must be dropped."""
ENDPOINTS = Map(
    "public:ccf.gov.endpoints",
    Codec(encode=_encode_key, decode=_decode_key),
    codec_of(EndpointProperties),
)
RUNTIME_OPTIONS = Value("public:ccf.gov.js_runtime_options", codec_of(JsRuntimeOptions))
