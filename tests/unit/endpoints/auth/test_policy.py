import pytest

from ccfpy.endpoints.auth import POLICIES
from ccfpy.endpoints.auth.all_of import AllOf
from ccfpy.endpoints.auth.cert import MemberCert, UserCert
from ccfpy.endpoints.auth.jwt import CHALLENGE, Jwt
from ccfpy.endpoints.auth.policy import (
    CustomAuth,
    NoAuth,
    Nobody,
    SecurityScheme,
    Unauthenticated,
)
from tests.unit.endpoints.auth.people import add_user, certificate
from tests.unit.endpoints.world import StoreNode, context_of


def test_a_refusal_carries_its_challenge() -> None:
    assert Unauthenticated("no").challenge is None
    assert Unauthenticated("no", challenge="Knock").challenge == "Knock"
    assert str(Unauthenticated("no", challenge="Knock")) == "no"


def test_anybody_is_accepted() -> None:
    caller = NoAuth().authenticate(context_of(StoreNode()))
    assert caller.policy == "no_auth"
    assert not NoAuth.security_scheme.definition


def test_every_policy_is_found_by_the_name_that_bundles_use() -> None:
    assert {name: policy.name for name, policy in POLICIES.items()} == {
        name: name
        for name in (
            "no_auth",
            "user_cert",
            "member_cert",
            "any_cert",
            "node_cert",
            "jwt",
            "user_cose_sign1",
            "member_cose_sign1",
            "active_member_cose_sign1",
        )
    }


def test_a_function_decides() -> None:
    asked = []
    nobody = Nobody(policy="mine")
    scheme = SecurityScheme("mine", {"type": "http"})

    def authenticate(context: object) -> Nobody:
        asked.append(context)
        return nobody

    policy = CustomAuth("mine", authenticate, security_scheme=scheme)
    context = context_of(StoreNode())
    assert policy.authenticate(context) is nobody
    assert asked == [context]
    assert (policy.name, policy.security_scheme) == ("mine", scheme)


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
