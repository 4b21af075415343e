"""Callers: who they are, what they send, what they are told."""

import pytest

from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.client.errors import ServiceError
from ccfpy.client.governance import REJECT
from ccfpy.client.requests import EXCERPT_CHARACTERS
from ccfpy.testing.apps import Answer, Service
from tests.unit.node.line_app import app as line_app

HARMLESS: JsonObject = {"name": "remove_user", "args": {"user_id": "00" * 32}}


def test_every_verb_can_be_sent(service: Service) -> None:
    ann = service.user("ann")
    assert ann.put("/app/notes/1", "milk").status == 204
    assert ann.delete("/app/notes/1").status == 204
    assert ann.post("/app/notes/1", "milk").status == 405
    assert ann.patch("/app/notes/1", "milk").status == 405
    assert ann.get("/app/notes/1").status == 405


def test_head_is_a_verb_of_its_own(service: Service) -> None:
    reader = service.anybody
    refused = reader.head("/app/header")
    assert (refused.status, refused.body) == (405, b"")
    assert refused.headers["allow"] == "OPTIONS, GET"
    assert int(refused.headers["content-length"]) > 0, "that of the body left out"
    assert reader.get("/app/header").status == 204, "the connection goes on"
    assert reader.request("HEAD", "/app/header").status == 405
    assert reader.head("/app/nothing").status == 404
    primary = reader.head("/node/primary")
    assert (primary.status, primary.body) == (200, b"")
    declared = service.user("ann").head("/app/notes/1")
    assert (declared.status, declared.headers["x-note"]) == (200, "milk")
    assert declared.body == b""


def test_headers_can_be_sent(service: Service) -> None:
    told = service.anybody.get("/app/header", headers={"x-note": "milk"})
    assert told.json() == "milk"
    assert told.asked == "GET /app/header as anybody"


def test_users_are_told_from_strangers(service: Service) -> None:
    for caller in (service.anybody, service.stranger(), service.member()):
        assert caller.put("/app/notes/1", "x").status == 401
    with pytest.raises(AssertionError, match="anybody has no certificate"):
        _ = service.anybody.id


def test_a_body_can_be_signed(service: Service) -> None:
    told = service.user().signed(
        "POST", "/app/signed", {"a": 1}, protected={"ccf.msg.type": "note"}
    )
    assert told.json() == 'note: {"a":1}'
    both = service.user().signed("POST", "/app/signed", b"b", shows_certificate=True)
    assert both.text == '"None: b"'
    assert service.stranger().signed("POST", "/app/signed", b"x").status == 401


def test_a_connection_is_kept_and_made_anew(service: Service) -> None:
    ann = service.user()
    ann.get("/app/commit")
    before = service.nodes[0]._sessions
    ann.get("/app/commit")
    assert service.nodes[0]._sessions == before
    (line,) = ann._lines.values()
    assert line.connection.send(b"NOT HTTP\r\n\r\n")[0].status == 400
    assert ann.get("/app/commit").status == 200


def test_the_past_is_asked_for_until_it_is_there(service: Service) -> None:
    written = service.user().put("/app/notes/1", "milk")
    path = f"/node/receipt?transaction_id={service.wait_committed(written)}"
    assert service.anybody.get_past(path).status == 200
    late = service.anybody.get_past("/node/receipt?transaction_id=2.9999")
    assert late.status == 404


def test_members_propose_vote_and_withdraw(service: Service) -> None:
    first, second = service.members
    proposed = first.propose(HARMLESS)
    assert proposed.is_open
    assert second.vote(proposed.proposal_id, REJECT).ballot_count == 1
    assert first.withdraw(proposed.proposal_id).state == "Withdrawn"
    again = first.propose(HARMLESS)
    assert again.proposal_id != proposed.proposal_id, "the same words, said later"


def test_a_refused_proposal_is_raised(service: Service) -> None:
    with pytest.raises(ServiceError, match="no such action"):
        service.member().propose({"name": "set_nothing", "args": {}})


def test_a_protocol_of_the_app_is_spoken_at_an_interface_of_its_own() -> None:
    service = Service.open(line_app, nodes=2)
    lines = service.user().connect("LINES")
    assert lines.converse().startswith(b"hello ")
    assert lines.converse(b"keep tea\n") == b"kept\n"
    service.wait_committed()
    watch = service.anybody.at(service.nodes[1]).connect("WATCH")
    assert watch.converse(b"now") == b"follows\n"
    lines.converse(b"keep milk\n")
    service.wait_committed()
    assert watch.converse() == b"milk\n"
    assert service.anybody.connect("LINES").is_closed
    elsewhere = service.user().at(service.nodes[1]).connect("LINES")
    assert elsewhere.is_closed, "sessions that write are the primary's"


def answer(status: int, body: bytes, logged: tuple[str, ...] = ()) -> Answer:
    return Answer(
        status=status, headers={}, body=body, asked="GET /app/x as ann", logged=logged
    )


REFUSAL = json.dumps({"error": {"code": "NotFound", "message": "No note 1."}})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (answer(204, b""), "<GET /app/x as ann: 204>"),
        (answer(200, b'"hello"'), '<GET /app/x as ann: 200 "hello">'),
        (answer(404, REFUSAL), "<GET /app/x as ann: 404 NotFound: No note 1.>"),
        (
            answer(500, b"oops", ("one", "two")),
            "<GET /app/x as ann: 500 oops; logged: one | two>",
        ),
        (answer(200, b"fine", ("one",)), "<GET /app/x as ann: 200 fine>"),
    ],
)
def test_an_answer_tells_what_was_asked_and_what_came(given: Answer, told: str) -> None:
    assert repr(given) == told


def test_a_long_body_is_told_in_part() -> None:
    told = repr(answer(200, b"x" * (EXCERPT_CHARACTERS + 1)))
    assert told.endswith(f"{'x' * EXCERPT_CHARACTERS}… (201 bytes)>")


def test_a_refusal_has_a_code_and_a_message() -> None:
    refusal = answer(404, REFUSAL)
    assert (refusal.error, refusal.message) == ("NotFound", "No note 1.")


@pytest.mark.parametrize(
    "body", [b"", b"text", b"[]", b'{"error": 1}', b'{"error":{}}']
)
def test_whatever_else_has_neither(body: bytes) -> None:
    other = answer(400, body)
    assert (other.error, other.message) == ("", "")
