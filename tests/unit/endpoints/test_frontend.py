"""The order of checks is protocol: each test breaks one rule and all the later ones."""

import re
from dataclasses import replace

import pytest

from ccfpy.base import json, limits
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.endpoints.auth import CustomAuth, MemberCert, UserCert
from ccfpy.endpoints.auth.no_auth import NoAuth
from ccfpy.endpoints.auth.policy import Unauthenticated
from ccfpy.endpoints.awaited import Answer, Awaited
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint, Forwarding, Mode, Redirection
from ccfpy.endpoints.frontend import TX_ID_HEADER
from ccfpy.endpoints.replies import json_reply
from ccfpy.endpoints.session import Interface, Redirect, RedirectTarget, Session
from ccfpy.http.errors import ApiError
from ccfpy.http.messages import Request, Response
from ccfpy.kv.maps import STRING, Map
from tests.unit.endpoints.world import Front, StoreNode, session

NOTES = Map("notes", STRING, STRING)


def _write(context: Context) -> Response:
    NOTES.of(context.tx).put("k", context.request.body.decode())
    return json_reply(True)


def _read(context: Context) -> Response:
    return json_reply(NOTES.of(context.tx).get("k"))


WRITE = Endpoint(method="POST", path="/notes", handler=_write)
READ = Endpoint(
    method="GET",
    path="/notes",
    handler=_read,
    mode=Mode.READ_ONLY,
    redirection=Redirection.NONE,
)


def _code(response: Response) -> object:
    error = json.loads_object(response.body)["error"]
    assert isinstance(error, dict)
    return error["code"]


def _message(response: Response) -> str:
    error = json.loads_object(response.body)["error"]
    assert isinstance(error, dict)
    return str(error["message"])


def test_checks_fail_in_order_from_pressure_to_the_handler() -> None:
    def boom(_: Context) -> Response:
        raise Malformed("last")

    guarded = Endpoint(method="POST", path="/x", handler=boom, auth=(UserCert(),))
    closed = Interface(
        name="main",
        accepted_endpoints=(),
        redirect_to_primary=Redirect(role="primary"),
    )
    front = Front([guarded], StoreNode(at_capacity=True, is_primary=False))
    front.frontend.is_open = False
    client = session(interface=closed)

    def outcome(method: str = "GET", path: str = "/nowhere") -> tuple[int, object]:
        response = front.call(method, path, session_=client)
        return response.status, _code(response) if response.body else None

    assert outcome() == (503, "TooManyPendingTransactions")
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
    assert _message(response) == (
        "Allowed methods for '/notes' are: OPTIONS, GET, POST."
    )


def test_an_ambiguous_path_is_the_apps_fault() -> None:
    front = Front(
        [
            Endpoint(method="GET", path="/{a}/x", handler=_read),
            Endpoint(method="GET", path="/y/{b}", handler=_read),
        ]
    )
    response = front.call("GET", "/y/x")
    assert (response.status, _code(response)) == (500, "InternalError")


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
    assert (response.status, _code(response)) == (
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
    assert (response.status, _code(response)) == (status, code)
    assert front.unhandled == ([error] if status == 500 else [])


def test_a_broken_policy_stops_neither_node_nor_log() -> None:
    def explode(_: Context) -> NoAuth:
        raise RuntimeError("boom")

    policy = CustomAuth("mine", explode)  # type: ignore[arg-type]  # it never gives anybody
    front = Front([replace(READ, auth=(policy,))])
    response = front.call("GET", "/notes")
    assert (response.status, _message(response)) == (500, "boom")
    assert len(front.unhandled) == 1


def test_a_session_does_not_survive_a_change_of_view() -> None:
    front = Front([WRITE])
    client = session()
    assert front.call("POST", "/notes", session_=client).status == 200
    front.node.view = 4
    response = front.call("POST", "/notes", session_=client)
    assert (response.status, _code(response)) == (500, "SessionConsistencyLost")
    assert response.close
    assert front.node.store.version == 1
    assert "on session 7. Started in view 2, now in view 4." in _message(response)


def test_a_local_commit_handler_shapes_the_answer() -> None:
    def shape(context: Context, response: Response, tx_id: TxId) -> None:
        response.body = f"{context.user_data} {tx_id}".encode()

    def handler(context: Context) -> Response:
        context.user_data = "mine"
        return _write(context)

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
    assert _message(response) == "Failed to execute local commit handler func: oh"
    assert front.node.store.version == 1
    assert len(front.unhandled) == 1


@pytest.mark.parametrize(
    ("redirection", "is_primary", "target", "expected"),
    [
        (Redirection.TO_PRIMARY, True, "primary", None),
        (Redirection.TO_PRIMARY, False, "primary", "https://p:1/app/notes?a=b"),
        (Redirection.TO_BACKUP, False, "backup", None),
        (Redirection.TO_BACKUP, True, "backup", "https://b:1/app/notes?a=b"),
        (Redirection.NONE, False, "primary", None),
    ],
)
def test_a_request_goes_where_its_endpoint_belongs(
    redirection: Redirection, is_primary: bool, target: str, expected: str | None
) -> None:
    node = StoreNode(
        is_primary=is_primary,
        addresses={("primary", "main"): "p:1", ("backup", "main"): "b:1"},
    )
    interface = Interface(
        name="main",
        redirect_to_primary=Redirect(role="primary"),
        redirect_to_backup=Redirect(role="backup"),
    )
    front = Front([replace(READ, redirection=redirection)], node)
    response = front.call(
        "GET", "/notes", query="a=b", session_=session(interface=interface)
    )
    assert response.headers.get("location") == expected
    assert response.status == (307 if expected else 200)
    assert target in ("primary", "backup")


def test_a_static_target_needs_no_node() -> None:
    static = Redirect(kind=RedirectTarget.STATIC_ADDRESS, address="far:9")
    interface = Interface(name="main", redirect_to_primary=static)
    front = Front([WRITE], StoreNode(is_primary=False))
    response = front.call("POST", "/notes", session_=session(interface=interface))
    assert response.headers["location"] == "https://far:9/app/notes"


def test_a_backup_nobody_knows_is_not_found() -> None:
    interface = Interface(name="main", redirect_to_backup=Redirect(role="backup"))
    front = Front([replace(READ, redirection=Redirection.TO_BACKUP)])
    response = front.call("GET", "/notes", session_=session(interface=interface))
    assert (response.status, _code(response)) == (503, "BackupNotFound")
    assert _message(response) == (
        "Request should be redirected to backup, but receiving node does not know "
        "any current backup address"
    )


# Forwarding

BACKUP_READ = replace(READ, forwarding=Forwarding.SOMETIMES)
LOCAL = Endpoint(
    method="GET", path="/local", handler=_read, forwarding=Forwarding.NEVER
)


def _backup(*, view: int = 2) -> Front:
    return Front([WRITE, BACKUP_READ, LOCAL], StoreNode(is_primary=False, view=view))


def _answer(front: Front, method: str, client: Session, path: str = "/notes") -> Answer:
    request = Request(method=method, path=f"/app{path}")
    return front.frontend.answer(request, client, path)


def test_a_backup_forwards_writes_and_from_then_on_the_sessions_reads() -> None:
    front, client = _backup(), session()
    assert isinstance(_answer(front, "GET", client), Response)
    awaited = _answer(front, "POST", client)
    assert [a for _, a in front.node.forwarded] == [awaited]
    assert client.is_forwarding
    assert client.active_view == 2
    assert isinstance(_answer(front, "GET", client), Awaited)
    assert isinstance(_answer(front, "GET", client, "/local"), Response)
    assert isinstance(_answer(front, "GET", session()), Response), "others may read"


def test_a_primary_serves_a_session_that_was_forwarded_before() -> None:
    front, client = _backup(), session()
    _answer(front, "POST", client)
    front.node.is_primary = True
    assert isinstance(_answer(front, "POST", client), Response)


def test_an_interface_that_redirects_forwards_nothing() -> None:
    front = _backup()
    client = session(
        interface=Interface(name="main", redirect_to_primary=Redirect(role="primary"))
    )
    response = front.call("POST", "/notes", session_=client)
    assert _code(response) == "PrimaryNotFound"
    assert front.node.forwarded == []


def test_what_is_forwarded_already_goes_no_further() -> None:
    front, client = _backup(), session()
    client.is_forwarded = True
    response = front.call("POST", "/notes", session_=client)
    assert (response.status, _code(response)) == (503, "RequestAlreadyForwarded")
    assert _message(response) == "RPC was already forwarded."


def test_http_2_is_not_forwarded() -> None:
    front = _backup()
    request = Request(method="POST", path="/app/notes", version="2")
    response = front.frontend.answer(request, session(), "/notes")
    assert isinstance(response, Response)
    assert (response.status, _code(response)) == (501, "NotImplemented")


def test_a_session_is_not_forwarded_into_another_view() -> None:
    front, client = _backup(), session()
    _answer(front, "POST", client)
    front.node.view = 3
    response = front.call("POST", "/notes", session_=client)
    assert _code(response) == "SessionConsistencyLost"
    assert response.close
    assert len(front.node.forwarded) == 1


def test_who_calls_is_for_the_primary_to_say() -> None:
    guarded = replace(WRITE, auth=(UserCert(),))
    front = Front([guarded], StoreNode(is_primary=False))
    assert isinstance(_answer(front, "POST", session()), Awaited)


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
    assert (response.status, _code(response)) == (503, "TooManyPendingTransactions")
    assert front.node.store.version == 0


def test_a_wait_that_cannot_be_read_is_refused_before_anything_is_run() -> None:
    front = Front([WRITE])
    response = front.call(
        "POST", "/notes", headers={"x-ccfpy-wait-for-commit": "a while"}
    )
    assert (response.status, _code(response)) == (400, "InvalidHeaderValue")
    assert front.node.store.version == 0
