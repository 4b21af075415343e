"""The document of a version of governance in OpenAPI 3.0, for generators of clients.

CCF writes these documents in Swagger 2.0, which many generators do not read. Both
forms state the same: the OpenAPI document is made from the Swagger document, form by
form. A reference keeps its name, and leads to ``components``.
"""

from collections.abc import Mapping
from typing import Final

from ccfpy.base.json import Json, JsonObject
from ccfpy.endpoints.openapi import POLICIES

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
