"""The errors of a frontend's checks say whose fault they are, and what to do next."""

import pytest

from ccfpy.endpoints.refusals import (
    PolicyRefusal,
    conflicted,
    no_end_of_conflicts,
    not_open,
    too_many_pending,
    unauthenticated,
    unsupported_verb,
)
from ccfpy.http.errors import ApiError

CERT: PolicyRefusal = ("user_cert", "no certificate", None)
TOKEN: PolicyRefusal = ("jwt", "no token", "Bearer")


def test_a_caller_learns_why_each_policy_refused() -> None:
    error = unauthenticated([CERT, TOKEN])
    assert error.status == 401
    details = error.details or ()
    assert [(each["auth_policy"], each["message"]) for each in details] == [
        ("user_cert", "no certificate"),
        ("jwt", "no token"),
    ]


@pytest.mark.parametrize(
    ("refusals", "challenge"), [([CERT, TOKEN], "Bearer"), ([TOKEN, CERT], None)]
)
def test_the_last_policy_challenges_the_caller(
    refusals: list[PolicyRefusal], challenge: str | None
) -> None:
    headers = unauthenticated(refusals).response().headers
    assert headers.get("www-authenticate") == challenge


@pytest.mark.parametrize("error", [too_many_pending(), no_end_of_conflicts()])
def test_what_was_not_executed_may_be_sent_again(error: ApiError) -> None:
    response = error.response()
    assert response.status == 503
    assert int(response.headers["retry-after"]) > 0


@pytest.mark.parametrize(("error", "status"), [(not_open(), 404), (conflicted(), 409)])
def test_what_would_fail_again_is_not_asked_for_again(
    error: ApiError, status: int
) -> None:
    response = error.response()
    assert response.status == status
    assert "retry-after" not in response.headers


def test_a_caller_learns_the_verbs_of_a_path() -> None:
    response = unsupported_verb("/a", "OPTIONS, GET").response()
    assert (response.status, response.headers["allow"]) == (405, "OPTIONS, GET")
