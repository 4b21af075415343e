from ccfpy.endpoints.auth.custom import CustomAuth
from ccfpy.endpoints.auth.no_auth import Nobody
from ccfpy.endpoints.auth.policy import SecurityScheme
from tests.unit.endpoints.world import StoreNode, context_of


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
