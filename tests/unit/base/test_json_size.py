"""A value that is too large or too deep to write is found before it is written."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ccfpy.base import json, limits
from ccfpy.base.errors import Unwritable
from ccfpy.base.json_size import check_size
from tests.attacks import attack

MOST = limits.JSON_BYTES_MAX
DEPTH = limits.JSON_DEPTH_MAX


@dataclass
class Row:
    """What the writer takes as it is."""

    text: object


def _nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def _shared(levels: int) -> list[object]:
    value: list[object] = ["x"]
    for _ in range(levels):
        value = [value] * 10
    return value


def _in_itself() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


def _dict_in_itself() -> dict[str, object]:
    value: dict[str, object] = {}
    value["self"] = value
    return value


TOO_MUCH: dict[str, Callable[[], object]] = {
    "a text a hundred million times": lambda: ["up"] * 121_909_581,
    "a list of lists of lists": lambda: _shared(12),
    "a list in itself": _in_itself,
    "a dictionary in itself": _dict_in_itself,
    "too deep": lambda: _nested(10_000),
    "long texts": lambda: ["x" * 2**20] * 32,
    "long names": lambda: {f"{i}{'x' * 2**20}": i for i in range(32)},
    "a row that is too long": lambda: Row(["x" * 2**20] * 32),
    "a tuple": lambda: ("x" * 2**20,) * 32,
}


@pytest.mark.slow
@attack("applications: an answer that ends the process that writes it")
@pytest.mark.parametrize("make", TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_what_is_too_much_is_refused(make: Callable[[], object]) -> None:
    value = make()
    with pytest.raises(Unwritable):
        json.dumps(value)


def test_a_text_may_be_so_long() -> None:
    assert len(json.dumps("x" * MOST)) == MOST + 2
    with pytest.raises(Unwritable, match=f"more than {MOST} bytes"):
        json.dumps("x" * (MOST + 1))


@pytest.mark.slow
def test_a_list_may_be_so_long() -> None:
    longest = [0] * (MOST // 2 - 1)
    check_size(longest)
    with pytest.raises(Unwritable):
        check_size([*longest, 0])


def test_nesting_may_go_so_deep() -> None:
    assert json.dumps(_nested(DEPTH)) == b"[" * DEPTH + b"]" * DEPTH
    with pytest.raises(Unwritable, match="too deep"):
        json.dumps(_nested(DEPTH + 1))


def test_nothing_is_counted_for_more_than_it_takes() -> None:
    values: list[object] = [{}, [], {"a": [1, {"b": None}]}, [[], [[]]], Row("x"), 1.5]
    for value in values:
        check_size([value] * 1000)
