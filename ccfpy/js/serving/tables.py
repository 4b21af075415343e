"""Where an application's JavaScript lies: the names of its tables.

Governance installs an application in tables of its own, which CCF's constitutions
write. An application that lets its users bring endpoints has the same tables under a
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
        endpoints: what ``app.json`` says of each.
        modules: source by absolute path.
        bytecode: of the modules; written for those who read the ledger, never read.
        bytecode_version: the engine that made it.
        flush: written whenever interpreters that are kept between calls must go.
        options: limits, and what is told of exceptions.
    """

    endpoints: Map[EndpointKey, EndpointProperties]
    modules: Map[str, str]
    bytecode: Map[str, bytes]
    bytecode_version: Value[str]
    flush: Value[Any]
    options: Value[JsRuntimeOptions]

    @classmethod
    def under(cls, prefix: str) -> "ScriptTables":
        """Give the tables whose names begin with a prefix, such as ``public:mine``."""
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
