"""The facts of an OpenAPI or Swagger document, one fact a line, without its prose.

Two documents with the same facts yield the same lines, whatever their order is. Prose,
examples, and the headers of errors are omitted.
"""

import json
from collections.abc import Iterator

from ccfpy.base.json import Json, JsonObject

VERBS = ("delete", "get", "head", "options", "patch", "post", "put")
_PLAIN = frozenset({"type", "format", "pattern", "minimum", "maximum", "minLength"})


def facts(document: JsonObject) -> list[str]:
    """Return the facts of a document, sorted within each kind."""
    return [
        *sorted(_operations(document)),
        *sorted(_schemas(document)),
        *sorted(_shared(document)),
    ]


def as_object(value: Json) -> JsonObject:
    assert isinstance(value, dict), value
    return value


def as_list(value: Json) -> list[Json]:
    assert isinstance(value, list), value
    return value


def member(value: Json, *path: str) -> JsonObject:
    """Follow a path of names; return an empty object if it is missing."""
    for name in path:
        value = as_object(value).get(name, {})
    return as_object(value)


def _operations(document: JsonObject) -> Iterator[str]:
    for path, item in member(document, "paths").items():
        common = as_list(as_object(item).get("parameters", []))
        for verb in VERBS:
            operation = member(item, verb)
            if operation:
                own = as_list(operation.get("parameters", []))
                described = {_place(each): each for each in (*common, *own)}
                yield _operation(
                    f"{verb.upper()} {path}", operation, [*described.values()]
                )


def _place(parameter: Json) -> tuple[Json, Json]:
    """Return where a parameter stands: an operation's own hides its path's."""
    described = as_object(parameter)
    return described.get("in"), described.get("name", described.get("$ref"))


def _operation(name: str, operation: JsonObject, parameters: list[Json]) -> str:
    parts = [name, f"id={operation['operationId']}"]
    parts += sorted(map(_parameter, parameters))
    parts += _content("body", operation.get("requestBody", {}))
    for status, response in sorted(as_object(operation["responses"]).items()):
        parts += _response(status, as_object(response))
    parts += [f"takes={each}" for each in as_list(operation.get("consumes", []))]
    parts += [f"gives={each}" for each in as_list(operation.get("produces", []))]
    if operation.get("deprecated"):
        parts.append("deprecated")
    for requirement in as_list(operation.get("security", [])):
        parts.append(f"security={'+'.join(as_object(requirement)) or 'none'}")
    forwarding = member(operation, "x-ccf-forwarding").get("$ref")
    if isinstance(forwarding, str):
        parts.append(f"forwarding={forwarding.rpartition('/')[2]}")
    return " ".join(parts)


def _parameter(described: Json) -> str:
    parameter = as_object(described)
    if "$ref" in parameter:
        return f"parameter={_last(parameter)}"
    name = f"{parameter['in']}:{parameter['name']}"
    if not parameter.get("required"):
        name += "?"
    return f"{name}={schema(parameter.get('schema', parameter))}"


def _content(name: str, holder: Json) -> list[str]:
    content = member(holder, "content")
    return [
        f"{name}={kind}:{schema(as_object(each)['schema'])}"
        for kind, each in sorted(content.items())
    ]


def _response(status: str, response: JsonObject) -> list[str]:
    if "$ref" in response:
        return [f"{status}={_last(response)}"]
    parts = _content(status, response)
    if "schema" in response:
        parts.append(f"{status}={schema(response['schema'])}")
    names = [] if status == "default" else sorted(member(response, "headers"))
    headers = "".join(f"+{each}" for each in names)
    return [f"{part}{headers}" for part in parts] or [f"{status}=nothing{headers}"]


def _schemas(document: JsonObject) -> Iterator[str]:
    for schemas in (
        member(document, "components", "schemas"),
        member(document, "definitions"),
    ):
        for name, described in schemas.items():
            yield f"schema {name} = {schema(described)}"


def _shared(document: JsonObject) -> Iterator[str]:
    for name, parameter in member(document, "parameters").items():
        yield f"parameter {name} = {_parameter(parameter)}"
    for name, scheme in member(document, "components", "securitySchemes").items():
        facts_of = {k: v for k, v in as_object(scheme).items() if k != "description"}
        yield f"scheme {name} = {json.dumps(facts_of, sort_keys=True)}"
    for name, response in member(document, "components", "responses").items():
        yield f"response {' '.join(_response(name, as_object(response)))}"
    for name in member(document, "components", "x-ccf-forwarding"):
        yield f"forwarding {name}"


def _last(reference: JsonObject) -> str:
    text = reference["$ref"]
    assert isinstance(text, str), text
    return text.rpartition("/")[2]


def schema(described: Json) -> str:
    """Write a schema on one line: ``{name: type, name?: type}``, ``[type]``."""
    it = as_object(described)
    if "$ref" in it:
        return _last(it)
    if "allOf" in it:
        parts = "&".join(map(schema, as_list(it["allOf"])))
        return f"{parts}|null" if it.get("nullable") else parts
    if "enum" in it:
        return "|".join(sorted(map(str, as_list(it["enum"]))))
    if it.get("type") == "array":
        return f"[{schema(it.get('items', {}))}]"
    if it.get("type") == "object":
        return _object(it)
    return (
        ",".join(
            str(it[name]) if name == "type" else f"{name}={it[name]}"
            for name in sorted(
                _PLAIN & it.keys(), key=lambda name: (name != "type", name)
            )
        )
        or "any"
    )


def _object(it: JsonObject) -> str:
    required = as_list(it.get("required", []))
    fields = [
        f"{name}{'' if name in required else '?'}: {schema(each)}"
        for name, each in sorted(member(it, "properties").items())
    ]
    if "additionalProperties" in it:
        fields.append(f"*: {schema(it['additionalProperties'])}")
    return f"{{{', '.join(fields)}}}"
