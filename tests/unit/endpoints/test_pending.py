"""A response that comes later is delivered once, and only those wait for it who may."""

import pytest

from ccfpy.base import json, limits
from ccfpy.endpoints.commit_wait import WAIT_HEADER, commit_wait_ms
from ccfpy.endpoints.pending import Awaited
from ccfpy.http.errors import ApiError
from ccfpy.http.messages import Request, Response


@pytest.mark.parametrize("is_settled_first", [True, False])
def test_a_response_is_delivered_whichever_side_is_first(
    *, is_settled_first: bool
) -> None:
    awaited, delivered = Awaited(), list[Response]()
    response = Response(status=200, headers={}, body=b"")
    if is_settled_first:
        awaited.settle(response)
    awaited.then(delivered.append)
    awaited.settle(response)
    assert delivered == [response]
    assert awaited.is_settled


def test_the_first_of_two_responses_counts() -> None:
    awaited, delivered = Awaited(), list[Response]()
    awaited.then(delivered.append)
    assert not awaited.is_settled
    first = Response(status=504, headers={}, body=b"")
    awaited.settle(first)
    awaited.settle(Response(status=200, headers={}, body=b"late"))
    assert delivered == [first]
    assert awaited.response is first


def test_a_response_cannot_be_delivered_to_two() -> None:
    awaited = Awaited()
    awaited.then(lambda _: None)
    with pytest.raises(AssertionError, match="delivered once"):
        awaited.then(lambda _: None)


def test_nothing_is_delivered_to_who_has_gone() -> None:
    awaited, delivered = Awaited(), list[Response]()
    awaited.then(delivered.append)
    awaited.abandon()
    awaited.settle(Response(status=200))
    assert delivered == []
    assert awaited.is_abandoned


@pytest.mark.parametrize("is_settled_first", [True, False])
def test_an_observer_sees_the_response_that_counts_once(
    *, is_settled_first: bool
) -> None:
    awaited, observed = Awaited(), list[int]()
    if is_settled_first:
        awaited.settle(Response(status=200))
    awaited.observe(lambda response: observed.append(response.status))
    awaited.settle(Response(status=504 if is_settled_first else 200))
    awaited.settle(Response(status=504))
    assert observed == [200]


def test_an_abandoned_response_is_observed_all_the_same() -> None:
    awaited, observed = Awaited(), list[int]()
    awaited.observe(lambda response: observed.append(response.status))
    awaited.abandon()
    awaited.settle(Response(status=200))
    assert observed == [200]


def test_each_of_several_observers_sees_the_response() -> None:
    awaited, observed = Awaited(), list[str]()
    awaited.observe(lambda response: observed.append(f"first {response.status}"))
    awaited.observe(lambda response: observed.append(f"second {response.status}"))
    awaited.settle(Response(status=200))
    awaited.observe(lambda response: observed.append(f"late {response.status}"))
    assert observed == ["first 200", "second 200", "late 200"]


def _asking(text: str) -> Request:
    return Request(method="POST", path="/", headers={WAIT_HEADER: text})


def test_who_does_not_ask_does_not_wait() -> None:
    assert commit_wait_ms(Request(method="POST", path="/")) is None


@pytest.mark.parametrize("wait_ms", [1, 250, limits.COMMIT_WAIT_MS_MAX])
def test_a_wait_is_a_number_of_milliseconds(wait_ms: int) -> None:
    assert commit_wait_ms(_asking(str(wait_ms))) == wait_ms


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "1.5", "1s", "٣", str(limits.COMMIT_WAIT_MS_MAX + 1), "9" * 5000],
)
def test_any_other_wait_is_refused(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        commit_wait_ms(_asking(text))
    assert refused.value.status == 400
    error = json.loads_object(refused.value.body())["error"]
    assert isinstance(error, dict)
    assert error["code"] == "InvalidHeaderValue"
    assert str(limits.COMMIT_WAIT_MS_MAX) in str(error["message"])
