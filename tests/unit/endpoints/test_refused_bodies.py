"""A refused body is answered with its first mistake, and with all as details."""

from dataclasses import dataclass

import pytest

from ccfpy.app import Context
from ccfpy.base import json
from ccfpy.base.limits import BODY_PROBLEMS_MAX
from ccfpy.endpoints.binding import bind
from ccfpy.http.errors import ApiError
from tests.unit.endpoints.world import StoreNode, context_of


@dataclass
class Note:
    text: str
    size: int
    tags: list[str]


def _write(_: Context, note: Note) -> None:
    raise AssertionError(note)


def _refusal(body: object) -> ApiError:
    written = body if isinstance(body, bytes) else json.dumps(body)
    with pytest.raises(ApiError) as refused:
        bind(_write, "/x").handler(context_of(StoreNode(), body=written))
    assert (refused.value.status, refused.value.code) == (400, "InvalidInput")
    return refused.value


def test_all_that_is_wrong_is_among_the_details() -> None:
    refusal = _refusal({"text": 1, "tags": ["a", 2]})
    assert refusal.message == "At #/text: expected text, found 1"
    assert json.loads(refusal.body()) == {
        "error": {
            "code": "InvalidInput",
            "message": refusal.message,
            "details": [
                {
                    "code": "InvalidInput",
                    "message": "expected text, found 1",
                    "target": "#/text",
                },
                {
                    "code": "InvalidInput",
                    "message": "missing required field",
                    "target": "#/size",
                },
                {
                    "code": "InvalidInput",
                    "message": "expected text, found 2",
                    "target": "#/tags/1",
                },
            ],
        }
    }


@pytest.mark.parametrize("more", [0, 1])
def test_details_are_bounded(more: int) -> None:
    tags = [1] * (BODY_PROBLEMS_MAX + more)
    details = _refusal({"text": "t", "size": 1, "tags": tags}).details
    assert details is not None
    assert len(details) == BODY_PROBLEMS_MAX


def test_what_is_no_json_has_no_details() -> None:
    assert _refusal(b"{").details is None
    assert [each["target"] for each in _refusal(b"").details or ()] == [
        "#/text",
        "#/size",
        "#/tags",
    ]
