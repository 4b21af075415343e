"""Requests by handle, and in which order they are forgotten."""

from ccfpy.node.history.past_state import Request
from ccfpy.node.history.requests import Requests


def test_the_one_asked_about_for_longest_comes_first() -> None:
    requests = Requests()
    first, second = Request("a", (1,)), Request("b", (1,))
    requests.put(first)
    requests.put(second)
    assert requests.oldest() is first

    requests.put(first)
    assert requests.oldest() is second
    assert len(requests) == 2


def test_a_handle_has_one_request() -> None:
    requests = Requests()
    former, now = Request("a", (1,)), Request("a", (2,))
    requests.put(former)
    requests.put(now)

    assert requests.get("a") is now
    assert not requests.remove(former)
    assert requests.remove(now)
    assert requests.get("a") is None


def test_those_whose_time_is_over_are_found() -> None:
    requests = Requests()
    for handle, deadline_ms in (("a", 10), ("b", 11)):
        request = Request(handle, (1,))
        request.deadline_ms = deadline_ms
        requests.put(request)

    assert [request.handle for request in requests.expired(10)] == ["a"]
