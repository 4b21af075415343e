from ccfpy.endpoints.auth.policy import Unauthenticated


def test_a_refusal_carries_its_challenge() -> None:
    assert Unauthenticated("no").challenge is None
    assert Unauthenticated("no", challenge="Knock").challenge == "Knock"
    assert str(Unauthenticated("no", challenge="Knock")) == "no"
