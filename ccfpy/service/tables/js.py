"""The JavaScript application: modules, endpoints and what its interpreters may use."""

from dataclasses import dataclass
from typing import NamedTuple

from ccfpy.base import limits
from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json
from ccfpy.kv.maps import RAW, STRING, Codec, Map, Value
from ccfpy.service.records import (
    FLAG,
    Form,
    codec_of,
    record,
)


class EndpointKey(NamedTuple):
    """An endpoint's verb and path template."""

    verb: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointProperties:
    """An endpoint as an application's metadata describes it.

    The words for mode, forwarding and redirection are those of ``app.json``; the
    package that serves the endpoint gives them meaning.
    """

    forwarding_required: str
    authn_policies: tuple[Json, ...]
    mode: str = "readwrite"
    redirection_strategy: str = "to_primary"
    openapi: Json = None
    openapi_hidden: bool = False
    js_module: str = ""
    js_function: str = ""
    interpreter_reuse: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JsRuntimeOptions:
    """The limits of a call into the application's JavaScript, and what it tells."""

    max_heap_bytes: int = limits.JS_HEAP_BYTES_MAX
    max_stack_bytes: int = limits.JS_STACK_BYTES_MAX
    max_execution_time_ms: int = limits.JS_EXECUTION_MS_MAX
    log_exception_details: bool = False
    return_exception_details: bool = False
    max_cached_interpreters: int = 10


def _one_of(*words: str) -> Form[str]:
    def read(value: Json) -> str:
        if not isinstance(value, str) or value not in words:
            raise Malformed(f"expected one of {', '.join(words)}, found {value!r}")
        return value

    return Form(lambda word: word, read)


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
INTERPRETER_FLUSH = Value("public:ccf.gov.interpreter.flush", codec_of(FLAG))
"""Written whenever reused interpreters must be dropped."""
ENDPOINTS = Map(
    "public:ccf.gov.endpoints",
    Codec(encode=_encode_key, decode=_decode_key),
    codec_of(
        record(
            EndpointProperties,
            forms={
                "forwarding_required": _one_of("sometimes", "always", "never"),
                "mode": _one_of("readwrite", "readonly", "historical"),
                "redirection_strategy": _one_of("none", "to_primary", "to_backup"),
            },
        )
    ),
)
RUNTIME_OPTIONS = Value(
    "public:ccf.gov.js_runtime_options",
    codec_of(record(JsRuntimeOptions)),
)
