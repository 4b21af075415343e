"""Each shape is complete, and somebody's."""

import pytest

from ccfpy.gov.classic import shapes
from ccfpy.gov.classic.api import READS

COMMON = {"uint32", "StateDigest", "SubmitRecoveryShare__In"}


@pytest.mark.parametrize("name", shapes.SHAPES)
def test_what_a_shape_refers_to_is_there(name: str) -> None:
    assert shapes.closure(name).keys() <= shapes.SHAPES.keys()


def test_a_closure_is_a_shape_and_all_below_it() -> None:
    assert set(shapes.closure("MemberId_to_Failure")) == {
        "MemberId_to_Failure",
        "Failure",
        "string",
    }


def test_required_and_optional_fields_are_told_apart() -> None:
    failure = shapes.SHAPES["Failure"]
    assert failure["required"] == ["reason"]
    assert failure["properties"] == {
        "reason": shapes.ref("string"),
        "trace": shapes.ref("string"),
    }


def test_tables_of_tables_nest() -> None:
    outer = shapes.SHAPES["string_to_string_to_UVMEndorsementsData"]
    assert outer["additionalProperties"] == shapes.ref("string_to_UVMEndorsementsData")


def test_every_answer_has_a_shape() -> None:
    assert {row.gives for row in READS} <= shapes.SHAPES.keys()
