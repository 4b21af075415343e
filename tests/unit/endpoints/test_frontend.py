"""The order of checks is protocol: each test breaks one rule and all the later ones."""

import re
from dataclasses import replace

import pytest

from ccfpy.base import json, limits
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.boundary.configuration import RedirectKind, RedirectTarget
from ccfpy.endpoints.auth import CustomAuth, Jwt, MemberCert, UserCert
from ccfpy.endpoints.auth.policy import NoAuth, Unauthenticated
from ccfpy.endpoints.binding import bind
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint, Mode
from ccfpy.endpoints.frontend import TX_ID_HEADER
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.replies import json_reply
from ccfpy.endpoints.session import InterfaceRules
from ccfpy.http.errors import ApiError
from ccfpy.http.messages import Request, Response
from ccfpy.kv.maps import STRING, Map
from ccfpy.service.records import JSON
from tests.attacks import attack
from tests.unit.endpoints.notes import (
    NOTES,
    READ,
    WRITE,
    code_of,
    message_of,
    read,
    write,
)
from tests.unit.endpoints.world import Front, StoreNode, session


def test_checks_fail_in_order_from_pressure_to_the_handler() -> None:
    def boom(_: Context) -> Response:
        raise Malformed("last")

    guarded = Endpoint(method="POST", path="/x", handler=boom, auth=(UserCert(),))
    closed = InterfaceRules(
        name="main",
        accepted_endpoints=(),
        redirect_to_primary=RedirectTarget(
            kind=RedirectKind.NODE_BY_ROLE, role="primary"
        ),
    )
    front = Front([guarded], StoreNode(at_capacity=True, is_primary=False))
    front.frontend.is_open = False
    client = session(interface=closed)

    def outcome(method: str = "GET", path: str = "/nowhere") -> tuple[int, object]:
        response = front.call(method, path, session_=client)
        return response.status, code_of(response) if response.body else None

    assert outcome() == (503, "TooManyPendingTransactions")
    assert front.call("GET", "/x").headers["retry-after"] == "1"
    front.node.at_capacity = False
    assert outcome() == (404, "FrontendNotOpen")
    front.frontend.is_open = True
    assert outcome() == (404, "ResourceNotFound")
    assert outcome("GET", "/x") == (405, "UnsupportedHttpVerb")
    assert outcome("OPTIONS", "/x") == (204, None)
    assert outcome("POST", "/x") == (503, None)
    client.interface = replace(closed, accepted_endpoints=(re.compile("/app/.*"),))
    assert outcome("POST", "/x") == (503, "PrimaryNotFound")
    front.node.addresses["primary", "main"] = "there:1"
    assert outcome("POST", "/x") == (307, None)
    front.node.is_primary = True
    assert outcome("POST", "/x") == (401, "InvalidAuthenticationInfo")


def test_the_nodes_own_frontend_answers_under_pressure() -> None:
    front = Front([READ], StoreNode(at_capacity=True), has_backpressure=False)
    assert front.call("GET", "/notes").status == 200


def test_the_allow_header_lists_options_first() -> None:
    response = Front([WRITE, READ]).call("PATCH", "/notes")
    assert response.headers["allow"] == "OPTIONS, GET, POST"
    assert message_of(response) == (
        "Allowed methods for '/notes' are: OPTIONS, GET, POST."
    )


def test_an_ambiguous_path_is_the_apps_fault() -> None:
    front = Front(
        [
            Endpoint(method="GET", path="/{a}/x", handler=read),
            Endpoint(method="GET", path="/y/{b}", handler=read),
        ]
    )
    response = front.call("GET", "/y/x")
    assert (response.status, code_of(response)) == (500, "InternalError")


def test_a_write_answers_with_its_transactions_id() -> None:
    front = Front([WRITE, READ])
    assert front.call("POST", "/notes", body=b"hello").headers[TX_ID_HEADER] == "2.1"
    response = front.call("GET", "/notes")
    assert response.body == b'"hello"'
    assert response.headers[TX_ID_HEADER] == "2.1"
    assert front.node.claims == [None]


def test_a_response_that_comes_later_is_passed_on_and_its_transaction_dropped() -> None:
    awaited = Awaited()

    def handler(context: Context) -> Awaited:
        NOTES.of(context.tx).put("k", "v")
        return awaited

    front = Front([Endpoint(method="POST", path="/", handler=handler)])
    request = Request(method="POST", path="/app/")
    assert front.frontend.answer(request, session(), "/") is awaited
    assert front.node.store.version == 0


def test_an_endpoint_that_opens_no_map_has_no_id() -> None:
    idle = Endpoint(method="GET", path="/", handler=lambda _: json_reply(1))
    assert TX_ID_HEADER not in Front([idle]).call("GET", "/").headers


def test_a_command_has_no_transaction() -> None:
    def handler(context: Context) -> Response:
        with pytest.raises(AssertionError):
            _ = context.tx
        return json_reply(True)

    command = Endpoint(method="GET", path="/", handler=handler, mode=Mode.COMMAND)
    front = Front([command])
    assert front.call("GET", "/").status == 200
    assert front.unhandled == []


def test_a_command_that_asks_who_calls_reads_to_find_out() -> None:
    command = Endpoint(
        method="GET",
        path="/",
        handler=lambda _: json_reply(True),
        mode=Mode.COMMAND,
        auth=(NoAuth(),),
    )
    assert Front([command]).call("GET", "/").status == 200


@pytest.mark.parametrize(
    ("status", "override", "is_kept"),
    [(200, None, True), (400, None, False), (400, True, True), (200, False, False)],
)
def test_only_success_commits_unless_the_handler_says_so(
    status: int, override: bool | None, is_kept: bool
) -> None:
    def handler(context: Context) -> Response:
        NOTES.of(context.tx).put("k", "v")
        context.apply_writes = override
        context.claims_digest = b"c" * 32
        return json_reply(True, status=status)

    front = Front([Endpoint(method="POST", path="/", handler=handler)])
    assert front.call("POST", "/").status == status
    assert front.node.store.version == (1 if is_kept else 0)
    assert front.node.claims == ([b"c" * 32] if is_kept else [])


def test_a_lost_race_runs_the_handler_again() -> None:
    front = Front([])
    runs: list[str | None] = []

    def handler(context: Context) -> Response:
        notes = NOTES.of(context.tx)
        seen = notes.get("k")
        if not runs:  # somebody else is faster, once
            other = front.node.begin(read_only=False)
            NOTES.of(other).put("k", "theirs")
            front.node.commit(other, None)
        runs.append(seen)
        notes.put("k", f"{seen} and ours")
        return json_reply(True)

    endpoint = Endpoint(method="POST", path="/", handler=handler)
    front.frontend.registry.add(endpoint)
    assert front.call("POST", "/").headers[TX_ID_HEADER] == "2.2"
    assert runs == [None, "theirs"]


def test_a_race_always_lost_ends_with_a_word_when_to_come_back() -> None:
    front = Front([])
    runs = []

    def handler(context: Context) -> Response:
        notes = NOTES.of(context.tx)
        notes.get("k")
        other = front.node.begin(read_only=False)
        NOTES.of(other).put("k", "theirs")
        front.node.commit(other, None)
        notes.put("k", "ours")
        runs.append(1)
        return json_reply(True)

    front.frontend.registry.add(Endpoint(method="POST", path="/", handler=handler))
    response = front.call("POST", "/")
    assert (response.status, code_of(response)) == (
        503,
        "TransactionCommitAttemptsExceedLimit",
    )
    assert response.headers["retry-after"] == "3"
    assert len(runs) == limits.TX_ATTEMPTS_MAX


def test_a_refusal_names_every_policy_and_the_last_ones_challenge() -> None:
    def refuse(_: Context) -> object:
        raise Unauthenticated("no", challenge="Knock")

    guarded = replace(
        WRITE,
        auth=(MemberCert(), CustomAuth("mine", refuse)),  # type: ignore[arg-type]  # it never gives anybody
    )
    response = Front([guarded]).call("POST", "/notes")
    error = json.loads_object(response.body)["error"]
    assert error == {
        "code": "InvalidAuthenticationInfo",
        "message": "Invalid authentication credentials.",
        "details": [
            {
                "auth_policy": "member_cert",
                "code": "InvalidAuthenticationInfo",
                "message": "No caller member certificate",
            },
            {
                "auth_policy": "mine",
                "code": "InvalidAuthenticationInfo",
                "message": "no",
            },
        ],
    }
    assert response.headers["www-authenticate"] == "Knock"


def test_a_refusal_without_a_challenge_has_no_such_header() -> None:
    response = Front([replace(WRITE, auth=(MemberCert(),))]).call("POST", "/notes")
    assert response.status == 401
    assert "www-authenticate" not in response.headers


@pytest.mark.parametrize("others", [(), (MemberCert(),)], ids=["alone", "first"])
def test_a_request_without_a_token_is_refused_as_the_policy_itself_refuses_it(
    others: tuple[MemberCert, ...],
) -> None:
    # Asked for every request, since the frontend knows only ``Jwt`` itself.
    plain = CustomAuth("jwt", Jwt().authenticate)
    known, asked = (
        Front([replace(WRITE, auth=(policy, *others))]).call("POST", "/notes")
        for policy in (Jwt(), plain)
    )
    assert known.status == 401
    assert (known.body, known.headers) == (asked.body, asked.headers)


def test_the_first_policy_that_accepts_names_the_caller() -> None:
    callers = []

    def handler(context: Context) -> Response:
        callers.append(context.caller)
        return json_reply(True)

    front = Front(
        [Endpoint(method="GET", path="/", handler=handler, auth=(UserCert(), NoAuth()))]
    )
    assert front.call("GET", "/").status == 200
    assert [caller and caller.policy for caller in callers] == ["no_auth"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ApiError(418, "Mine", "m"), 418, "Mine"),
        (Malformed("m"), 400, "InvalidInput"),
        (KeyError("m"), 500, "InternalError"),
    ],
)
def test_what_a_handler_raises_is_somebodys_fault(
    error: Exception, status: int, code: str
) -> None:
    def handler(_: Context) -> Response:
        raise error

    front = Front([Endpoint(method="GET", path="/", handler=handler)])
    response = front.call("GET", "/")
    assert (response.status, code_of(response)) == (status, code)
    assert front.unhandled == ([error] if status == 500 else [])


def test_a_broken_policy_stops_neither_node_nor_log() -> None:
    def explode(_: Context) -> NoAuth:
        raise RuntimeError("boom")

    policy = CustomAuth("mine", explode)  # type: ignore[arg-type]  # it never gives anybody
    front = Front([replace(READ, auth=(policy,))])
    response = front.call("GET", "/notes")
    assert response.status == 500
    assert message_of(response) == (
        "The request failed within the service. "
        "The node's log has the reason under id1."
    )
    assert len(front.unhandled) == 1


def test_a_session_does_not_survive_a_change_of_view() -> None:
    front = Front([WRITE])
    client = session()
    assert front.call("POST", "/notes", session_=client).status == 200
    front.node.view = 4
    response = front.call("POST", "/notes", session_=client)
    assert (response.status, code_of(response)) == (500, "SessionConsistencyLost")
    assert response.close
    assert front.node.store.version == 1
    assert "on session 7. Started in view 2, now in view 4." in message_of(response)


def test_a_local_commit_handler_shapes_the_answer() -> None:
    def shape(context: Context, response: Response, tx_id: TxId) -> None:
        response.body = f"{context.user_data} {tx_id}".encode()

    def handler(context: Context) -> Response:
        context.user_data = "mine"
        return write(context)

    front = Front(
        [Endpoint(method="POST", path="/", handler=handler, on_local_commit=shape)]
    )
    response = front.call("POST", "/")
    assert response.body == b"mine 2.1"
    assert TX_ID_HEADER not in response.headers


def test_a_failed_local_commit_handler_still_tells_the_id() -> None:
    def shape(_: Context, __: Response, ___: TxId) -> None:
        raise ValueError("oh")

    front = Front([replace(WRITE, on_local_commit=shape)])
    response = front.call("POST", "/notes")
    assert (response.status, response.headers[TX_ID_HEADER]) == (500, "2.1")
    assert message_of(response) == (
        "Failed to execute local commit handler func. "
        "The node's log has the reason under id1."
    )
    assert front.node.store.version == 1
    assert len(front.unhandled) == 1


def test_a_local_commit_handler_may_say_what_its_caller_is_told() -> None:
    def shape(_: Context, __: Response, ___: TxId) -> None:
        raise ApiError(400, "Mine", "no data")

    front = Front([replace(WRITE, on_local_commit=shape)])
    response = front.call("POST", "/notes")
    assert (response.status, code_of(response)) == (500, "InternalError")
    assert response.headers[TX_ID_HEADER] == "2.1"
    assert message_of(response) == (
        "Failed to execute local commit handler func: no data"
    )


def _answering(answer: object) -> Front:
    def handler(_: Context) -> Response:
        return answer  # type: ignore[return-value]  # the application's mistake

    bound = bind(handler, "/")
    return Front([Endpoint(method="GET", path="/", handler=bound.handler)])


def _raising(error: BaseException) -> Front:
    def handler(_: Context) -> Response:
        raise error

    return Front([Endpoint(method="GET", path="/", handler=handler)])


@attack("applications: an answer that nobody can send")
def test_what_is_no_answer_is_an_error() -> None:
    response = _answering("text").call("GET", "/")
    assert (response.status, code_of(response)) == (500, "InternalError")


@attack("applications: an answer that nobody can send")
def test_what_is_too_large_to_be_sent_is_an_error() -> None:
    body = bytes(limits.APP_RESPONSE_BYTES_MAX + 1)
    response = _answering(Response(status=200, body=body)).call("GET", "/")
    assert (response.status, code_of(response)) == (500, "InternalError")
    assert "The answer is too large, or of no form that can be sent." in str(
        message_of(response)
    )


def test_the_largest_answer_is_sent() -> None:
    body = bytes(limits.APP_RESPONSE_BYTES_MAX)
    assert _answering(Response(status=200, body=body)).call("GET", "/").body == body


@attack("applications: an answer that nobody can send")
@pytest.mark.parametrize(
    "error",
    [
        ApiError(400, "Mine", "half a pair: \ud800"),
        ApiError(400, "Mine", "m", details=[{"a": object()}]),  # type: ignore[dict-item]
        ApiError(400, "Mine", "m" * (limits.JSON_BYTES_MAX + 1)),
        ApiError(400, "Mine", "m", headers={"a": 1}),  # type: ignore[dict-item]
    ],
)
def test_nor_does_an_error_that_cannot_be_sent_stop_the_node(error: ApiError) -> None:
    front = _raising(error)
    response = front.call("GET", "/")
    assert (response.status, code_of(response)) == (500, "InternalError")
    assert len(front.unhandled) == 1


@attack("applications: a handler that ends the program")
@pytest.mark.parametrize("error", [SystemExit(0), GeneratorExit(), MemoryError()])
def test_what_would_end_the_process_ends_one_request(error: BaseException) -> None:
    response = _raising(error).call("GET", "/")
    assert (response.status, code_of(response)) == (500, "InternalError")


@attack("applications: a stored value that cannot be read")
def test_what_a_map_holds_is_not_told_to_whoever_meets_it() -> None:
    rows = Map("rows", STRING, JSON)

    def handler(context: Context) -> Response:
        rows.of(context.tx).raw.put(b"k", b"a private value")
        return json_reply(rows.of(context.tx).get("k"))

    front = Front([Endpoint(method="POST", path="/", handler=handler)])
    response = front.call("POST", "/")
    assert (response.status, code_of(response)) == (500, "InternalError")
    assert len(front.unhandled) == 1


def test_json_that_goes_too_deep_is_the_services_fault() -> None:
    nested: object = 1
    for _ in range(10_000):
        nested = [nested]

    def handler(_: Context) -> Response:
        return json_reply(nested)

    response = Front([Endpoint(method="GET", path="/", handler=handler)]).call(
        "GET", "/"
    )
    assert (response.status, code_of(response)) == (500, "InternalError")


# Waiting for commit

WAIT = {"x-ccfpy-wait-for-commit": "200"}


def test_a_write_waits_for_commit_where_its_caller_asks() -> None:
    front = Front([WRITE])
    request = Request(method="POST", path="/app/notes", headers=dict(WAIT))
    assert isinstance(front.frontend.answer(request, session(), "/notes"), Awaited)
    ((tx_id, response, within_ms),) = front.node.commit_waits.waiting
    assert (tx_id, within_ms) == (TxId(2, 1), 200)
    assert response.headers[TX_ID_HEADER] == "2.1"


@pytest.mark.parametrize("status", [200, 404])
def test_what_has_no_transaction_waits_for_none(status: int) -> None:
    idle = replace(WRITE, handler=lambda _: json_reply(1, status=status))
    front = Front([idle])
    assert front.call("POST", "/notes", headers=WAIT).status == status
    assert front.node.commit_waits.waiting == []


def test_without_a_place_to_wait_nothing_is_run() -> None:
    front = Front([WRITE])
    front.node.commit_waits.has_room = False
    response = front.call("POST", "/notes", headers=WAIT)
    assert (response.status, code_of(response)) == (503, "TooManyPendingTransactions")
    assert front.node.store.version == 0


def test_a_wait_that_cannot_be_read_is_refused_before_anything_is_run() -> None:
    front = Front([WRITE])
    response = front.call(
        "POST", "/notes", headers={"x-ccfpy-wait-for-commit": "a while"}
    )
    assert (response.status, code_of(response)) == (400, "InvalidHeaderValue")
    assert front.node.store.version == 0
