"""Answers of the console about the app, and about proposals that are closed."""

import asyncio
import json

import pytest

from ccfpy.gov import history_endpoints
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import hosted
from tests.unit.console.served import Answer, console_of

ALICE = Person.make("alice", can_recover=True)


@pytest.fixture(scope="module")
def node() -> InProcessNode:
    return hosted(ALICE)


def _ask(node: InProcessNode, serve: Serve, certificate: str, path: str) -> Answer:
    async def one() -> Answer:
        async with console_of(node, serve, certificate) as page:
            return await page.ask(path)

    return asyncio.run(one())


def test_a_proposal_that_the_tables_forgot_is_shown_with_its_timeline(
    node: InProcessNode, serve: Serve, service_pem: str
) -> None:
    first = json.loads(node.propose({"name": "trigger_snapshot"}).body)["proposalId"]
    node.propose({"name": "trigger_ledger_chunk"})
    status, page = _ask(node, serve, service_pem, f"/api/proposals/{first}")
    assert (status, page["state"], page["may_vote"]) == (200, "Accepted", False)
    assert json.loads(page["text"]) == {"actions": [{"name": "trigger_snapshot"}]}
    assert [each["what"] for each in page["timeline"]] == [
        "Proposed",
        "Voted in favour",
        "Accepted with 1 in favour",
        "Committed: all of this is final",
    ]
    status, _ = _ask(node, serve, service_pem, f"/api/proposals/{'ab' * 32}")
    assert status == 404


def test_a_reader_comes_to_older_proposals_and_opens_one(
    node: InProcessNode,
    serve: Serve,
    service_pem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history_endpoints, "PAGE_MAX", 1)
    first, second = (
        json.loads(node.propose({"name": name}).body)["proposalId"]
        for name in ("trigger_snapshot", "trigger_ledger_chunk")
    )
    latest = _ask(node, serve, service_pem, f"/api/proposals/{second}").value
    made = latest["timeline"][0]["seqno"]
    status, page = _ask(node, serve, service_pem, f"/api/proposals?before={made}")
    assert status == 200
    (row,) = page["proposals"]
    assert (row["id"], row["actions"]) == (first, ["trigger_snapshot"])
    assert page["older"] is not None
    status, whole = _ask(node, serve, service_pem, f"/api/proposals/{first}")
    assert (status, whole["state"]) == (200, "Accepted")
    assert whole["timeline"][0]["what"] == "Proposed"


@pytest.mark.parametrize("before", ["", "?before=", "?before=x", "?before=" + "1" * 20])
def test_a_question_for_older_proposals_has_a_seqno(
    node: InProcessNode, serve: Serve, service_pem: str, before: str
) -> None:
    status, refused = _ask(node, serve, service_pem, f"/api/proposals{before}")
    assert (status, "has before" in refused["error"]) == (400, True)


def test_an_app_in_python_is_described_by_its_documents(
    node: InProcessNode, serve: Serve, service_pem: str
) -> None:
    status, page = _ask(node, serve, service_pem, "/api/app")
    assert status == 200
    assert page["headline"].endswith("no JavaScript app is installed")
    assert len(page["documents"]) == 3
    status, refused = _ask(node, serve, service_pem, "/api/module?name=/m.js")
    assert (status, refused["error"]) == (404, "the installed app has no module /m.js")
    status, _ = _ask(node, serve, service_pem, "/api/module")
    assert status == 400
