"""What a declaration says of an endpoint, the endpoint has."""

import pytest

from ccfpy.app import Context, HistoricalState, Mode, Nobody
from ccfpy.endpoints.auth import CustomAuth
from ccfpy.endpoints.declaration import Forwarding
from ccfpy.endpoints.decorators import endpoint_of
from ccfpy.endpoints.diagnostics import Misdeclared

ANY = CustomAuth("any", lambda _: Nobody())


def _read(_: Context, number: int) -> int:
    return number


def test_an_endpoint_has_the_usual_policies_unless_it_names_its_own() -> None:
    usual = endpoint_of(_read, "GET", "/x/{number}", {}, [ANY])
    own = endpoint_of(_read, "GET", "/x/{number}", {"auth": []}, [ANY])
    assert (usual.auth, own.auth) == ((ANY,), ())


def test_a_historical_endpoint_stays_on_its_node_and_says_so() -> None:
    def then(_: Context, state: HistoricalState) -> str:
        return str(state.txid)

    made = endpoint_of(then, "GET", "/then", {"mode": Mode.HISTORICAL}, [])
    assert made.forwarding is Forwarding.NEVER
    assert 202 in made.operation.also


@pytest.mark.parametrize(("limit_ms", "is_taken"), [(1, True), (0, False)])
def test_a_time_limit_is_a_millisecond_at_least(
    limit_ms: int, *, is_taken: bool
) -> None:
    def declared() -> int | None:
        made = endpoint_of(_read, "GET", "/x", {"execution_ms_max": limit_ms}, [])
        return made.execution_ms_max

    if is_taken:
        assert declared() == limit_ms
    else:
        with pytest.raises(Misdeclared, match="a time limit of 0 ms"):
            declared()


def test_an_endpoint_is_counted_apart_only_if_its_declaration_says_so() -> None:
    assert endpoint_of(_read, "GET", "/x", {"metrics": True}, []).is_counted
    assert not endpoint_of(_read, "GET", "/x", {}, []).is_counted
