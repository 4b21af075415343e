"""Answers about a ledger, the app and closed proposals; nonsense is refused."""

import asyncio
import json

import pytest

from ccfpy.console.explorer import Explorer
from ccfpy.console.folders import Ledger
from ccfpy.console.routes import KEY_BYTES_MAX, NAME_CHARACTERS_MAX
from ccfpy.gov import proposal_history
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.audit.made import written
from tests.unit.audit.test_verification import long_ledger
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import hosted
from tests.unit.console.served import Answer, console, console_of
from tests.unit.console.test_ledger import followed

SERVICE_INFO = "public:ccf.gov.service.info"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A ledger that was read."""
    folder = tmp_path_factory.mktemp("console")
    made = Ledger(
        folders=[written(long_ledger(), folder / "ledger")],
        database=folder / "index.db",
        service=None,
        processes=1,
    )
    followed(made)
    return made


def _asked(ledger: Ledger, path: str) -> Answer:
    async def ask() -> Answer:
        async with console(None, ledger) as page:
            return await page.ask(path)

    return asyncio.run(ask())


def test_a_ledger_is_explored_without_a_service(ledger: Ledger) -> None:
    start = _asked(ledger, "/api/start").value
    assert (start["service"], start["has_ledger"], start["urls"]) == (None, True, [])
    assert _asked(ledger, "/api/proposals/ab").status == 404
    rows = _asked(ledger, "/api/tx?after=2").value["rows"]
    assert rows[0]["seqno"] == 3
    assert _asked(ledger, "/api/tx/1").value["row"]["coverage"] == "verified"
    keys = _asked(ledger, f"/api/keys?map={SERVICE_INFO}").value["keys"]
    history = _asked(ledger, f"/api/history?map={SERVICE_INFO}&key={keys[0]['hex']}")
    seqno = history.value["rows"][0]["seqno"]
    path = f"/api/value?map={SERVICE_INFO}&key={keys[0]['hex']}&seqno={seqno}"
    assert "status" in _asked(ledger, path).value["text"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/tx?after=x", 400),
        ("/api/tx?after=-1", 400),
        (f"/api/tx?after={'9' * 18}", 200),
        (f"/api/tx?after={'9' * 19}", 400),
        ("/api/tx/0", 404),
        ("/api/tx/one", 400),
        ("/api/keys", 400),
        (f"/api/keys?map={'m' * NAME_CHARACTERS_MAX}", 200),
        (f"/api/keys?map={'m' * (NAME_CHARACTERS_MAX + 1)}", 400),
        ("/api/keys?map=m&prefix=x", 400),
        ("/api/history?map=m", 200),
        ("/api/history?map=m&before=x", 400),
        ("/api/value?map=m", 400),
        ("/api/value?map=m&seqno=1", 404),
    ],
)
def test_questions_have_their_form(ledger: Ledger, path: str, status: int) -> None:
    answer = _asked(ledger, path)
    assert answer.status == status
    assert ("error" in answer.value) is (status != 200)


@pytest.mark.parametrize(
    ("size", "status"), [(KEY_BYTES_MAX, 200), (KEY_BYTES_MAX + 1, 400)]
)
def test_a_key_has_so_many_bytes_and_no_more(
    ledger: Ledger, size: int, status: int
) -> None:
    answer = _asked(ledger, f"/api/history?map=m&key={'00' * size}")
    assert answer.status == status


def test_an_explorer_reads_the_index_alone(ledger: Ledger) -> None:
    assert Explorer(ledger.database).transaction(1).row.seqno == 1


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
    monkeypatch.setattr(proposal_history, "PAGE_MAX", 1)
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
