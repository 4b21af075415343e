"""Documents are read as far as they are OpenAPI, and no further."""

from ccfpy.base.json import Json, JsonObject
from ccfpy.endpoints.api_page import document
from ccfpy.endpoints.api_page.document import (
    AND,
    CALLERS,
    ApiDocument,
    all_of,
    described,
    one,
)
from ccfpy.endpoints.auth import cert, cose, jwt, policy
from ccfpy.endpoints.auth.all_of import SEPARATOR


def _of(operation: Json, **more: Json) -> ApiDocument:
    return ApiDocument({"paths": {"/app/a/{b}": {"post": operation}}, **more})


def test_both_forms_of_a_body_are_read() -> None:
    text: JsonObject = {"type": "string"}
    (new,) = _of(
        {"requestBody": {"content": {"text/plain": {"schema": text}}}}
    ).operations()
    (old,) = _of(
        {
            "consumes": ["text/plain"],
            "parameters": [{"in": "body", "schema": text}],
        }
    ).operations()
    assert new.bodies == old.bodies
    assert new.bodies[0].media_type == "text/plain"


def test_callers_are_read_of_both_extensions() -> None:
    named: JsonObject = {"x-ccfpy-policies": ["jwt", "no_auth"]}
    schemes: JsonObject = {"security": [{"jwt": []}, {}]}
    assert [next(_of(each).operations()).policies for each in (named, schemes, {})] == [
        ("jwt", "no_auth"),
        ("jwt", "no_auth"),
        None,
    ]


def test_references_that_lead_in_a_circle_end() -> None:
    circle = _of({}, components={"a": {"$ref": "#/components/a"}})
    assert circle.resolve({"$ref": "#/components/a"}) == ({}, "a")
    assert circle.resolve({"$ref": "https://elsewhere/a"}) == ({}, "a")


def test_more_operations_than_a_page_holds_are_not_read() -> None:
    most = document.OPERATIONS_MAX
    paths: JsonObject = {f"/{number}": {"get": {}} for number in range(most + 1)}
    assert len(list(ApiDocument({"paths": paths}).operations())) == most


def test_every_policy_of_ccf_has_its_words_and_others_their_names() -> None:
    policies = {
        *(cert.USER_CERT, cert.MEMBER_CERT, cert.NODE_CERT, cert.ANY_CERT),
        *(cose.USER_COSE_SIGN1, cose.TYPED_USER_COSE_SIGN1),
        *(cose.MEMBER_COSE_SIGN1, cose.ACTIVE_MEMBER_COSE_SIGN1),
        *(jwt.NAME, policy.NAME),
    }
    assert set(CALLERS) == policies
    assert one("member_cert") == "members with a certificate"
    assert one("quorum") == "callers whom the policy quorum accepts"


def test_a_caller_who_must_be_several_is_one_caller() -> None:
    assert AND == SEPARATOR
    told = described(AND.join(["user_cert", "jwt"]))
    assert told == all_of([CALLERS["user_cert"], CALLERS["jwt"]])
    assert described("jwt") == CALLERS["jwt"]
