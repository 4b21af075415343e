"""Structures of msgspec: read strictly, refused for all mistakes, written again."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import pytest
from msgspec import Meta, Struct, field

from ccfpy.base.json import Json
from ccfpy.base.limits import STRUCT_DEPTH_MAX
from ccfpy.base.mismatch import Mismatch
from ccfpy.base.problems import problems_of
from ccfpy.base.schema import schema_of

ID = UUID(int=7)


class Line(Struct):
    name: Annotated[str, Meta(min_length=1)]
    price: Decimal


class Order(Struct, forbid_unknown_fields=True, omit_defaults=True):
    id: UUID
    at: datetime
    lines: list[Line]
    size: Annotated[int, Meta(gt=0)] = 1
    next_link: str | None = field(default=None, name="next")
    before: "Order | None" = None


@dataclass(frozen=True)
class Around:
    order: Order


JSON: dict[str, Json] = {
    "id": str(ID),
    "at": "2026-01-31T12:00:00Z",
    "lines": [{"name": "tea", "price": "9.90"}],
}
ORDER = Order(
    id=ID,
    at=datetime(2026, 1, 31, 12, tzinfo=UTC),
    lines=[Line(name="tea", price=Decimal("9.90"))],
)


def test_a_structure_is_read_and_written_as_msgspec_does() -> None:
    shape = schema_of(Order)
    assert shape.write is not None
    assert shape.read(JSON) == ORDER
    assert shape.write(ORDER) == JSON
    around = schema_of(Around)
    assert around.write is not None
    assert around.write(around.read({"order": JSON})) == {"order": JSON}


def test_all_mistakes_are_told_at_once() -> None:
    wrong: Json = {
        "id": 1,
        "lines": [{"name": "", "price": "x"}],
        "size": 0,
        "before": {"id": 1, "lines": []},
        "colour": "red",
    }
    told = [str(each) for each in problems_of(schema_of(Around), {"order": wrong})]
    assert told == [
        "At #/order/id: Expected `uuid`, got `int`",
        "At #/order/at: missing required field",
        "At #/order/lines/0/name: Expected `str` of length >= 1",
        "At #/order/lines/0/price: Invalid decimal string",
        "At #/order/size: Expected `int` >= 1",
        "At #/order/before/id: Expected `uuid`, got `int`",
        "At #/order/before/at: missing required field",
        "At #/order/colour: unknown field",
    ]
    with pytest.raises(Mismatch) as refused:
        schema_of(Around).read({"order": wrong})
    assert str(refused.value) == told[0]


@pytest.mark.parametrize(
    ("depth", "count"), [(STRUCT_DEPTH_MAX - 1, 2), (STRUCT_DEPTH_MAX, 1)]
)
def test_deep_mistakes_are_told_one_by_one(depth: int, count: int) -> None:
    wrong: Json = {**JSON, "id": 1, "size": 0}
    for _ in range(depth):
        wrong = {**JSON, "before": wrong}
    assert len(list(problems_of(schema_of(Order), wrong))) == count


def test_a_value_of_another_type_is_not_written() -> None:
    write = schema_of(Order).write
    assert write is not None
    with pytest.raises(TypeError, match="a dict is no Order"):
        write({"id": 1})


def test_a_structure_is_described_for_openapi_3() -> None:
    shape = schema_of(Order)
    assert shape.schema == {"$ref": "#/components/schemas/Order"}
    assert {"Order", "Line"} <= shape.components.keys()
    order = shape.components["Order"]
    assert isinstance(order, dict)
    properties = order["properties"]
    assert isinstance(properties, dict)
    assert order["additionalProperties"] is False
    assert properties["size"] == {
        "type": "integer",
        "minimum": 0,
        "exclusiveMinimum": True,
        "default": 1,
    }


def test_a_structure_without_a_schema_is_refused() -> None:
    class Odd(Struct):
        thing: complex

    with pytest.raises(TypeError, match="type <class 'complex'> is not supported"):
        schema_of(Odd)
