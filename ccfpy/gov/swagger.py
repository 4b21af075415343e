"""The document of each version of the governance API, in Swagger 2.0 as in CCF.

``GET /gov/api`` with a version returns that version's document. Without a version it
returns the generated document of the common endpoints and of the classic API, which is
OpenAPI 3.0 in any case.

CCF writes these documents by hand: text, numbers, arrays and objects by name are
written out where they are used, and references lead elsewhere. Here they are made from
the types of answers. Many generators of clients do not read Swagger 2.0, so
``format=openapi3`` asks for the same in OpenAPI 3.0, which is made from the Swagger
document form by form. A reference keeps its name, and leads to ``components``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.schema import schema_of
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Mode
from ccfpy.endpoints.openapi import POLICIES, REAL_TX_ID_PATTERN
from ccfpy.endpoints.replies import bytes_reply
from ccfpy.gov.definitions import HEX_ID_PATTERN, TX_ID_PATTERN, ShareBody
from ccfpy.gov.operations import PARAMETER, ApiVersion, GovOperation, api_version
from ccfpy.http.errors import JSON_CONTENT_TYPE, ApiError, ErrorCode

if TYPE_CHECKING:
    from ccfpy.endpoints.declaration import Handler
    from ccfpy.endpoints.pending import Answer


ERROR_RESPONSE: Final = "Azure.Core.Foundations.ErrorResponse"
_REFERENCE: Final = "#/components/schemas/"
_PLAIN: Final[Mapping[str, JsonObject]] = {
    "base64string": {"type": "string", "format": "byte"},
    "integer": {"type": "integer"},
}
"""Schemas that Swagger writes in another way than OpenAPI."""
_PLAIN_NAMES: Final = frozenset({"boolean", "json", "string", *_PLAIN})
_DERIVED: Final = ("_array", "_to_")

_ERROR: Final[Json] = {"$ref": "#/definitions/Azure.Core.Foundations.Error"}
_INNER_ERROR: Final[Json] = {"$ref": "#/definitions/Azure.Core.Foundations.InnerError"}
_TEXT: Final[Json] = {"type": "string"}
_BY_HAND: Final[Mapping[str, Json]] = {
    # An error may hold errors: no type of ours may hold itself.
    "Azure.Core.Foundations.Error": {
        "type": "object",
        "properties": {
            "code": _TEXT,
            "message": _TEXT,
            "target": _TEXT,
            "details": {"type": "array", "items": _ERROR},
            "innererror": _INNER_ERROR,
        },
        "required": ["code", "message"],
    },
    "Azure.Core.Foundations.InnerError": {
        "type": "object",
        "properties": {"code": _TEXT, "innererror": _INNER_ERROR},
    },
    ERROR_RESPONSE: {
        "type": "object",
        "properties": {"error": _ERROR},
        "required": ["error"],
    },
    # Swagger has a word for the bounds of 64 bits.
    "safeuint": {"type": "integer", "format": "int64", "minimum": 0},
}


def definitions(kinds: Iterable[object]) -> dict[str, Json]:
    """Return the definitions of types and of all that they refer to, by name."""
    components: dict[str, Json] = {}
    for kind in kinds:
        components.update(schema_of(kind).components)
    named = {
        name: _written(schema, components)
        for name, schema in components.items()
        if not _is_written_out(name)
    }
    return {**named, **_BY_HAND}


def definition_name(kind: object) -> str:
    """Return the name of a type's definition."""
    return str(schema_of(kind).schema["$ref"]).removeprefix(_REFERENCE)


def _is_written_out(name: str) -> bool:
    is_derived = any(part in name for part in _DERIVED)
    return name in _PLAIN_NAMES or name.startswith("_") or is_derived


def _written(part: Json, components: Mapping[str, Json]) -> Json:
    if isinstance(part, list):
        return [_written(each, components) for each in part]
    if not isinstance(part, dict):
        return part
    reference = part.get("$ref")
    if not isinstance(reference, str):
        return {name: _written(each, components) for name, each in part.items()}
    name = reference.removeprefix(_REFERENCE)
    if _is_written_out(name):
        return _PLAIN.get(name) or _written(components[name], components)
    return {"$ref": f"#/definitions/{name}"}


FORM: Final = "format"
"""The query parameter by which a request names the form of a document."""
SWAGGER: Final = "swagger"
OPENAPI3: Final = "openapi3"

_TX_ID_HEADER: Json = {
    "x-ms-ccf-transaction-id": {
        "type": "string",
        "description": "The transaction that was written, or whose state was read.",
        "pattern": TX_ID_PATTERN,
    }
}
_VERSION_PARAMETER = "Azure.Core.Foundations.ApiVersionParameter"
_PATTERNS = {
    "memberId": HEX_ID_PATTERN,
    "nodeId": HEX_ID_PATTERN,
    "proposalId": HEX_ID_PATTERN,
    "userId": HEX_ID_PATTERN,
    "transactionId": REAL_TX_ID_PATTERN,
}
_COSE_BODY: Json = {
    "name": "body",
    "in": "body",
    "description": "A COSE_Sign1 by a member, with the headers CCF asks for.",
    "required": True,
    "schema": {"type": "string", "format": "binary"},
}
_ERROR_REPLY: Json = {
    "description": "An error.",
    "schema": {"$ref": f"#/definitions/{ERROR_RESPONSE}"},
}


def document(version: ApiVersion, operations: Sequence[GovOperation]) -> JsonObject:
    """Return the document of a version."""
    paths: dict[str, dict[str, Json]] = {}
    for operation in sorted(operations, key=lambda each: each.path):
        if version in operation.since.and_later:
            verb = operation.method.lower()
            paths.setdefault(f"/gov{operation.path}", {})[verb] = _operation(operation)
    return {
        "swagger": "2.0",
        "info": {"title": "CCF Governance", "version": version.value},
        "schemes": ["https"],
        "produces": ["application/json"],
        "consumes": ["application/json"],
        "tags": [],
        "paths": {path: dict(verbs) for path, verbs in paths.items()},
        "definitions": {
            **definitions(_kinds(operations)),
            "Versions": {"type": "string", "enum": [version.value]},
        },
        "parameters": {
            _VERSION_PARAMETER: {
                "name": PARAMETER,
                "in": "query",
                "description": "The version of the API that the request speaks.",
                "required": True,
                "type": "string",
                "minLength": 1,
                "enum": [version.value],
            },
            "CoseSignature.body": _COSE_BODY,
        },
    }


def _kinds(operations: Sequence[GovOperation]) -> Iterator[object]:
    """Return the types of all responses, in every version as in CCF's documents."""
    yield ShareBody
    for operation in operations:
        if operation.returns is not None:
            yield operation.returns


def _operation(operation: GovOperation) -> Json:
    parameters: list[Json] = [{"$ref": f"#/parameters/{_VERSION_PARAMETER}"}]
    parameters += map(_path_parameter, operation.path_parameters)
    described: dict[str, Json] = {
        "operationId": operation.operation_id,
        "description": operation.description,
        POLICIES: [] if operation.policy is None else [operation.policy.name],
    }
    if operation.policy is not None:
        parameters.append({"$ref": "#/parameters/CoseSignature.body"})
        described["consumes"] = ["application/cose"]
    if operation.is_javascript:
        described["produces"] = ["text/javascript", "application/json"]
    described["parameters"] = parameters
    described["responses"] = _responses(operation)
    return described


def _path_parameter(name: str) -> Json:
    described: dict[str, Json] = {
        "name": name,
        "in": "path",
        "required": True,
        "type": "string",
    }
    if name in _PATTERNS:
        described["pattern"] = _PATTERNS[name]
    return described


def _responses(operation: GovOperation) -> Json:
    success: dict[str, Json] = {"description": "Done."}
    if operation.mode is not Mode.COMMAND:
        success["headers"] = _TX_ID_HEADER
    if operation.returns is None:
        return {"204": success, "default": _ERROR_REPLY}
    name = definition_name(operation.returns)
    success["schema"] = {"$ref": f"#/definitions/{name}"}
    nothing: Json = {"description": "There is nothing to tell."}
    empty = {"204": nothing} if operation.may_be_nothing else {}
    return {"200": success, **empty, "default": _ERROR_REPLY}


def api_handler(
    unversioned: "Handler", operations: Sequence[GovOperation]
) -> "Handler":
    """Return the handler of ``GET /gov/api``."""

    @cache
    def described(version: ApiVersion, form: str) -> bytes:
        swagger = document(version, operations)
        return json.dumps(openapi3(swagger) if form == OPENAPI3 else swagger)

    def api(context: Context) -> "Answer":
        if PARAMETER not in context.query:
            return unversioned(context)
        body = described(api_version(context), _form(context))
        return bytes_reply(body, content_type=JSON_CONTENT_TYPE)

    return api


def _form(context: Context) -> str:
    """Return the form in which a request asks for a document.

    Raises:
        ApiError: 400: there is no such form.
    """
    form = context.query.get(FORM)
    if form is None:
        return SWAGGER
    if form not in (SWAGGER, OPENAPI3):
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            f"Unknown format '{form}'. The formats are: {SWAGGER}, {OPENAPI3}",
        )
    return form


_VERBS = frozenset({"get", "put", "post", "delete", "options", "head", "patch"})
_IN_PARAMETER = frozenset({"name", "in", "description", "required"})
"""What a parameter of OpenAPI says itself; the rest is said by its schema."""
_KEPT = frozenset({"operationId", "description", "tags", "deprecated", POLICIES})
_PLACES: Mapping[str, str] = {"definitions": "schemas", "parameters": "parameters"}
"""Where ``components`` keeps what Swagger keeps at the top."""
_JSON: Final[Json] = "application/json"


def openapi3(swagger: JsonObject) -> JsonObject:
    """Return the OpenAPI 3.0 form of a document in Swagger 2.0."""
    converter = _Converter(swagger)
    return {
        "openapi": "3.0.0",
        "info": swagger["info"],
        "servers": [],
        "tags": swagger.get("tags", []),
        "paths": {
            path: {
                verb: converter.operation(_fields(operation))
                for verb, operation in _fields(item).items()
                if verb in _VERBS
            }
            for path, item in _fields(swagger["paths"]).items()
        },
        "components": {
            "schemas": _moved(swagger["definitions"]),
            "parameters": {
                name: _parameter(_fields(parameter))
                for name, parameter in converter.parameters.items()
                if _fields(parameter)["in"] != "body"
            },
        },
    }


class _Converter:
    """Converts the operations of one document.

    Attributes:
        parameters: those that operations refer to, by name.
    """

    def __init__(self, swagger: JsonObject) -> None:
        self.parameters = _fields(swagger.get("parameters", {}))
        self._consumes = _items(swagger.get("consumes", []))
        self._produces = _items(swagger.get("produces", []))

    def operation(self, swagger: JsonObject) -> JsonObject:
        """Return an operation, its body apart from its parameters."""
        described = {name: said for name, said in swagger.items() if name in _KEPT}
        produces = _items(swagger.get("produces", self._produces))
        described["responses"] = {
            # Errors are JSON, whatever an operation answers else.
            status: _response(
                _fields(response), [_JSON] if status == "default" else produces
            )
            for status, response in _fields(swagger["responses"]).items()
        }
        parameters: list[Json] = []
        for parameter in map(_fields, _items(swagger.get("parameters", []))):
            body = self._resolved(parameter)
            if body["in"] == "body":
                consumes = _items(swagger.get("consumes", self._consumes))
                described["requestBody"] = _body(body, consumes)
            elif "$ref" in parameter:
                parameters.append(_moved(parameter))
            else:
                parameters.append(_parameter(parameter))
        described["parameters"] = parameters
        return described

    def _resolved(self, parameter: JsonObject) -> JsonObject:
        reference = parameter.get("$ref")
        if not isinstance(reference, str):
            return parameter
        return _fields(self.parameters[reference.removeprefix("#/parameters/")])


def _body(parameter: JsonObject, consumes: list[Json]) -> JsonObject:
    return {
        "description": parameter["description"],
        "required": parameter["required"],
        "content": {
            str(kind): {"schema": _moved(parameter["schema"])} for kind in consumes
        },
    }


def _parameter(swagger: JsonObject) -> JsonObject:
    described = {k: v for k, v in swagger.items() if k in _IN_PARAMETER}
    schema = {k: v for k, v in swagger.items() if k not in _IN_PARAMETER}
    return {**described, "schema": _moved(schema)}


def _response(swagger: JsonObject, produces: list[Json]) -> JsonObject:
    described: JsonObject = {"description": swagger["description"]}
    headers = _fields(swagger.get("headers", {}))
    if headers:
        described["headers"] = {
            name: _parameter(_fields(header)) for name, header in headers.items()
        }
    if "schema" in swagger:
        described["content"] = {
            str(kind): {"schema": _moved(swagger["schema"])} for kind in produces
        }
    return described


def _moved(value: Json) -> Json:
    """Return a value whose references lead to where OpenAPI keeps what they name."""
    if isinstance(value, list):
        return [_moved(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str):
        return {"$ref": _led(reference)}
    return {name: _moved(entry) for name, entry in value.items()}


def _led(reference: str) -> str:
    place, _, name = reference.removeprefix("#/").partition("/")
    return f"#/components/{_PLACES[place]}/{name}"


def _fields(value: Json) -> JsonObject:
    assert isinstance(value, dict), "an object of a document"
    return value


def _items(value: Json) -> list[Json]:
    assert isinstance(value, list), "a list of a document"
    return value
