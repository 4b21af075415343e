"""The message board, in Python and in JavaScript: both behave in the same way."""

from pathlib import Path

import pytest

from apps import hello
from ccfpy.testing.apps import AppSource, Service

IN_JAVASCRIPT = Path(__file__).resolve().parents[2] / "apps" / "hello_js"
NUMBER_MAX = 2**64 - 1


@pytest.fixture(
    scope="module", params=[hello.app, IN_JAVASCRIPT], ids=["python", "javascript"]
)
def service(request: pytest.FixtureRequest) -> Service:
    app: AppSource = request.param
    return Service.open(app)


@pytest.mark.parametrize("text", ["hello", "", "ä\U0001f600\0", '"\\'])
@pytest.mark.parametrize("number", [0, NUMBER_MAX])
def test_what_a_user_says_anybody_reads(
    service: Service, number: int, text: str
) -> None:
    path = f"/app/messages/{number}"
    assert service.user().put(path, {"text": text}).status == 204
    assert service.anybody.get(path).object() == {"text": text}


def test_the_ledger_remembers_it(service: Service) -> None:
    said = service.user().put("/app/messages/07", {"text": "ledger"})
    service.wait_committed(said)
    assert service.ledger.table("public:messages")[b"7"] == b'"ledger"'


REFUSED = [
    ("user0", "1", {}, 400, "InvalidInput"),
    ("user0", "1", {"text": 1}, 400, "InvalidInput"),
    ("user0", "1", [], 400, "InvalidInput"),
    ("user0", "1", None, 400, "InvalidInput"),
    ("user0", "1", b"{", 400, "InvalidInput"),
    ("user0", "-1", {"text": "x"}, 400, "InvalidResourceName"),
    ("user0", "one", {"text": "x"}, 400, "InvalidResourceName"),
    ("user0", str(NUMBER_MAX + 1), {"text": "x"}, 400, "InvalidResourceName"),
    ("user0", "1" * 40, {"text": "x"}, 400, "InvalidResourceName"),
    ("anybody", "1", {"text": "x"}, 401, "InvalidAuthenticationInfo"),
    ("stranger", "1", {"text": "x"}, 401, "InvalidAuthenticationInfo"),
]


@pytest.mark.parametrize(("who", "number", "body", "status", "code"), REFUSED)
def test_what_is_not_said_rightly_is_refused(
    service: Service, who: str, number: str, body: object, status: int, code: str
) -> None:
    callers = {"anybody": service.anybody, "stranger": service.stranger()}
    caller = callers.get(who) or service.user(who)
    answer = caller.put(f"/app/messages/{number}", body)  # type: ignore[arg-type]  # any JSON
    assert (answer.status, answer.error) == (status, code), answer


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [("404", 404, "ResourceNotFound"), ("x", 400, "InvalidResourceName")],
)
def test_what_was_not_said_is_not_there(
    service: Service, number: str, status: int, code: str
) -> None:
    answer = service.anybody.get(f"/app/messages/{number}")
    assert (answer.status, answer.error) == (status, code)
