"""Models of pydantic: read as JSON, refused with all mistakes, written, described."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import pydantic
import pytest
from pydantic import BaseModel, ConfigDict, Field

from ccfpy.base.json import Json
from ccfpy.base.limits import BODY_PROBLEMS_MAX
from ccfpy.base.mismatch import Mismatch
from ccfpy.base.problems import problems_of
from ccfpy.base.schema import schema_of

ID = UUID(int=7)


class Line(BaseModel):
    name: Annotated[str, Field(min_length=1)]
    price: Annotated[Decimal, Field(gt=0)]


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: UUID
    at: datetime
    lines: list[Line]
    next_link: str | None = Field(default=None, alias="next")
    before: "Order | None" = None


@pydantic.dataclasses.dataclass
class Small:
    size: Annotated[int, Field(le=3)]


@dataclass(frozen=True)
class Around:
    order: Order


JSON: dict[str, Json] = {
    "id": str(ID),
    "at": "2026-01-31T12:00:00Z",
    "lines": [{"name": "tea", "price": "9.90"}],
    "next": None,
    "before": None,
}
ORDER = Order(
    id=ID,
    at=datetime(2026, 1, 31, 12, tzinfo=UTC),
    lines=[Line(name="tea", price=Decimal("9.90"))],
    next=None,
)


def test_a_model_is_read_and_written_as_pydantic_does() -> None:
    shape = schema_of(Order)
    assert shape.write is not None
    assert shape.read(JSON) == ORDER
    assert shape.write(ORDER) == JSON
    around = schema_of(Around)
    assert around.write is not None
    assert around.write(around.read({"order": JSON})) == {"order": JSON}


def test_all_mistakes_are_told_at_once() -> None:
    wrong: Json = {"id": 1, "lines": [{"name": "", "price": "-1"}], "colour": "red"}
    told = [str(each) for each in problems_of(schema_of(Around), {"order": wrong})]
    assert [each.partition(": ")[0] for each in told] == [
        "At #/order/id",
        "At #/order/at",
        "At #/order/lines/0/name",
        "At #/order/lines/0/price",
        "At #/order/colour",
    ]
    with pytest.raises(Mismatch) as refused:
        schema_of(Around).read({"order": wrong})
    assert str(refused.value) == told[0]


@pytest.mark.parametrize(("count", "is_listed"), [(0, True), (1, False)])
def test_very_many_mistakes_are_counted(count: int, *, is_listed: bool) -> None:
    line: Json = {"name": "", "price": "1"}
    lines = [line] * (BODY_PROBLEMS_MAX + count)
    told = list(problems_of(schema_of(Order), {**JSON, "lines": lines}))
    assert len(told) == (BODY_PROBLEMS_MAX if is_listed else 1)
    assert ("101 mistakes" in told[0].problem) is not is_listed


def test_a_value_of_another_type_is_not_written() -> None:
    write = schema_of(Order).write
    assert write is not None
    with pytest.raises(ValueError, match="Expected `Order`"):
        write({"id": 1})


def test_a_dataclass_of_pydantics_has_its_constraints() -> None:
    assert schema_of(Small).read({"size": 3}) == Small(3)
    with pytest.raises(Mismatch, match="At #/size: Input should be less than"):
        schema_of(Small).read({"size": 4})


def test_a_model_is_described_for_openapi_3() -> None:
    shape = schema_of(Order)
    assert shape.schema == {"$ref": "#/components/schemas/Order"}
    assert {"Order", "Line"} <= shape.components.keys()
    order = shape.components["Order"]
    assert isinstance(order, dict)
    properties = order["properties"]
    assert isinstance(properties, dict)
    assert order["additionalProperties"] is False
    assert properties["id"] == {"format": "uuid", "title": "Id", "type": "string"}
    assert properties["before"] == {
        "allOf": [{"$ref": "#/components/schemas/Order"}],
        "nullable": True,
        "default": None,
    }


def test_a_model_without_a_schema_is_refused() -> None:
    class Odd(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        thing: pytest.MonkeyPatch

    with pytest.raises(TypeError, match="Cannot generate a JsonSchema"):
        schema_of(Odd)
