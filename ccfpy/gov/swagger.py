"""The document of each version of the governance API, in Swagger 2.0 as in CCF.

``GET /gov/api`` with a version returns that version's document; ``format=openapi3``
asks for OpenAPI 3.0. Without a version it returns the generated document of the common
endpoints and of the classic API, which is OpenAPI 3.0 in any case.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Mode
from ccfpy.endpoints.openapi import POLICIES, REAL_TX_ID_PATTERN
from ccfpy.endpoints.replies import bytes_reply
from ccfpy.gov.definitions import HEX_ID_PATTERN, TX_ID_PATTERN, ShareBody
from ccfpy.gov.openapi3 import openapi3
from ccfpy.gov.operations import GovOperation
from ccfpy.gov.swagger_definitions import (
    ERROR_RESPONSE,
    definition_name,
    definitions,
)
from ccfpy.gov.versions import PARAMETER, ApiVersion, api_version
from ccfpy.http.errors import JSON_CONTENT_TYPE, ApiError, ErrorCode

if TYPE_CHECKING:
    from ccfpy.endpoints.awaited import Answer
    from ccfpy.endpoints.declaration import Handler

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
_ERROR: Json = {
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
        return {"204": success, "default": _ERROR}
    name = definition_name(operation.returns)
    success["schema"] = {"$ref": f"#/definitions/{name}"}
    nothing: Json = {"description": "There is nothing to tell."}
    empty = {"204": nothing} if operation.may_be_nothing else {}
    return {"200": success, **empty, "default": _ERROR}


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
