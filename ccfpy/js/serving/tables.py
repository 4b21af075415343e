"""The tables in which an application's JavaScript is stored.

Governance installs an application in tables of its own, which CCF's constitutions
write. An application whose users may install endpoints has the same tables under a
prefix of its choice (``include/ccf/js/registry.h``).

What users did to an application, for anybody to check later.

A request that changes the application is written beside the change, with its signature
if the author signed it. Anybody who saw a signed request could send it again, so recent
requests are remembered (``src/js/registry.cpp``, ``include/ccf/js/audit_format.h``).

Bundles that users of an application install, as governance does by ``set_js_app``.

A bundle is ``{"metadata": {"endpoints": {path: {verb: properties}}}, "modules":
[{"name", "module"}]}`` (``include/ccf/js/bundle.h``). The application decides who may
install one.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeGuard, TypeVar

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.limits import RECENT_ACTIONS
from ccfpy.crypto.cose import forms
from ccfpy.crypto.hashing import sha256
from ccfpy.endpoints.auth.cose import UserCoseSign1Caller
from ccfpy.endpoints.context import Context
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.js.engine import JsModuleFailed
from ccfpy.js.quickjs import VERSION, compile_module
from ccfpy.kv.maps import UNIT, Map, Set, Value
from ccfpy.kv.tx import Tx
from ccfpy.service.recent import RecentRequests, key_of, moment
from ccfpy.service.records import JSON, codec_of, form_of
from ccfpy.service.tables import js
from ccfpy.service.tables.js import EndpointKey, EndpointProperties, JsRuntimeOptions

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


class ActionFormat(StrEnum):
    """How a request was sent."""

    COSE = "COSE"
    """Signed: the request proves its author to anybody."""
    JSON = "JSON"
    """Unsigned: only the service vouches for the author."""


@dataclass(frozen=True, slots=True)
class ActionLog:
    """The tables of one application's audit, whose names begin with ``prefix``."""

    prefix: str

    def record(
        self, tx: Tx, form: ActionFormat, *, user_id: str, action: str, body: bytes
    ) -> None:
        """Write a request beside what it changes.

        Args:
            tx: the request's transaction.
            form: how the request was sent.
            user_id: the user who sent the request.
            action: what the request asks for, such as ``PUT /app/custom_endpoints``.
            body: the request's body as received.
        """
        info: JsonObject = {
            "format": form.value,
            "user_id": user_id,
            "action_name": action,
        }
        Value(f"{self.prefix}.audit.input", codec_of(bytes)).of(tx).put(body)
        Value(f"{self.prefix}.audit.info", JSON).of(tx).put(info)

    def refuse_replay(self, context: Context, signed: UserCoseSign1Caller) -> None:
        """Remember a signed request, or refuse a request that was applied already.

        A request is remembered by its signed content and its signer. Anybody can change
        its bytes so that it still verifies, and a second signature of the same content
        asks for nothing new. Each user has a window of their own, which nobody else can
        move.

        Args:
            context: the request.
            signed: the signer, as the policy found.

        Raises:
            ApiError: the request was applied already, has no time, is ahead of the
                node's clock, or is older than half of the remembered requests.
        """
        created_at = signed.created_at
        if created_at is None:
            raise _refusal("Action has no created_at timestamp")
        if created_at > context.node.created_at_latest_s:
            raise _refusal("Action created_at timestamp is ahead of the node's clock")
        tx, user_id = context.tx, signed.user_id
        recent = Set(f"{self.prefix}.recent_actions", codec_of(str)).of(tx)
        authors = Map(
            f"{self.prefix}.recent_actions_by", codec_of(str), codec_of(str)
        ).of(tx)
        known, authored = frozenset(recent.keys()), dict(authors.items())
        key = key_of(created_at, signed.envelope.signed_digest)
        # Earlier versions remembered the request's bytes.
        body = context.request.body
        former = (key_of(created_at, sha256(each)) for each in (body, *forms(body)))
        if key in known or not known.isdisjoint(former):
            raise _refusal("Action was already applied")
        window = RecentRequests.of(
            (each for each, author in authored.items() if author == user_id),
            former=(each for each in known if each not in authored),
            latest_s=context.node.created_at_latest_s,
        )
        oldest, time = window.oldest_allowed, moment(created_at)
        # If all keys of an earlier version are ahead of the clock, what was forgotten
        # is unknown. Unsigned requests are still accepted.
        is_unknown = window.is_displaced and not window.former
        if is_unknown or (oldest is not None and time < oldest):
            raise _refusal("Action created_at timestamp is too old")
        if window.is_full_at(time):
            raise _refusal("Action created_at timestamp is too old")
        recent.insert(key)
        authors.put(key, user_id)
        for old in window.surplus(key, RECENT_ACTIONS):
            recent.remove(old)
            authors.remove(old)


def _refusal(message: str) -> ApiError:
    return ApiError(500, ErrorCode.InvalidInput, message)


@dataclass(frozen=True, slots=True)
class _Module:
    name: str
    module: str


@dataclass(frozen=True, slots=True)
class _Metadata:
    endpoints: dict[str, dict[str, EndpointProperties]]


@dataclass(frozen=True, slots=True)
class _Bundle:
    metadata: _Metadata
    modules: list[_Module]


_BUNDLE = form_of(_Bundle)


def install_bundle(tables: ScriptTables, tx: Tx, bundle: Json) -> None:
    """Replace the installed bundle.

    Raises:
        Malformed: ``bundle`` is no bundle, or a module does not compile.
    """
    read = _BUNDLE.read(bundle)
    endpoints = tables.endpoints.of(tx)
    endpoints.clear()
    for path, methods in read.metadata.endpoints.items():
        for method, properties in methods.items():
            endpoints.put(EndpointKey(method.upper(), path), properties)
    stored, bytecode = tables.modules.of(tx), tables.bytecode.of(tx)
    stored.clear()
    bytecode.clear()
    for name, source in {_absolute(m.name): m.module for m in read.modules}.items():
        stored.put(name, source)
        try:
            bytecode.put(name, compile_module(name, source))
        except JsModuleFailed as error:
            raise Malformed(str(error)) from error
    tables.bytecode_version.of(tx).put(VERSION)
    tables.flush.of(tx).put(True)


def installed_bundle(tables: ScriptTables, tx: Tx) -> JsonObject:
    """Return the installed bundle, with names and verbs as they are stored."""
    endpoints: dict[str, Json] = {}
    decode_key = tables.endpoints.key_codec.decode
    for key, properties in tables.endpoints.of(tx).raw.items():
        verb, path = decode_key(key)
        methods = endpoints.setdefault(path, {})
        assert isinstance(methods, dict), "made above"
        methods[verb] = json.loads(properties)
    modules: list[Json] = [
        {"name": name, "module": source}
        for name, source in tables.modules.of(tx).items()
    ]
    return {"metadata": {"endpoints": endpoints}, "modules": modules}


def installed_module(tables: ScriptTables, tx: Tx, name: str) -> str | None:
    """Return a module's source; a relative name starts at the root."""
    return tables.modules.of(tx).get(_absolute(name))


def runtime_options(tables: ScriptTables, tx: Tx) -> JsonObject:
    """Return every option, with the value in force.

    Raises:
        Malformed: the stored options cannot be read.
    """
    options = tables.options.of(tx).get() or JsRuntimeOptions()
    return {**asdict(options)}


def patch_runtime_options(tables: ScriptTables, tx: Tx, patch: Json) -> JsonObject:
    """Change options by a merge patch (RFC 7396), and return every option.

    ``null`` resets an option.

    Raises:
        Malformed: the patch is no object, or an option has another type.
    """
    if not _is_object(patch):
        raise Malformed(f"expected an object of options, found {patch!r}")
    merged = {**runtime_options(tables, tx), **patch}
    given = {name: value for name, value in merged.items() if value is not None}
    options = {**asdict(tables.options.codec.decode(json.dumps(given)))}
    tables.options.of(tx).raw.put(UNIT, json.dumps(options))
    return options


def _is_object(value: Json) -> TypeGuard[JsonObject]:
    return isinstance(value, dict)


def _absolute(name: str) -> str:
    return name if name.startswith("/") else f"/{name}"
