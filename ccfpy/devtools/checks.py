"""The faults of a bundle, found before members vote for it.

A *fault* is a part that a service would refuse, or would answer with an error later. A
*remark* is a part that a service would ignore, such as a misspelt property. The engine
says whether a module loads and what it exports, in the context of a request.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.bundle import METADATA, Bundle
from ccfpy.devtools.stage import Stage, install, let_exceptions_show
from ccfpy.endpoints.declaration import Mode
from ccfpy.endpoints.registry import template_pattern
from ccfpy.http.messages import Request
from ccfpy.js.engine import JsModuleFailed
from ccfpy.js.quickjs import compile_module
from ccfpy.kv.store import Store
from ccfpy.service.tables.js import ENDPOINTS, EndpointProperties

VERBS = frozenset({"get", "put", "post", "delete", "head", "patch", "options"})
PROPERTIES = frozenset(field.name for field in fields(EndpointProperties))
_PROBE = "/ccfpy-probe-{}.js"
_OF_PROBE = re.compile(r"^Failed to execute /ccfpy-probe-\d+\.js: ")
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is wrong with a bundle, one sentence each.

    Attributes:
        faults: make it unusable.
        remarks: let one think twice.
    """

    faults: list[str]
    remarks: list[str]


def check(bundle: Bundle) -> Findings:
    """Look a bundle over: properties, policies, modules, exports."""
    faults, remarks = list(_wrong_outside(bundle)), list(_strange_outside(bundle))
    wanted: dict[str, list[tuple[str, str]]] = {}
    for path, verb, properties in bundle.endpoints():
        where = f"{verb.upper()} {path}"
        if not isinstance(properties, dict):
            faults.append(f"{METADATA}: {where} needs an object of properties")
            continue
        remarks += _strange_inside(where, verb, properties)
        faults += _wrong_inside(where, path, properties, bundle)
        module, function = properties.get("js_module"), properties.get("js_function")
        if isinstance(module, str) and isinstance(function, str):
            wanted.setdefault(module, []).append((where, function))
    broken = list(_uncompiled(bundle))
    faults += broken
    if not broken:
        faults += _unserved(bundle)
        faults += _unexported(bundle, wanted)
    return Findings(faults=faults, remarks=remarks)


def _wrong_outside(bundle: Bundle) -> Iterator[str]:
    paths = bundle.metadata.get("endpoints")
    if not isinstance(paths, dict):
        yield f"{METADATA} needs an object 'endpoints': paths, in them verbs"
        return
    for path, verbs in paths.items():
        if not isinstance(verbs, dict):
            yield f"{METADATA}: {path} needs an object of verbs, such as 'get'"


def _strange_outside(bundle: Bundle) -> Iterator[str]:
    for name in bundle.metadata:
        if name != "endpoints":
            yield f"{METADATA}: nothing reads {name!r} beside 'endpoints'"


def _strange_inside(where: str, verb: str, properties: JsonObject) -> Iterator[str]:
    if verb.lower() not in VERBS:
        yield f"{METADATA}: {where}: no request has the verb {verb.upper()}"
    for name in properties:
        if name not in PROPERTIES:
            near = difflib.get_close_matches(name, PROPERTIES, n=1)
            hint = f": is it {near[0]!r}?" if near else ""
            yield f"{METADATA}: {where}: nothing reads the property {name!r}{hint}"


def _wrong_inside(
    where: str, path: str, properties: JsonObject, bundle: Bundle
) -> Iterator[str]:
    if not path.startswith("/"):
        yield f"{METADATA}: {where}: a path begins with '/'"
    try:
        template_pattern(path)
    except ValueError as error:
        yield f"{METADATA}: {where}: {error}"
    try:
        ENDPOINTS.value_codec.decode(json.dumps(properties))
    except Malformed as error:
        yield f"{METADATA}: {where}: {error}"
    for name in ("js_module", "js_function"):
        if not isinstance(properties.get(name), str) or not properties[name]:
            yield f"{METADATA}: {where}: say {name!r}, as text"
    module = properties.get("js_module")
    if isinstance(module, str) and module and module not in bundle.modules:
        yield _no_module(where, module, bundle)


def _no_module(where: str, module: str, bundle: Bundle) -> str:
    if module.lstrip("/") in bundle.modules:
        return f"{METADATA}: {where}: write {module.lstrip('/')!r} without the '/'"
    near = difflib.get_close_matches(module, bundle.modules, n=1)
    there = f"no {bundle.folder / module}" if bundle.folder else "no such module"
    hint = f"; is it {near[0]!r}?" if near else ""
    return (
        f"{METADATA}: {where} names the module {module!r}, but there is {there}{hint}"
    )


def _uncompiled(bundle: Bundle) -> Iterator[str]:
    for name, source in bundle.modules.items():
        try:
            compile_module(f"/{name}", source)
        except JsModuleFailed as error:
            hint = (
                ""
                if name.endswith((".js", ".mjs"))
                else "; only JavaScript can be a module: keep other files elsewhere"
            )
            yield f"module {name!r} does not compile: {error}{hint}"


def installed(bundle: Bundle) -> Store:
    """Return a store in which only a bundle is installed."""
    store = Store()
    install(store, modules_of(bundle), endpoints_of(bundle))
    return store


def modules_of(bundle: Bundle) -> dict[str, str]:
    """Return modules by the names under which tables hold them."""
    return {f"/{name}": source for name, source in bundle.modules.items()}


def endpoints_of(bundle: Bundle) -> dict[str, JsonObject]:
    """Return endpoints as tables hold them, by verb and path."""
    return {
        f"{verb.upper()} {path}": {
            **properties,
            "js_module": f"/{properties.get('js_module', '')}",
        }
        for path, verb, properties in bundle.endpoints()
        if isinstance(properties, dict)
    }


def _unserved(bundle: Bundle) -> Iterator[str]:
    """Return faults of endpoints that a service would always answer with an error."""
    stage = Stage(installed(bundle))
    for path, verb, properties in bundle.endpoints():
        try:
            if not isinstance(properties, dict):
                continue
            ENDPOINTS.value_codec.decode(json.dumps(properties))
            found = stage.endpoint(verb.upper(), path)
        except (Malformed, ValueError):
            continue  # told already
        if found is None or found.mode is not Mode.COMMAND:
            continue
        request = Request(method=verb.upper(), path=f"/app{path}")
        error = _error(stage.perform(request, None).response.body)
        yield f"{METADATA}: {verb.upper()} {path}: {error}"


def _unexported(
    bundle: Bundle, wanted: dict[str, list[tuple[str, str]]]
) -> Iterator[str]:
    """Load each module that endpoints name, and look for what they name in it."""
    modules = modules_of(bundle)
    endpoints: dict[str, JsonObject] = {}
    asked = [module for module in wanted if module in bundle.modules]
    for number, module in enumerate(asked):
        names = sorted({function for _, function in wanted[module]})
        entries = ", ".join(f"[{_quoted(n)}]: typeof m[{_quoted(n)}]" for n in names)
        modules[_PROBE.format(number)] = (
            f"import * as m from {_quoted(f'/{module}')};\n"
            f"export const probe = () => ({{ body: {{ {entries} }} }});\n"
        )
        endpoints[f"GET /{number}"] = {
            "js_module": _PROBE.format(number),
            "js_function": "probe",
            "authn_policies": [],
            "forwarding_required": "never",
        }
    store = Store()
    install(store, modules, endpoints)
    let_exceptions_show(store)
    stage = Stage(store)
    for number, module in enumerate(asked):
        request = Request(method="GET", path=f"/app/{number}")
        response = stage.perform(request, None).response
        if response.status != _OK:
            yield f"module {module!r} does not load: {_error(response.body)}"
            continue
        kinds = json.loads_object(response.body)
        for where, function in wanted[module]:
            yield from _not_callable(where, module, function, kinds.get(function))


def _not_callable(where: str, module: str, function: str, kind: Json) -> Iterator[str]:
    if kind == "function":
        return
    has = "does not export" if kind == "undefined" else f"exports as {kind}"
    yield (
        f"{METADATA}: {where} calls {function!r}, which {module!r} {has}: "
        "export a function of that name"
    )


def _error(body: bytes) -> str:
    """Take from an answer what went wrong, as close to the cause as it says."""
    try:
        error = json.loads_object(body).get("error")
    except Malformed:
        return body.decode(errors="replace")
    fields_ = error if isinstance(error, dict) else {}
    details = fields_.get("details")
    first = details[0] if isinstance(details, list) and details else {}
    if isinstance(first, dict) and isinstance(first.get("message"), str):
        trace = first.get("trace")
        place = str(trace).strip().splitlines()[:1] if trace else []
        return " ".join([str(first["message"]), *(line.strip() for line in place)])
    return _OF_PROBE.sub("", str(fields_.get("message", "")))


def _quoted(text: str) -> str:
    return json.dumps(text).decode()
