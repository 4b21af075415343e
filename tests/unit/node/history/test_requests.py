"""Requests by handle, and the order in which they are forgotten."""

from ccfpy.node.history.past_state import HistoryRequest, HistoryRequests


def test_the_one_asked_about_for_longest_comes_first() -> None:
    requests = HistoryRequests()
    first, second = HistoryRequest("a", (1,), 9), HistoryRequest("b", (1,), 9)
    requests.put(first)
    requests.put(second)
    assert requests.oldest() is first

    requests.put(first)
    assert requests.oldest() is second
    assert len(requests) == 2


def test_a_handle_has_one_request() -> None:
    requests = HistoryRequests()
    former, now = HistoryRequest("a", (1,), 9), HistoryRequest("a", (2,), 9)
    requests.put(former)
    requests.put(now)

    assert requests.get("a") is now
    requests.remove(now)
    assert requests.get("a") is None


def test_those_whose_time_is_over_are_found() -> None:
    requests = HistoryRequests()
    assert not requests.expired(10**9)
    asked_again = HistoryRequest("b", (1,), 10)
    for request in (
        HistoryRequest("a", (1,), 10),
        asked_again,
        HistoryRequest("c", (1,), 12),
    ):
        requests.put(request)
    asked_again.deadline_ms = 30
    requests.put(asked_again)

    found = []
    for now_ms in (9, 10, 11, 12, 29, 30):
        expired = requests.expired(now_ms)
        found.append([request.handle for request in expired])
        for request in expired:
            requests.remove(request)

    assert found == [[], ["a"], [], ["c"], [], ["b"]]
