"""Who is calling: one file for each way of proving it.

``POLICIES`` has the policies that need no parameters, by the names that bundles and
OpenAPI documents use.
"""

from collections.abc import Mapping

from ccfpy.endpoints.auth.all_of import AllOf, CallerOfAll
from ccfpy.endpoints.auth.cert import (
    AnyCert,
    AnyCertCaller,
    MemberCert,
    MemberCertCaller,
    NodeCert,
    NodeCertCaller,
    UserCert,
    UserCertCaller,
)
from ccfpy.endpoints.auth.cose import (
    ActiveMemberCoseSign1,
    MemberCoseSign1,
    MemberCoseSign1Caller,
    TypedUserCoseSign1,
    UserCoseSign1,
    UserCoseSign1Caller,
)
from ccfpy.endpoints.auth.jwt import Jwt, JwtCaller
from ccfpy.endpoints.auth.policy import (
    AppCaller,
    AuthPolicy,
    CustomAuth,
    Identity,
    NoAuth,
    Nobody,
    RequestCredentials,
    SecurityScheme,
    Unauthenticated,
)

__all__ = [
    "OUR_POLICIES",
    "POLICIES",
    "ActiveMemberCoseSign1",
    "AllOf",
    "AnyCert",
    "AnyCertCaller",
    "AppCaller",
    "AuthPolicy",
    "CallerOfAll",
    "CustomAuth",
    "Identity",
    "Jwt",
    "JwtCaller",
    "MemberCert",
    "MemberCertCaller",
    "MemberCoseSign1",
    "MemberCoseSign1Caller",
    "NoAuth",
    "Nobody",
    "NodeCert",
    "NodeCertCaller",
    "RequestCredentials",
    "SecurityScheme",
    "TypedUserCoseSign1",
    "Unauthenticated",
    "UserCert",
    "UserCertCaller",
    "UserCoseSign1",
    "UserCoseSign1Caller",
]

_ALL: tuple[AuthPolicy, ...] = (
    NoAuth(),
    UserCert(),
    MemberCert(),
    AnyCert(),
    NodeCert(),
    Jwt(),
    UserCoseSign1(),
    MemberCoseSign1(),
    ActiveMemberCoseSign1(),
)

POLICIES: Mapping[str, AuthPolicy] = {policy.name: policy for policy in _ALL}
OUR_POLICIES = frozenset({TypedUserCoseSign1, *(type(policy) for policy in _ALL)})
"""The kinds of policy that run no code of an application's."""
