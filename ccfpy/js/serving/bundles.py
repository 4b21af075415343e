"""Bundles that users of an application install, as governance does by ``set_js_app``.

A bundle is ``{"metadata": {"endpoints": {path: {verb: properties}}}, "modules":
[{"name", "module"}]}`` (``include/ccf/js/bundle.h``). The application decides who may
install one.
"""

from dataclasses import asdict, dataclass
from typing import TypeGuard

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.js.engine import JsModuleFailed
from ccfpy.js.quickjs import VERSION, compile_module
from ccfpy.js.serving.tables import ScriptTables
from ccfpy.kv.maps import UNIT
from ccfpy.kv.tx import Tx
from ccfpy.service.records import form_of
from ccfpy.service.tables.js import EndpointKey, EndpointProperties, JsRuntimeOptions


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
