import pytest

from ccfpy.http.errors import ApiError
from tests.unit.endpoints.world import StoreNode, context_of


def test_the_query_is_parsed_once_when_asked_for() -> None:
    context = context_of(StoreNode(), query="a=%20b")
    assert context.query.get("a") == " b"
    assert context.query is context.query


def test_the_body_may_be_read_as_json() -> None:
    assert context_of(StoreNode(), body=b'{"a":1}').body_json() == {"a": 1}


def test_a_body_that_is_no_json_is_the_callers_fault() -> None:
    with pytest.raises(ApiError) as refusal:
        context_of(StoreNode(), body=b"{").body_json()
    assert (refusal.value.status, refusal.value.code) == (400, "InvalidInput")
