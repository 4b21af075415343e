import pytest

from ccfpy.endpoints.auth.all_of import AllOf
from ccfpy.endpoints.auth.cert import MemberCert, UserCert
from ccfpy.endpoints.auth.custom import CustomAuth
from ccfpy.endpoints.auth.jwt import CHALLENGE, Jwt
from ccfpy.endpoints.auth.no_auth import NoAuth, Nobody
from ccfpy.endpoints.auth.policy import Unauthenticated
from tests.unit.endpoints.auth.people import add_user, certificate
from tests.unit.endpoints.world import StoreNode, context_of


def test_it_is_named_by_its_parts_in_order() -> None:
    policy = AllOf([UserCert(), Jwt()])
    assert policy.name == "jwt+user_cert"
    assert policy.security_scheme is None


def test_a_caller_that_all_accept_has_an_identity_for_each() -> None:
    node = StoreNode()
    user_id = add_user(node, certificate())
    caller = AllOf([UserCert(), NoAuth()]).authenticate(
        context_of(node, caller=certificate())
    )
    assert caller.policy == "no_auth+user_cert"
    assert list(caller.identities) == ["no_auth", "user_cert"]
    assert getattr(caller.identities["user_cert"], "user_id", None) == user_id


def test_the_first_refusal_is_the_refusal_of_all() -> None:
    with pytest.raises(Unauthenticated) as refusal:
        AllOf([UserCert(), Jwt()]).authenticate(context_of(StoreNode()))
    assert str(refusal.value) == "jwt:Missing authorization header"
    assert refusal.value.challenge == CHALLENGE


def test_a_policy_may_stand_only_once() -> None:
    with pytest.raises(ValueError, match="stands twice"):
        AllOf([MemberCert(), MemberCert()])


def test_it_runs_an_applications_code_if_one_of_its_parts_does() -> None:
    mine = CustomAuth("mine", lambda _: Nobody())
    assert not AllOf([UserCert(), Jwt()]).runs_app_code
    assert AllOf([UserCert(), mine]).runs_app_code
    assert AllOf([_Mine()]).runs_app_code


class _Mine(NoAuth):
    """A policy that an application writes as a class."""
