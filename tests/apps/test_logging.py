"""The logging sample answers as CCF's does, which CCF's own tests rely upon."""

from collections.abc import Callable

import pytest

from apps.logging import app
from apps.logging.callers import describe
from ccfpy.app import App, CallerOfAll, JwtCaller, Nobody
from ccfpy.base import json
from ccfpy.base.json import Json
from ccfpy.crypto import cose
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.http.messages import Response
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.endpoints.test_openapi import check
from tests.unit.endpoints.world import StoreNode, context_of

TX_ID = "x-ms-ccf-transaction-id"


@pytest.fixture(scope="module")
def node(serve: Callable[[App], InProcessNode]) -> InProcessNode:
    return serve(app)


@pytest.fixture
def ask(node: InProcessNode, user: Person) -> Callable[..., Response]:
    """Ask as the user, in a scope of the test's own unless it gives a query."""

    def ask(
        method: str,
        path: str,
        body: Json | bytes = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        return node.request(
            method, f"/app{path}", body=body, person=user, headers=headers
        )

    return ask


def _error(response: Response) -> tuple[int, Json, Json]:
    error = json.loads_object(response.body)["error"]
    assert isinstance(error, dict)
    return response.status, error["code"], error["message"]


@pytest.mark.parametrize("kind", ["private", "public"])
def test_a_record_is_kept_read_counted_and_removed(
    ask: Callable[..., Response], kind: str
) -> None:
    path = f"/log/{kind}"
    scope = "scope=kept"
    absent = (404, "ResourceNotFound", "No such record: 42.")
    assert _error(ask("GET", f"{path}?id=42&{scope}")) == absent
    written = ask("POST", f"{path}?{scope}", {"id": 42, "msg": "hello"})
    assert (written.status, written.body) == (200, b"true")
    assert TX_ID in written.headers
    for suffix in ("", "/backup"):
        read = ask("GET", f"{path}{suffix}?id=42&{scope}")
        assert (read.status, read.body) == (200, b'{"msg":"hello"}')
    assert _error(ask("GET", f"{path}?id=42")) == absent
    assert ask("GET", f"{path}/count?{scope}").body == b"1"
    assert ask("DELETE", f"{path}?id=42&{scope}").body == b"true"
    assert ask("DELETE", f"{path}?id=42&{scope}").body == b"false"
    ask("POST", f"{path}?{scope}", {"id": 2**64 - 1, "msg": "last"})
    assert ask("DELETE", f"{path}/all?{scope}").body == b"true"
    assert ask("GET", f"{path}/count?{scope}").body == b"0"


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        (
            "POST",
            "/log/private",
            {"id": 1, "msg": ""},
            (400, "InvalidInput", "Cannot record an empty log message."),
        ),
        (
            "POST",
            "/log/public",
            {"id": 1, "msg": ""},
            (400, "InvalidInput", "Cannot record an empty log message."),
        ),
        (
            "POST",
            "/log/private/prefix_cert",
            {"id": 1, "msg": ""},
            (400, "InvalidInput", "Cannot record an empty log message"),
        ),
        (
            "GET",
            "/log/private?id=x",
            None,
            (
                400,
                "InvalidQueryParameterValue",
                "Unable to parse value 'x' in parameter 'id'",
            ),
        ),
        (
            "GET",
            "/log/public",
            None,
            (400, "InvalidQueryParameterValue", "Missing query parameter 'id'"),
        ),
        (
            "POST",
            "/log/private/admin_only",
            {"id": 1, "msg": "x"},
            (403, "AuthorizationFailed", "Only admins may access this endpoint."),
        ),
        (
            "POST",
            "/log/private/raw_text/7",
            {"not": "text"},
            (
                415,
                "InvalidHeaderValue",
                "Expected content-type 'text/plain'. Got 'application/json'.",
            ),
        ),
    ],
)
def test_what_is_wrong_is_said_in_ccfs_words(
    ask: Callable[..., Response],
    method: str,
    path: str,
    body: Json,
    expected: tuple[int, str, str],
) -> None:
    assert _error(ask(method, path, body)) == expected


def test_messages_may_be_prefixed_anonymous_or_raw(
    ask: Callable[..., Response], node: InProcessNode, user: Person
) -> None:
    ask("POST", "/log/private/prefix_cert", {"id": 1, "msg": "a"})
    node.request("POST", "/app/log/private/anonymous", body={"id": 2, "msg": "b"})
    text = {"content-type": "text/plain"}
    assert ask("POST", "/log/private/raw_text/3", b"c", text).body == b""
    found = [
        json.loads_object(ask("GET", f"/log/private?id={i}").body)["msg"]
        for i in (1, 2, 3)
    ]
    assert found == [f"{user.id}: a", "Anonymous: b", "c"]


def test_a_local_commit_handler_tells_the_id_in_the_body(node: InProcessNode) -> None:
    path = "/app/log/private/anonymous/v2"
    body: Json = {"id": 9, "msg": "x"}
    response = node.request("POST", path, body=body)
    answer = {"success": True, "tx_id": response.headers[TX_ID]}
    assert json.loads(response.body) == answer
    failed = node.request("POST", f"{path}?fail=true", body=body)
    assert _error(failed) == (
        500,
        "InternalError",
        "Failed to execute local commit handler func: didn't set user_data!",
    )
    assert TX_ID in failed.headers


def test_administrators_are_made_by_the_consortium(
    serve: Callable[[App], InProcessNode], user: Person
) -> None:
    node = serve(app)  # the others' user stays as it is

    def record(message: str) -> int:
        body: Json = {"id": 1, "msg": message}
        path = "/app/log/private/admin_only"
        return node.request("POST", path, body=body, person=user).status

    for data, status in (({"isAdmin": "yes"}, 403), ({"isAdmin": True}, 200)):
        args: Json = {"user_id": user.id, "user_data": data}  # type: ignore[dict-item]  # JSON of either kind
        node.propose({"name": "set_user_data", "args": args})
        assert record("x") == status
    assert record("") == 400


def test_a_public_record_has_a_tag_that_conditions_may_name(
    ask: Callable[..., Response],
) -> None:
    path, where = "/log/public?scope=etag", "/log/public?id=5&scope=etag"
    tag, other = f'"{sha256_hex(b"v1")}"', f'"{sha256_hex(b"v0")}"'
    fresh = {"if-none-match": "*"}

    def post(message: str, headers: dict[str, str]) -> int:
        return ask("POST", path, {"id": 5, "msg": message}, headers).status

    written = ask("POST", path, {"id": 5, "msg": "v1"}, fresh)
    assert written.headers["etag"] == sha256_hex(b"v1")
    assert post("v2", fresh) == 412
    assert post("v2", {"if-match": other}) == 412
    assert post("v2", {"if-none-match": tag}) == 412
    assert post("v1", {"if-none-match": other}) == 200
    assert post("v1", {"if-match": f"{other}, {tag}"}) == 200
    read = ask("GET", where, headers={"if-match": tag})
    assert (read.status, read.headers["etag"]) == (200, sha256_hex(b"v1"))
    assert ask("GET", where, headers={"if-match": other}).status == 412
    assert ask("GET", where, headers={"if-none-match": tag}).status == 304
    assert ask("GET", where, headers={"if-none-match": other}).status == 200
    both = {"if-match": tag, "if-none-match": tag}
    for method, target in (("GET", where), ("DELETE", where)):
        assert _error(ask(method, target, headers=both)) == (
            400,
            "InvalidHeaderValue",
            "Cannot have both If-Match and If-None-Match headers.",
        )
    assert post("v2", both) == 400
    assert post("v2", {"if-match": "junk"}) == 400
    assert ask("DELETE", where, headers={"if-match": other}).status == 412
    assert ask("DELETE", where, headers={"if-none-match": "*"}).status == 304
    assert ask("DELETE", where, headers={"if-match": tag}).body == b"true"


def test_a_claim_is_bound_into_the_receipt(
    ask: Callable[..., Response], node: InProcessNode
) -> None:
    claimed: Json = {"id": 6, "msg": "claimed", "record_claim": True}
    tx_id = ask("POST", "/log/public", claimed).headers[TX_ID]
    node.advance(1000)
    receipt = json.loads_object(ask("GET", f"/receipt?transaction_id={tx_id}").body)
    leaf = receipt["leaf_components"]
    assert isinstance(leaf, dict)
    assert leaf["claims_digest"] == sha256_hex(b"claimed")


def test_the_first_receipt_proves_the_constitution() -> None:
    assert app.create_claims("constitution") == sha256(b"constitution")


def test_every_caller_is_described(
    node: InProcessNode, user: Person, member: Person, stranger: Person
) -> None:
    def described(person: Person | None) -> str:
        response = node.request("POST", "/app/multi_auth", person=person)
        assert response.headers["content-type"] == "text/plain"
        return response.body.decode()

    assert described(user).startswith(
        f"User TLS cert\nThe caller is a user with ID: {user.id}\n"
        f"The caller's cert is:\n{user.certificate.pem}"
    )
    assert described(member).startswith(
        f"Member TLS cert\nThe caller is a member with ID: {member.id}\n"
    )
    assert described(stranger) == (
        f"Any TLS cert\nThe caller's cert is:\n{stranger.certificate.pem}"
    )
    assert described(None) == "Unauthenticated"


def test_a_signed_request_is_described(node: InProcessNode, user: Person) -> None:
    message = cose.sign(
        user.key, protected={cose.KID: user.id.encode()}, payload=b"four"
    )
    response = node.request(
        "POST",
        "/app/multi_auth",
        body=message,
        headers={"content-type": "application/cose"},
    )
    assert response.body.decode() == (
        "User COSE Sign1\nThe caller is identified by a COSE Sign1 signed by kid: "
        f"{user.id}\nThe caller is identified by a COSE Sign1 with content of size: 4"
    )


def test_a_token_and_several_proofs_are_described() -> None:
    token = JwtCaller(key_issuer="i", header={"kid": "k"}, payload={"b": 1, "a": []})
    caller = CallerOfAll(
        policy="jwt+no_auth", identities={"jwt": token, "no_auth": Nobody()}
    )
    assert describe(context_of(StoreNode()), caller) == (
        "Conjoined auth policy: jwt+no_auth\n\njwt:\n"
        "JWT\nThe caller is identified by a JWT issued by: i\nThe JWT header is:\n"
        '{\n  "kid": "k"\n}\nThe JWT payload is:\n{\n  "a": [],\n  "b": 1\n}'
        "\n\nno_auth:\nUnauthenticated"
    )


def test_what_a_member_signed_is_repeated(node: InProcessNode, member: Person) -> None:
    message = cose.sign(
        member.key,
        protected={cose.KID: member.id.encode(), "ccf.gov.msg.created_at": 1},
        payload=b"hello",
    )
    response = node.request(
        "POST",
        "/app/log/cose_signed_content",
        body=message,
        headers={"content-type": "application/cose"},
    )
    assert (response.status, response.body) == (200, b"hello")
    assert response.headers["content-type"] == "text/plain"


NAME, AGE = "x-custom-auth-name", "x-custom-auth-age"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, f"Missing required header {NAME}"),
        ({NAME: "Bob"}, f"Missing required header {AGE}"),
        ({AGE: "42"}, f"Missing required header {NAME}"),
        ({NAME: "", AGE: "42"}, "Name must not be empty"),
        ({NAME: "Bob", AGE: "old"}, "Unable to parse age header as a number: old"),
        ({NAME: "Bob", AGE: "12"}, "Caller age must be at least 16"),
    ],
)
def test_a_custom_policy_refuses_with_its_reason(
    node: InProcessNode, headers: dict[str, str], reason: str
) -> None:
    response = node.request("GET", "/app/custom_auth", headers=headers)
    assert response.status == 401
    assert reason in response.body.decode()


def test_a_custom_policy_accepts_or_explodes(node: InProcessNode) -> None:
    accepted = node.request(
        "GET", "/app/custom_auth", headers={NAME: "Alice", AGE: "42"}
    )
    assert json.loads(accepted.body) == {
        "name": "Alice",
        "age": 42,
        "description": "Your name is Alice and you are 42",
    }
    exploded = node.request(
        "GET", "/app/custom_auth", headers={"x-custom-auth-explode": "Boom"}
    )
    assert _error(exploded) == (500, "InternalError", "Boom")


@pytest.mark.parametrize(
    ("sent", "repeated"),
    [
        ("a=%20b&c", b"a= b&c"),
        ("a=b+c%2Bd", b"a=b c+d"),
        ("a=%C3%A4%FF%2", b"a=\xc3\xa4\xff%2"),
        ("a%26=%3D", b"a&=="),
    ],
)
def test_the_query_is_repeated_decoded_as_a_whole(
    node: InProcessNode, sent: str, repeated: bytes
) -> None:
    response = node.request("GET", f"/app/log/request_query?{sent}")
    assert response.body == repeated
    assert response.headers["content-type"] == "text/plain"


def test_the_app_describes_itself(node: InProcessNode) -> None:
    described = json.loads_object(node.request("GET", "/app/api").body)
    check(described)
    info = described["info"]
    assert isinstance(info, dict)
    assert (info["title"], info["version"]) == ("CCF Sample Logging App", "2.8.0")


def test_the_claims_of_cose_signatures_are_told(
    node: InProcessNode, user: Person
) -> None:
    answer = node.request("GET", "/app/cose_signatures_config", person=user)
    assert answer.body == b'{"issuer":"","subject":""}'
