"""The OpenAPI 3.0.0 document of a frontend, built from its registry alone.

Paths carry the frontend's prefix, so that the document describes URLs as callers type
them. Its shape is CCF's (``doc/schemas/app_openapi.json``): every operation may answer
with the one error, names who may call it, and says how a backup treats it.
"""

import re
from collections.abc import Mapping
from itertools import count

from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.endpoints import openapi_sanitising
from ccfpy.endpoints.declaration import Endpoint, Forwarding, Mode
from ccfpy.endpoints.registry import Registry, parameter_names

_RESPONSE_DESCRIPTION = "Done."
_BODY_DESCRIPTION = "What the endpoint reads."
_EMPTY_DESCRIPTION = "There is nothing to tell."
_TEXT_DESCRIPTION = "How it stands, for people."

_FORWARDING_DESCRIPTIONS = {
    Forwarding.ALWAYS: "A backup hands the request to the primary, which executes it.",
    Forwarding.SOMETIMES: "A backup hands the request to the primary if it did so with "
    "an earlier request of the same session; otherwise it executes the request itself.",
    Forwarding.NEVER: "The node that receives the request executes it. What it answers "
    "may be older than the session's other answers, and a backup cannot write.",
}
_ERROR_SCHEMA: JsonObject = {
    "properties": {
        "error": {
            "properties": {
                "code": {
                    "description": "A word for programs to tell errors apart by.",
                    "type": "string",
                },
                "message": {
                    "description": "What went wrong, for people.",
                    "type": "string",
                },
            },
            "type": "object",
        }
    },
    "type": "object",
}
_ERROR_RESPONSE: JsonObject = {
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/CCFError"}}
    },
    "description": "An error, and which.",
}

_TX_ID_HEADER = "x-ms-ccf-transaction-id"
_TX_ID_COMPONENT: JsonObject = {
    "description": "The transaction that was written, or whose state was read.",
    "schema": {"type": "string"},
}
REAL_TX_ID_PATTERN = "^[1-9][0-9]{0,18}\\.[1-9][0-9]{0,18}$"
"""The ids that a request may name. The schema of an id has ``0.0`` too, which a node
answers where nothing is committed."""

POLICIES = "x-ccfpy-policies"
"""Our own extension: who may call, in the order of trying; nobody is asked if empty."""
_VERBS = frozenset(
    {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
)
_DESCRIBABLE_PATH = re.compile(r"(?:[^{}]|\{[A-Za-z0-9_.-]+\})*")
_WORD = re.compile(r"[^A-Za-z0-9]+([a-z])")


def document(registry: Registry) -> JsonObject:
    """Describe every endpoint that is not hidden.

    Raises:
        ValueError: two endpoints give different schemas the same name.
    """
    described = [
        endpoint
        for endpoint in registry.described()
        if not endpoint.operation.hidden and _can_be_described(endpoint)
    ]
    schemas: JsonObject = {"CCFError": _ERROR_SCHEMA}
    schemes: JsonObject = {}
    for endpoint in described:
        _merge(schemas, endpoint.operation.components)
        _merge(schemes, _security_schemes(endpoint))
    names = openapi_sanitising.Names(frozenset(schemas), frozenset(schemes))
    paths: dict[str, JsonObject] = {}
    for endpoint in described:
        full_path = f"/{registry.prefix}{endpoint.path}"
        item = paths.setdefault(full_path, _path_item(endpoint.path))
        item[endpoint.method.lower()] = _operation(full_path, endpoint, names)
    _make_ids_differ(paths)
    components: JsonObject = {
        "headers": {"TransactionId": _TX_ID_COMPONENT},
        "responses": {"default": _ERROR_RESPONSE},
        "schemas": schemas,
        "x-ccf-forwarding": {
            forwarding.value: {"description": text, "value": forwarding.value}
            for forwarding, text in _FORWARDING_DESCRIPTIONS.items()
        },
    }
    if schemes:
        components["securitySchemes"] = schemes
    return {
        "components": components,
        "info": {
            "description": registry.description,
            "title": registry.title,
            "version": registry.version,
        },
        "openapi": "3.0.0",
        "paths": dict(paths),
        "servers": [],
    }


class KeptDocument:
    """The document of a registry as JSON, written again once the endpoints change.

    Anybody may ask for the document, and it takes as long to write as a hundred reads.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._described: tuple[Endpoint, ...] | None = None
        self._body = b""

    def body(self) -> bytes:
        """Return the document.

        Raises:
            ValueError: two endpoints give different schemas the same name.
        """
        # While the app is the same, so are these objects: comparing them is short.
        described = tuple(self._registry.described())
        if described != self._described:
            self._body = json.dumps(document(self._registry))
            self._described = described
        return self._body


def narrowed(name: str, **more: Json) -> JsonObject:
    """Return the schema of that name, narrowed to some of its values."""
    return {"allOf": [{"$ref": f"#/components/schemas/{name}"}], **more}


def tx_id_parameter(place: str, name: str) -> JsonObject:
    """Describe a parameter that names a transaction."""
    schema = narrowed("TransactionId", pattern=REAL_TX_ID_PATTERN)
    return {"in": place, "name": name, "required": True, "schema": schema}


def operation_id(method: str, full_path: str) -> str:
    """Name an operation after its verb and path: ``PostAppLogPrivateRawTextId``."""
    bare = full_path.replace("{", "").replace("}", "")
    return method.capitalize() + _WORD.sub(lambda match: match[1].upper(), bare)


def _can_be_described(endpoint: Endpoint) -> bool:
    """Return whether OpenAPI has a form for the verb, and for the path's braces."""
    is_plain = _DESCRIBABLE_PATH.fullmatch(endpoint.path) is not None
    return is_plain and endpoint.method.lower() in _VERBS


def _make_ids_differ(paths: Mapping[str, JsonObject]) -> None:
    """Number all operations of one name but the first."""
    taken: set[str] = set()
    for item in paths.values():
        for verb, operation in item.items():
            if verb in _VERBS:
                assert isinstance(operation, dict), "an operation is an object"
                name = wanted = str(operation["operationId"])
                for number in count(2):
                    if name not in taken:
                        break
                    name = f"{wanted}_{number}"
                taken.add(name)
                operation["operationId"] = name


def _path_item(path: str) -> JsonObject:
    parameters: list[Json] = [
        {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}
        for name in parameter_names(path)
    ]
    return {"parameters": parameters} if parameters else {}


def _operation(
    full_path: str, endpoint: Endpoint, names: openapi_sanitising.Names
) -> JsonObject:
    operation = endpoint.operation
    described: JsonObject = {
        "operationId": operation_id(endpoint.method, full_path),
        "responses": {
            str(operation.success_status): _success(endpoint),
            **{str(status): _other(kind) for status, kind in operation.also.items()},
            "default": {"$ref": "#/components/responses/default"},
        },
        "x-ccf-forwarding": {
            "$ref": f"#/components/x-ccf-forwarding/{endpoint.forwarding.value}"
        },
        POLICIES: [policy.name for policy in endpoint.auth],
    }
    if operation.summary:
        described["summary"] = operation.summary
    if operation.description:
        described["description"] = operation.description
    if operation.deprecated:
        described["deprecated"] = True
    if operation.parameters:
        described["parameters"] = [dict(each) for each in operation.parameters]
    if operation.request_schema is not None:
        described["requestBody"] = {
            "content": _content(
                operation.request_content_type, operation.request_schema
            ),
            "description": _BODY_DESCRIPTION,
            "required": operation.is_body_required,
        }
    if security := _security(endpoint):
        described["security"] = security
    if operation.metadata is not None:
        in_path = frozenset(parameter_names(endpoint.path))
        said = openapi_sanitising.operation(
            operation.metadata, names._replace(in_path=in_path)
        )
        described = _joined(described, said, frozenset(map(str, operation.also)))
    return described


def _joined(ours: JsonObject, said: JsonObject, also: frozenset[str]) -> JsonObject:
    """Join both descriptions; the metadata goes first.

    What every endpoint of the mode takes and answers stays.

    Args:
        ours: what is known of the endpoint.
        said: what its author says.
        also: the statuses that come of its mode, whatever else is said of answers.
    """
    joined = ours | said
    parameters, responses = said.get("parameters"), said.get("responses")
    if isinstance(parameters, list):
        taken = [(each["in"], each["name"]) for each in map(_fields, parameters)]
        joined["parameters"] = parameters + [
            each
            for each in _items(ours.get("parameters"))
            if (_fields(each)["in"], _fields(each)["name"]) not in taken
        ]
    if isinstance(responses, dict):
        kept = {k: v for k, v in _fields(ours["responses"]).items() if k in also}
        joined["responses"] = kept | responses
    return joined


def _fields(value: Json) -> JsonObject:
    assert isinstance(value, dict), "an object of a document"
    return value


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _success(endpoint: Endpoint) -> JsonObject:
    operation = endpoint.operation
    response: JsonObject = {"description": _RESPONSE_DESCRIPTION}
    if endpoint.mode is not Mode.COMMAND:
        reference: JsonObject = {"$ref": "#/components/headers/TransactionId"}
        response["headers"] = {_TX_ID_HEADER: reference}
    if operation.response_schema is not None:
        response["content"] = _content(
            operation.response_content_type, operation.response_schema
        )
    return response


def _other(content_type: str | None) -> JsonObject:
    """Describe an answer that is neither the success nor an error."""
    if content_type is None:
        return {"description": _EMPTY_DESCRIPTION}
    return {
        "content": _content(content_type, {"type": "string"}),
        "description": _TEXT_DESCRIPTION,
    }


def _content(content_type: str, schema: Mapping[str, Json]) -> JsonObject:
    return {content_type: {"schema": dict(schema)}}


def _security(endpoint: Endpoint) -> list[Json]:
    """List an operation's schemes, unless OpenAPI can express none of its policies.

    If OpenAPI can express only some of the policies, an empty scheme stands for the
    other policies, so that a client does not think that it needs one of the schemes.
    """
    schemes = [policy.security_scheme for policy in endpoint.auth]
    if not any(schemes):
        return []
    security: list[Json] = []
    for scheme in schemes:
        if scheme is not None and scheme.definition:
            security.append({scheme.name: []})
        elif {} not in security:
            security.append({})
    return security


def _security_schemes(endpoint: Endpoint) -> JsonObject:
    schemes = (policy.security_scheme for policy in endpoint.auth)
    return {
        scheme.name: dict(scheme.definition)
        for scheme in schemes
        if scheme is not None and scheme.definition
    }


def _merge(into: JsonObject, named: Mapping[str, Json]) -> None:
    for name, schema in named.items():
        if into.setdefault(name, schema) != schema:
            raise ValueError(f"two endpoints mean different things by {name!r}")
