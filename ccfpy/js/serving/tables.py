"""The tables in which an application's JavaScript is stored.

Governance installs an application in tables of its own, which CCF's constitutions
write. An application whose users may install endpoints has the same tables under a
prefix of its choice (``include/ccf/js/registry.h``).
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from ccfpy.kv.maps import Map, Value
from ccfpy.service.tables import js
from ccfpy.service.tables.js import (
    EndpointKey,
    EndpointProperties,
    JsRuntimeOptions,
)

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptTables:
    """The tables of one application's JavaScript.

    Attributes:
        endpoints: what ``app.json`` says of each endpoint.
        modules: source by absolute path.
        bytecode: bytecode of the modules, for readers of the ledger; the node never
            reads it.
        bytecode_version: the version of the engine that made the bytecode.
        flush: written whenever reused interpreters must be dropped.
        options: limits, and how much is told of exceptions.
    """

    endpoints: Map[EndpointKey, EndpointProperties]
    modules: Map[str, str]
    bytecode: Map[str, bytes]
    bytecode_version: Value[str]
    flush: Value[Any]
    options: Value[JsRuntimeOptions]

    @classmethod
    def under(cls, prefix: str) -> "ScriptTables":
        """Return the tables whose names start with a prefix (``public:mine``)."""
        of = GOVERNED
        return cls(
            endpoints=_map(f"{prefix}.metadata", of.endpoints),
            modules=_map(f"{prefix}.modules", of.modules),
            bytecode=_map(f"{prefix}.modules_quickjs_bytecode", of.bytecode),
            bytecode_version=Value(
                f"{prefix}.modules_quickjs_version", of.bytecode_version.codec
            ),
            flush=Value(f"{prefix}.interpreter_flush", of.flush.codec),
            options=Value(f"{prefix}.runtime_options", of.options.codec),
        )


def _map(name: str, like: Map[K, V]) -> Map[K, V]:
    return Map(name, like.key_codec, like.value_codec)


GOVERNED = ScriptTables(
    endpoints=js.ENDPOINTS,
    modules=js.MODULES,
    bytecode=js.MODULES_BYTECODE,
    bytecode_version=js.MODULES_VERSION,
    flush=js.INTERPRETER_FLUSH,
    options=js.RUNTIME_OPTIONS,
)
"""The tables that governance's ``set_js_app`` writes."""
