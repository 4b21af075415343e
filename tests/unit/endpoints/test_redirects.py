"""Requests for another node: clients are sent there, or it is asked in their place."""

from dataclasses import replace

import pytest

from ccfpy.boundary.configuration import RedirectKind, RedirectTarget
from ccfpy.endpoints.auth import UserCert
from ccfpy.endpoints.declaration import Endpoint, Forwarding, Redirection
from ccfpy.endpoints.pending import Answer, Awaited
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.messages import Request, Response
from tests.unit.endpoints.notes import (
    READ,
    WRITE,
    code_of,
    message_of,
    read,
)
from tests.unit.endpoints.world import Front, StoreNode, session


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
    interface = InterfaceRules(
        name="main",
        redirect_to_primary=RedirectTarget(
            kind=RedirectKind.NODE_BY_ROLE, role="primary"
        ),
        redirect_to_backup=RedirectTarget(
            kind=RedirectKind.NODE_BY_ROLE, role="backup"
        ),
    )
    front = Front([replace(READ, redirection=redirection)], node)
    response = front.call(
        "GET", "/notes", query="a=b", session_=session(interface=interface)
    )
    assert response.headers.get("location") == expected
    assert response.status == (307 if expected else 200)
    assert target in ("primary", "backup")


def test_a_static_target_needs_no_node() -> None:
    static = RedirectTarget(kind=RedirectKind.STATIC_ADDRESS, address="far:9")
    interface = InterfaceRules(name="main", redirect_to_primary=static)
    front = Front([WRITE], StoreNode(is_primary=False))
    response = front.call("POST", "/notes", session_=session(interface=interface))
    assert response.headers["location"] == "https://far:9/app/notes"


def test_a_backup_nobody_knows_is_not_found() -> None:
    interface = InterfaceRules(
        name="main",
        redirect_to_backup=RedirectTarget(
            kind=RedirectKind.NODE_BY_ROLE, role="backup"
        ),
    )
    front = Front([replace(READ, redirection=Redirection.TO_BACKUP)])
    response = front.call("GET", "/notes", session_=session(interface=interface))
    assert (response.status, code_of(response)) == (503, "BackupNotFound")
    assert message_of(response) == (
        "Request should be redirected to backup, but receiving node does not know "
        "any current backup address"
    )


# Forwarding

BACKUP_READ = replace(READ, forwarding=Forwarding.SOMETIMES)
LOCAL = Endpoint(method="GET", path="/local", handler=read, forwarding=Forwarding.NEVER)


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
        interface=InterfaceRules(
            name="main",
            redirect_to_primary=RedirectTarget(
                kind=RedirectKind.NODE_BY_ROLE, role="primary"
            ),
        )
    )
    response = front.call("POST", "/notes", session_=client)
    assert code_of(response) == "PrimaryNotFound"
    assert response.headers["retry-after"] == "1"
    assert front.node.forwarded == []


def test_what_is_forwarded_already_goes_no_further() -> None:
    front, client = _backup(), session()
    client.is_forwarded = True
    response = front.call("POST", "/notes", session_=client)
    assert (response.status, code_of(response)) == (503, "RequestAlreadyForwarded")
    assert response.headers["retry-after"] == "1"
    assert message_of(response) == "RPC was already forwarded."


def test_http_2_is_not_forwarded_but_for_calls_of_grpc() -> None:
    front = _backup()
    request = Request(method="POST", path="/app/notes", version="2")
    response = front.frontend.answer(request, session(), "/notes")
    assert isinstance(response, Response)
    assert (response.status, code_of(response)) == (501, "NotImplemented")
    request.headers["content-type"] = "application/grpc"
    answer = front.frontend.answer(request, session(), "/notes")
    assert isinstance(answer, Awaited)


def test_a_session_is_not_forwarded_into_another_view() -> None:
    front, client = _backup(), session()
    _answer(front, "POST", client)
    front.node.view = 3
    response = front.call("POST", "/notes", session_=client)
    assert code_of(response) == "SessionConsistencyLost"
    assert response.close
    assert len(front.node.forwarded) == 1


def test_who_calls_is_for_the_primary_to_say() -> None:
    guarded = replace(WRITE, auth=(UserCert(),))
    front = Front([guarded], StoreNode(is_primary=False))
    assert isinstance(_answer(front, "POST", session()), Awaited)
