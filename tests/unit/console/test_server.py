"""The console's answers, from a service in the test's own process."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ccfpy.base.json import Json
from ccfpy.base.limits import PROPOSAL_DEPTH_MAX
from ccfpy.client.governance import ACCEPT, REJECT
from ccfpy.console import server
from ccfpy.console.guards import HEADERS
from ccfpy.console.server import BODY_BYTES_MAX, NoPage, read_page
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import hosted
from tests.unit.console.served import Answer, Page, console_of, pen_of

ALICE, BOB = Person.make("alice", can_recover=True), Person.make("bob")
ARGUMENTS: Json = {"user_id": "ab" * 32, "user_data": {}}


@pytest.fixture(scope="module")
def node() -> InProcessNode:
    """A service of two members."""
    return hosted(ALICE, BOB)


@pytest.fixture
def propose(node: InProcessNode) -> Callable[..., str]:
    """Return what lets Bob propose something."""

    def proposed(arguments: Json = ARGUMENTS) -> str:
        path, kind = "members/proposals:create", "proposal"
        node.advance(1000)
        action: Json = {"name": "set_user_data", "args": arguments}
        created = node.govern(BOB, path, kind, {"actions": [action]})
        return str(json.loads(created.body)["proposalId"])

    return proposed


@pytest.fixture
def asked(node: InProcessNode, serve: Serve, service_pem: str) -> Callable[..., Answer]:
    """Return what asks a console of Alice's, or of nobody's."""

    async def one(path: str, body: object, *, reads_only: bool) -> Answer:
        pen = None if reads_only else pen_of(ALICE)
        async with console_of(node, serve, service_pem, pen) as page:
            return await page.ask(path, body)

    def ask(path: str, body: object = None, *, reads_only: bool = False) -> Answer:
        return asyncio.run(one(path, body, reads_only=reads_only))

    return ask


def test_a_page_begins_with_whose_console_it_is(asked: Callable[..., Answer]) -> None:
    status, start = asked("/api/start")
    assert (status, start["signer"], start["confirms"]) == (200, "alice", False)
    assert start["signer_id"] == ALICE.certificate.digest_hex
    status, start = asked("/api/start", reads_only=True)
    assert (status, start["signer"], start["signer_id"]) == (200, None, None)


def test_a_vote_is_bound_to_the_bytes_that_were_read(
    asked: Callable[..., Answer], propose: Callable[..., str], node: InProcessNode
) -> None:
    proposal_id = propose()
    status, page = asked(f"/api/proposals/{proposal_id}")
    assert (status, page["may_vote"], page["state"]) == (200, True, "Open")
    vote = {
        "in_favour": True,
        "digest": page["digest"],
        "outcome": page["outcome"],
    }
    status, cast = asked(f"/api/proposals/{proposal_id}/vote", vote)
    assert (status, cast["state"]) == (200, "Open")
    path = (
        f"/gov/members/proposals/{proposal_id}/ballots/{ALICE.certificate.digest_hex}"
        "?api-version=2024-07-01"
    )
    ballot = node.request("GET", path).body.decode()
    assert page["digest"] in ballot
    assert asked(f"/api/proposals/{proposal_id}").value["may_vote"] is False
    assert asked(f"/api/committed/{cast['txid']}").value["state"] == "Committed"


@attack("gov: another proposal is accepted while a member reads one")
def test_an_outcome_that_is_no_longer_the_one_read_is_not_voted_on(
    asked: Callable[..., Answer], propose: Callable[..., str], node: InProcessNode
) -> None:
    """Another proposal was accepted while a member read this one."""
    proposal_id = propose()
    page = asked(f"/api/proposals/{proposal_id}").value
    read = {"digest": page["digest"], "outcome": page["outcome"]}
    shown = f"/api/proposals/{proposal_id}?outcome={page['outcome']}"
    assert asked(shown).value["outcome"] == page["outcome"], "nothing has changed"
    accept(node, propose({"user_id": "ab" * 32, "user_data": {"role": "owner"}}))
    for in_favour in (True, False):
        vote = {"in_favour": in_favour, **read}
        status, problem = asked(f"/api/proposals/{proposal_id}/vote", vote)
        assert status == 409
        assert "no longer what you read" in problem["error"]
    page = asked(shown).value
    assert page["outcome"] != read["outcome"]
    vote = {"in_favour": True, "digest": page["digest"], "outcome": page["outcome"]}
    assert asked(f"/api/proposals/{proposal_id}/vote", vote).status == 200


def accept(node: InProcessNode, proposal_id: str) -> None:
    """Accept a proposal, by both members' votes."""
    path = f"members/proposals/{proposal_id}/ballots"
    for person in (ALICE, BOB):
        cast = node.govern(
            person,
            f"{path}/{person.id}:submit",
            "ballot",
            {"ballot": ACCEPT},
            proposal_id=proposal_id,
        )
        assert cast.status == 200


def test_a_vote_of_another_meanwhile_does_not_change_the_outcome(
    asked: Callable[..., Answer], propose: Callable[..., str], node: InProcessNode
) -> None:
    proposal_id = propose()
    page = asked(f"/api/proposals/{proposal_id}").value
    node.govern(
        BOB,
        f"members/proposals/{proposal_id}/ballots/{BOB.id}:submit",
        "ballot",
        {"ballot": REJECT},
        proposal_id=proposal_id,
    )
    vote = {"in_favour": True, "digest": page["digest"], "outcome": page["outcome"]}
    assert asked(f"/api/proposals/{proposal_id}/vote", vote).status == 200


def test_other_bytes_than_those_read_are_not_voted_for(
    asked: Callable[..., Answer], propose: Callable[..., str]
) -> None:
    proposal_id = propose()
    vote = {"in_favour": True, "digest": "00" * 32, "outcome": ""}
    status, problem = asked(f"/api/proposals/{proposal_id}/vote", vote)
    assert status == 409
    assert "other bytes" in problem["error"]
    assert asked(f"/api/proposals/{proposal_id}").value["may_vote"] is True


@attack("gov: a proposal that the engine reads and members' tools do not")
def test_what_cannot_be_shown_is_not_voted_for(
    asked: Callable[..., Answer], node: InProcessNode
) -> None:
    """Two readers may differ about it; a vote against it is one against both."""
    actions: Json = [{"name": "set_user_data", "args": {"user_id": "ab" * 32}}]
    deep: Json = "x"
    for _ in range(PROPOSAL_DEPTH_MAX):
        deep = [deep]
    node.advance(1000)
    asking = {"actions": actions, "beside": deep}
    made = node.govern(BOB, "members/proposals:create", "proposal", asking)
    path = f"/api/proposals/{json.loads(made.body)['proposalId']}"
    page = asked(path).value
    assert page["may_vote"] is False
    read = {"digest": page["digest"], "outcome": page["outcome"]}
    vote = {"in_favour": True, **read}
    status, problem = asked(f"{path}/vote", vote)
    assert status == 409
    assert "nested deeper" in problem["error"]
    assert asked(f"{path}/vote", {**vote, "in_favour": False}).status == 200


def test_a_console_that_reads_signs_nothing(
    asked: Callable[..., Answer], propose: Callable[..., str]
) -> None:
    proposal_id = propose()
    page = asked(f"/api/proposals/{proposal_id}", reads_only=True).value
    assert page["why_not"].startswith("nobody votes here")
    vote = {
        "in_favour": False,
        "digest": page["digest"],
        "outcome": page["outcome"],
    }
    status, problem = asked(f"/api/proposals/{proposal_id}/vote", vote, reads_only=True)
    assert (status, problem["error"][:23]) == (409, "this console only reads")


def test_a_page_with_a_key_sees_what_its_member_may_do(
    asked: Callable[..., Answer], propose: Callable[..., str]
) -> None:
    path = f"/api/proposals/{propose()}"
    bob = BOB.certificate.digest_hex
    page = asked(f"{path}?member={bob}", reads_only=True).value
    assert (page["may_vote"], page["may_withdraw"]) == (True, True)
    assert asked(path).value["may_withdraw"] is False


def test_a_member_withdraws_and_acknowledges(
    asked: Callable[..., Answer], node: InProcessNode
) -> None:
    node.advance(1000)
    proposed = node.govern(
        ALICE,
        "members/proposals:create",
        "proposal",
        {"actions": [{"name": "set_user_data", "args": ARGUMENTS}]},
    )
    proposal_id = json.loads(proposed.body)["proposalId"]
    path = f"/api/proposals/{proposal_id}/withdraw"
    assert asked(path, {}, reads_only=True).status == 409
    assert asked(path, {}).value["state"] == "Withdrawn"
    assert asked("/api/acknowledge", {}, reads_only=True).status == 409
    status, acknowledged = asked("/api/acknowledge", {})
    assert (status, len(acknowledged["state_digest"])) == (200, 64)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/nothing", None, 404),
        ("/api/start", {}, 405),
        (f"/api/proposals/{'ab' * 32}", None, 404),
        (f"/api/proposals/{'a' * 65}", None, 400),
        ("/api/proposals/..%2Fsecret", None, 400),
        (f"/api/proposals/{'ab' * 32}/vote", {}, 400),
        (f"/api/proposals/{'ab' * 32}/vote", {"in_favour": 1, "digest": ""}, 400),
        (f"/api/proposals/{'ab' * 32}/vote", {"in_favour": True, "digest": ""}, 400),
        (f"/api/proposals/{'ab' * 32}?outcome=now", None, 400),
        (f"/api/proposals/{'ab' * 32}/vote", b"{", 400),
        (f"/api/proposals/{'ab' * 32}/vote", b"[]", 400),
        ("/api/committed/none", None, 400),
        ("/api/receipt/none", None, 400),
        ("/api/receipt", {"receipt": 1}, 400),
        ("/api/receipt", {"receipt": "{}"}, 400),
        ("/api/receipt", {"receipt": "{}", "claims": 1}, 400),
    ],
)
def test_a_mistake_is_one_sentence(
    asked: Callable[..., Answer], path: str, body: object, status: int
) -> None:
    answer = asked(path, body)
    assert answer.status == status
    assert set(answer.value) == {"error"}
    assert "Traceback" not in answer.value["error"]


@pytest.mark.parametrize(
    ("size", "status"), [(BODY_BYTES_MAX, 400), (BODY_BYTES_MAX + 1, 413)]
)
def test_a_body_has_so_many_bytes_and_no_more(
    asked: Callable[..., Answer], size: int, status: int
) -> None:
    path = f"/api/proposals/{'ab' * 32}/vote"
    assert asked(path, b"x" * size).status == status


def test_a_defect_is_one_sentence_at_the_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    server._logger().error("Unhandled exception", exc_info=ValueError("wrong"))
    said = capfd.readouterr().err
    assert said == "ccfpy console: unhandled exception: ValueError: wrong\n"


def test_every_answer_has_the_headers_of_the_guard(
    node: InProcessNode, serve: Serve, service_pem: str
) -> None:
    async def heads(page: Page) -> None:
        for path in ("/", "/console.js", "/api/start", "/api/nothing"):
            url = f"http://{page.host}{path}"
            async with page.session.get(url, headers=page.headers) as reply:
                assert reply.headers.items() >= HEADERS.items() or all(
                    reply.headers[name] == value for name, value in HEADERS.items()
                )
        async with page.session.get(f"http://{page.host}/api/start") as reply:
            assert reply.status == 401

    async def main() -> None:
        async with console_of(node, serve, service_pem) as page:
            await heads(page)

    asyncio.run(main())


def test_a_page_that_was_not_built_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(server, "files", lambda _: tmp_path)
    with pytest.raises(NoPage, match="make console"):
        read_page()
    (tmp_path / "static").mkdir()
    for name, _ in server.FILES.values():
        (tmp_path / "static" / name).write_text(name)
    assert read_page()["/"] == b"index.html"
