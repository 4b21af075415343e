"""The logging sample answers as CCF's does, which CCF's own tests rely upon."""

from collections.abc import Callable

import pytest

from apps.logging import app
from apps.logging.callers import describe
from ccfpy.app import CallerOfAll, JwtCaller, Nobody
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.ledger.receipt import RevealedLeaf
from ccfpy.testing.apps import Answer, Caller, Service
from tests.unit.endpoints.test_openapi import check
from tests.unit.endpoints.world import StoreNode, context_of

Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def service() -> Service:
    return Service.open(app)


@pytest.fixture
def anybody(service: Service) -> Caller:
    return service.anybody


@pytest.fixture
def ask(service: Service) -> Ask:
    """Ask as the user."""

    def ask(
        method: str,
        path: str,
        body: Json | bytes = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        return service.user().request(method, f"/app{path}", body, headers=headers)

    return ask


def _error(answer: Answer) -> tuple[int, str, str]:
    return answer.status, answer.error, answer.message


@pytest.mark.parametrize("kind", ["private", "public"])
def test_a_record_is_kept_read_counted_and_removed(ask: Ask, kind: str) -> None:
    path = f"/log/{kind}"
    scope = "scope=kept"
    absent = (404, "ResourceNotFound", "No such record: 42.")
    assert _error(ask("GET", f"{path}?id=42&{scope}")) == absent
    written = ask("POST", f"{path}?{scope}", {"id": 42, "msg": "hello"})
    assert (written.status, written.body) == (200, b"true")
    assert written.txid is not None
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
    ask: Ask,
    method: str,
    path: str,
    body: Json,
    expected: tuple[int, str, str],
) -> None:
    assert _error(ask(method, path, body)) == expected


def test_messages_may_be_prefixed_anonymous_or_raw(ask: Ask, service: Service) -> None:
    ask("POST", "/log/private/prefix_cert", {"id": 1, "msg": "a"})
    service.anybody.post("/app/log/private/anonymous", {"id": 2, "msg": "b"})
    text = {"content-type": "text/plain"}
    assert ask("POST", "/log/private/raw_text/3", b"c", text).body == b""
    found = [ask("GET", f"/log/private?id={i}").object()["msg"] for i in (1, 2, 3)]
    assert found == [f"{service.user().id}: a", "Anonymous: b", "c"]


def test_a_local_commit_handler_tells_the_id_in_the_body(anybody: Caller) -> None:
    path = "/app/log/private/anonymous/v2"
    body: JsonObject = {"id": 9, "msg": "x"}
    answer = anybody.post(path, body)
    assert answer.json() == {"success": True, "tx_id": str(answer.txid)}
    failed = anybody.post(f"{path}?fail=true", body)
    assert _error(failed) == (
        500,
        "InternalError",
        "Failed to execute local commit handler func: didn't set user_data!",
    )
    assert failed.txid is not None


@pytest.mark.ccf(app=app)
def test_administrators_are_made_by_the_consortium(
    ccf_service: Service, ccf_user: Caller
) -> None:
    def record(message: str) -> int:
        path = "/app/log/private/admin_only"
        return ccf_user.post(path, {"id": 1, "msg": message}).status

    wrong: JsonObject = {"isAdmin": "yes"}
    right: JsonObject = {"isAdmin": True}
    for data, status in ((wrong, 403), (right, 200)):
        args: JsonObject = {"user_id": ccf_user.id, "user_data": data}
        ccf_service.decide({"name": "set_user_data", "args": args})
        assert record("x") == status
    assert record("") == 400


def test_a_public_record_has_a_tag_that_conditions_may_name(
    ask: Ask,
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


def test_a_claim_is_bound_into_the_receipt(service: Service) -> None:
    claimed: JsonObject = {"id": 6, "msg": "claimed", "record_claim": True}
    written = service.user().post("/app/log/public", claimed)
    receipt = service.receipt(written, claims_digest=sha256(b"claimed"))
    assert isinstance(receipt.leaf, RevealedLeaf)
    assert receipt.leaf.claims_digest == sha256(b"claimed")


def test_the_first_receipt_proves_the_constitution() -> None:
    assert app.create_claims("constitution") == sha256(b"constitution")


def test_every_caller_is_described(service: Service) -> None:
    def described(caller: Caller) -> str:
        answer = caller.post("/app/multi_auth")
        assert answer.headers["content-type"] == "text/plain"
        return answer.text

    user, member, stranger = service.user(), service.member(), service.stranger()
    assert described(user).startswith(
        f"User TLS cert\nThe caller is a user with ID: {user.id}\n"
        f"The caller's cert is:\n{user.certificate}"
    )
    assert described(member).startswith(
        f"Member TLS cert\nThe caller is a member with ID: {member.id}\n"
    )
    assert described(stranger) == (
        f"Any TLS cert\nThe caller's cert is:\n{stranger.certificate}"
    )
    assert described(service.anybody) == "Unauthenticated"


def test_a_signed_request_is_described(service: Service) -> None:
    user = service.user()
    assert user.signed("POST", "/app/multi_auth", b"four").text == (
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


def test_what_a_member_signed_is_repeated(service: Service) -> None:
    answer = service.member().signed(
        "POST",
        "/app/log/cose_signed_content",
        b"hello",
        protected={"ccf.gov.msg.created_at": 1},
    )
    assert (answer.status, answer.text) == (200, "hello")
    assert answer.headers["content-type"] == "text/plain"


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
    anybody: Caller, headers: dict[str, str], reason: str
) -> None:
    answer = anybody.get("/app/custom_auth", headers=headers)
    assert answer.status == 401
    assert reason in answer.text


def test_a_custom_policy_accepts_or_explodes(anybody: Caller) -> None:
    accepted = anybody.get("/app/custom_auth", headers={NAME: "Alice", AGE: "42"})
    assert accepted.json() == {
        "name": "Alice",
        "age": 42,
        "description": "Your name is Alice and you are 42",
    }
    explode = {"x-custom-auth-explode": "Boom"}
    exploded = anybody.get("/app/custom_auth", headers=explode)
    status, code, message = _error(exploded)
    assert (status, code) == (500, "InternalError")
    assert "Boom" not in str(message)


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
    anybody: Caller, sent: str, repeated: bytes
) -> None:
    answer = anybody.get(f"/app/log/request_query?{sent}")
    assert answer.body == repeated
    assert answer.headers["content-type"] == "text/plain"


def test_the_app_describes_itself(anybody: Caller) -> None:
    described = anybody.get("/app/api").object()
    check(described)
    info = described["info"]
    assert isinstance(info, dict)
    assert (info["title"], info["version"]) == ("CCF Sample Logging App", "2.8.0")


def test_the_claims_of_cose_signatures_are_told(service: Service) -> None:
    told = service.user().get("/app/cose_signatures_config")
    assert told.json() == {"issuer": "", "subject": ""}
