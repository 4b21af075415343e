"""Who may call is said in the same words everywhere."""

from ccfpy.endpoints.api_page.document import AND, CALLERS, all_of, described, one
from ccfpy.endpoints.auth import cert, cose, jwt, no_auth
from ccfpy.endpoints.auth.all_of import SEPARATOR


def test_every_policy_of_ccf_has_its_words_and_others_their_names() -> None:
    policies = {
        *(cert.USER_CERT, cert.MEMBER_CERT, cert.NODE_CERT, cert.ANY_CERT),
        *(cose.USER_COSE_SIGN1, cose.TYPED_USER_COSE_SIGN1),
        *(cose.MEMBER_COSE_SIGN1, cose.ACTIVE_MEMBER_COSE_SIGN1),
        *(jwt.NAME, no_auth.NAME),
    }
    assert set(CALLERS) == policies
    assert one("member_cert") == "members with a certificate"
    assert one("quorum") == "callers whom the policy quorum accepts"


def test_a_caller_who_must_be_several_is_one_caller() -> None:
    assert AND == SEPARATOR
    told = described(AND.join(["user_cert", "jwt"]))
    assert told == all_of([CALLERS["user_cert"], CALLERS["jwt"]])
    assert described("jwt") == CALLERS["jwt"]
