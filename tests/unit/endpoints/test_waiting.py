"""How long a caller would wait for commit."""

import pytest

from ccfpy.base import json, limits
from ccfpy.endpoints.waiting import WAIT_HEADER, commit_wait_ms
from ccfpy.http.errors import ApiError
from ccfpy.http.messages import Request


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
