"""Bundles that users of an application install, as governance does by ``set_js_app``.

A bundle is ``{"metadata": {"endpoints": {path: {verb: properties}}}, "modules":
[{"name", "module"}]}`` (``include/ccf/js/bundle.h``). The application decides who may
install one.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TypeGuard

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.js.engine import JsModuleFailed
from ccfpy.js.quickjs import VERSION, compile_module
from ccfpy.js.serving.tables import ScriptTables
from ccfpy.kv.maps import UNIT
from ccfpy.kv.tx import Tx
from ccfpy.service.tables.js import EndpointKey, JsRuntimeOptions


def install_bundle(tables: ScriptTables, tx: Tx, bundle: Json) -> None:
    """Replace the installed bundle.

    Raises:
        Malformed: ``bundle`` is no bundle, or a module does not compile.
    """
    modules = _modules(bundle)
    endpoints = tables.endpoints.of(tx)
    endpoints.clear()
    for path, methods in _endpoints(bundle).items():
        if not _is_object(methods):
            raise Malformed(f"expected an object of verbs at {path!r}")
        for method, properties in methods.items():
            decoded = tables.endpoints.value_codec.decode(json.dumps(properties))
            endpoints.put(EndpointKey(method.upper(), path), decoded)
    stored, bytecode = tables.modules.of(tx), tables.bytecode.of(tx)
    stored.clear()
    bytecode.clear()
    for name, source in modules.items():
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


def _endpoints(bundle: Json) -> Mapping[str, Json]:
    metadata = bundle.get("metadata") if _is_object(bundle) else None
    endpoints = metadata.get("endpoints") if _is_object(metadata) else None
    if not _is_object(endpoints):
        raise Malformed("a bundle has metadata with endpoints")
    return endpoints


def _modules(bundle: Json) -> dict[str, str]:
    listed = bundle.get("modules") if _is_object(bundle) else None
    if not isinstance(listed, list):
        raise Malformed("a bundle has a list of modules")
    modules: dict[str, str] = {}
    for entry in listed:
        name = entry.get("name") if _is_object(entry) else None
        source = entry.get("module") if _is_object(entry) else None
        if not isinstance(name, str) or not isinstance(source, str):
            raise Malformed("a module has a name and a source, both text")
        modules[_absolute(name)] = source
    return modules


def _is_object(value: Json) -> TypeGuard[JsonObject]:
    return isinstance(value, dict)


def _absolute(name: str) -> str:
    return name if name.startswith("/") else f"/{name}"
