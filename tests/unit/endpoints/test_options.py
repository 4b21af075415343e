"""An app's options for an endpoint, and their defaults."""

import pytest

from ccfpy.endpoints.auth import CustomAuth, Nobody
from ccfpy.endpoints.declaration import Forwarding, Mode, Redirection
from ccfpy.endpoints.decorators import (
    NO_AUTH,
    Options,
    Route,
    all_of,
    policies_of,
    route_of,
)

WRITING = Route(Mode.READ_WRITE, Forwarding.ALWAYS, Redirection.TO_PRIMARY)
READING = Route(Mode.READ_ONLY, Forwarding.SOMETIMES, Redirection.NONE)


@pytest.mark.parametrize(
    ("method", "options", "route"),
    [
        ("GET", {}, READING),
        ("HEAD", {}, READING),
        ("POST", {}, WRITING),
        ("OPTIONS", {}, WRITING),
        ("POST", {"mode": Mode.READ_ONLY}, READING),
        ("GET", {"mode": Mode.READ_WRITE}, WRITING),
        (
            "GET",
            {"forwarding": Forwarding.NEVER},
            Route(Mode.READ_ONLY, Forwarding.NEVER, Redirection.NONE),
        ),
        (
            "GET",
            {"mode": Mode.HISTORICAL, "redirection": Redirection.TO_BACKUP},
            Route(Mode.HISTORICAL, Forwarding.NEVER, Redirection.TO_BACKUP),
        ),
    ],
)
def test_what_is_not_said_follows_from_verb_and_mode(
    method: str, options: Options, route: Route
) -> None:
    assert route_of(method, options) == route


@pytest.mark.parametrize("mode", Mode)
def test_every_mode_has_its_way(mode: Mode) -> None:
    assert route_of("GET", {"mode": mode}).mode is mode


def test_a_policy_is_itself_or_named() -> None:
    mine = CustomAuth("mine", lambda _: Nobody())
    assert policies_of([mine]) == (mine,)
    assert [each.name for each in policies_of(["jwt", mine])] == ["jwt", "mine"]


def test_anybody_alone_is_no_policy_and_among_others_one() -> None:
    assert policies_of([]) == policies_of([NO_AUTH]) == ()
    assert [each.name for each in policies_of(["jwt", NO_AUTH])] == ["jwt", NO_AUTH]


def test_a_name_that_is_no_policys_is_refused() -> None:
    for refused in (lambda: policies_of(["sesame"]), lambda: all_of("jwt", "sesame")):
        with pytest.raises(ValueError, match="no policy 'sesame'; there are no_auth, "):
            refused()
