from ccfpy.endpoints.auth import POLICIES
from ccfpy.endpoints.auth.no_auth import NoAuth
from tests.unit.endpoints.world import StoreNode, context_of


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
