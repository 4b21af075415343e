"""The documents of an app in JavaScript and of its twin in Python are the same."""

from collections.abc import Callable, Iterator

import pytest

from apps import hello
from ccfpy.base.json import Json, JsonObject
from ccfpy.testing.apps import AppSource, Service
from tests.apps.banks import ROOT, Consortium, sources
from tests.unit.endpoints.test_openapi import check

VERBS = ("get", "put", "post", "delete")
RESULTS = ("200", "204")


def described(service: Service) -> JsonObject:
    return service.anybody.get("/app/api").object()


def followed(value: Json, document: JsonObject) -> Json:
    """Replace references by their targets; an only alternative by its content."""
    if isinstance(value, list):
        return [followed(item, document) for item in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str):
        found: Json = document
        for name in reference.removeprefix("#/").split("/"):
            assert isinstance(found, dict)
            found = found[name]
        return followed(found, document)
    whole = {name: followed(item, document) for name, item in value.items()}
    match whole:
        case {"allOf": [dict() as only]}:
            return only
        case _:
            return whole


def names_in(schema: Json) -> Iterator[str]:
    """List every field of a schema, with what it is."""
    match schema:
        case {"properties": dict() as fields}:
            for name, field in fields.items():
                kind = field.get("type", "string") if isinstance(field, dict) else None
                yield f"{name}: {kind}"
                yield from names_in(field)
        case {"items": items}:
            yield from names_in(items)
        case _:
            pass


def summed_up(document: JsonObject) -> dict[str, object]:
    """Return the facts that a caller must know to use each endpoint."""
    paths = followed(document["paths"], document)
    assert isinstance(paths, dict)
    told: dict[str, object] = {}
    for path, item in paths.items():
        assert isinstance(item, dict)
        for verb in VERBS:
            operation = item.get(verb)
            if isinstance(operation, dict):
                shared = item.get("parameters", [])
                told[f"{verb} {path}"] = _operation(operation, shared)
    return told


def _operation(operation: JsonObject, shared: Json) -> object:
    asked = _json_of(operation.get("requestBody"))
    parameters = set()
    for listed in (operation.get("parameters", []), shared):
        assert isinstance(listed, list)
        for each in listed:
            assert isinstance(each, dict)
            if each["in"] != "header":
                parameters.add((each["in"], each["name"], each.get("required", False)))
    answers = operation["responses"]
    assert isinstance(answers, dict)
    results = {
        status: sorted(names_in(_json_of(answers[status])))
        for status in RESULTS
        if status in answers
    }
    return sorted(names_in(asked)), parameters, results, "default" in answers


def _json_of(described: Json) -> Json:
    match described:
        case {"content": {"application/json": {"schema": schema}}}:
            return schema
        case _:
            return None


def hellos() -> list[Service]:
    twins: list[AppSource] = [ROOT / "apps" / "hello_js", hello.app]
    return [Service.open(app) for app in twins]


def banks() -> list[Service]:
    return [Consortium.open(app).service for app in sources().values()]


@pytest.mark.parametrize("twins", [hellos, banks])
def test_twins_describe_the_same_endpoints(
    twins: Callable[[], list[Service]],
) -> None:
    first, second = (described(service) for service in twins())
    check(first)
    assert summed_up(first) == summed_up(second)
