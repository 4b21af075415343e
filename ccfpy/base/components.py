"""The JSON form of a type, and the names of schemas among a document's components.

A schema with a name is a component of the document, and other schemas refer to it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ccfpy.base.annotations import SCHEMA_NAME
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.mismatch import Mismatch

REFERENCE = "#/components/schemas/"
_UNFIT_FOR_NAME = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Schema:
    """One type's JSON form.

    Attributes:
        read: gives the value; raises ``Mismatch``.
        write: gives what the JSON writer takes; ``None`` if that is the value itself.
        schema: its OpenAPI schema, usually a reference.
        components: the named schemas it refers to.
        exact: a value of exactly this type is read as itself, without asking ``read``.
        problems: yields all that is wrong with a value, not the first thing alone;
            ``None`` if ``read`` says all that there is to say.
    """

    read: Callable[[Json], Any]
    write: Callable[[Any], Any] | None
    schema: JsonObject
    components: Mapping[str, Json] = field(default_factory=dict)
    exact: type | None = None
    problems: Callable[[Json], Iterator[Mismatch]] | None = None


def as_component(name: str, shape: Schema) -> Schema:
    """Return a reference to a schema, which becomes one of its components."""
    name = _UNFIT_FOR_NAME.sub("_", name)
    components = {**shape.components, name: shape.schema}
    reference: JsonObject = {"$ref": f"{REFERENCE}{name}"}
    return replace(shape, schema=reference, components=components)


def derived(shape: Schema, part: Schema, name: str) -> Schema:
    """Return a schema named after its part, as in CCF, if the part has a name."""
    reference = part.schema.get("$ref")
    if not isinstance(reference, str):
        return shape
    return as_component(name.format(reference.rpartition("/")[2]), shape)


def named_after(kind: type, shape: Schema) -> Schema:
    """Return a reference to the schema of a class, which is named after the class."""
    name = vars(kind).get(SCHEMA_NAME, kind.__qualname__.replace(".", "__"))
    return as_component(name, shape)


def without_name(named: Schema) -> Schema:
    """Return a schema with its definition in the place of a reference to it."""
    reference = named.schema.get("$ref")
    if not isinstance(reference, str):
        return named
    components = dict(named.components)
    definition = components.pop(reference.removeprefix(REFERENCE))
    assert isinstance(definition, dict), "a schema is an object"
    return replace(named, schema=definition, components=components)


def inlined(named: Schema) -> Schema:
    """Return a schema with every definition in the place of a reference to it."""

    def written(part: Json) -> Json:
        if isinstance(part, list):
            return [written(each) for each in part]
        if not isinstance(part, dict):
            return part
        reference = part.get("$ref")
        if isinstance(reference, str):
            return written(named.components[reference.removeprefix(REFERENCE)])
        return {name: written(each) for name, each in part.items()}

    schema = written(named.schema)
    assert isinstance(schema, dict), "a schema is an object"
    return replace(named, schema=schema, components={})
