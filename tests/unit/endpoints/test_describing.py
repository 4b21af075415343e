"""How a function is described: its answer by its type, its arguments in their order."""

import pytest

from ccfpy.app import Context
from ccfpy.base.schema import schema_of
from ccfpy.endpoints.binding import (
    Argument,
    Described,
    declared,
    operation_of,
    without_null,
)


@pytest.mark.parametrize(
    ("annotation", "content_type"),
    [
        (str, "text/plain"),
        (bytes, "application/octet-stream"),
        (int, "application/json"),
    ],
)
def test_what_is_declared_is_described_by_its_kind(
    annotation: object, content_type: str
) -> None:
    assert declared(annotation, 200).content_type == content_type


def test_what_may_be_nothing_is_described_as_what_it_else_is() -> None:
    assert without_null(schema_of(int | None)).schema == schema_of(int).schema
    assert without_null(schema_of(int)).schema == schema_of(int).schema


def test_a_parameter_that_is_read_twice_is_described_once() -> None:
    def read(_: Context) -> None:
        """Do it.

        Args:
            nothing: of the document's.
        """

    size = {"in": "query", "name": "size"}
    arguments = [
        Argument(lambda _: 1, {**size, "required": True}),
        Argument(lambda _: 1, {"in": "path", "name": "size"}),
        Argument(lambda _: 1, {**size, "required": False}),
    ]
    operation = operation_of(read, arguments, Described(204), None)
    assert (operation.summary, operation.description) == ("Do it.", "")
    assert operation.parameters == (
        {**size, "required": True},
        {"in": "path", "name": "size"},
    )
