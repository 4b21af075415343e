"""CCF's own tools beside a running node: a growing ledger, today's certificates."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ccfpy.base.ids import TxId
from tests.e2e.running import Running, running_node
from tests.interop.environments import Tools

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

WRITES = 30


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An open service whose chunks are small."""
    extra: JsonObject = {"ledger": {"directory": "0.ledger", "chunk_size": "10KB"}}
    with running_node(tmp_path_factory.mktemp("running"), extra=extra) as node:
        node.open(["user0"])
        yield node


@pytest.fixture(scope="module")
def committed(running: Running) -> TxId:
    """The last of some writes, committed."""
    with running.connect("user0") as user:
        replies = [
            user.post(
                f"/app/log/{'public' if number % 2 else 'private'}",
                {"id": number, "msg": "x" * 1000},
            )
            for number in range(WRITES)
        ]
        txid = replies[-1].txid
        assert txid is not None
        user.wait_committed(txid)
        return txid


def test_the_ledger_verifies_while_it_grows(
    running: Running, committed: TxId, tools: Tools
) -> None:
    found = json.loads(tools.answer("audit_ledger.py", running.ledger))
    assert len(found["leaves"]) >= committed.seqno
    assert TxId.parse(found["verified_until"]).seqno > committed.seqno
    assert found["service_certificate"] == running.certificate
    assert len(list(running.ledger.iterdir())) >= 3


def test_a_receipt_verifies_with_todays_clock(
    running: Running, committed: TxId, tools: Tools
) -> None:
    with running.connect("user0") as user:
        receipt = user.receipt(committed)
    question = {
        "receipts": [receipt.to_json()],
        "service_certificate": running.certificate,
        "time": datetime.now(UTC).replace(tzinfo=None).isoformat(),
    }
    tools.answer("check_receipts.py", stdin=json.dumps(question).encode())


def test_a_proposal_signed_by_its_tool_is_accepted(
    running: Running, tools: Tools, tmp_path: Path
) -> None:
    content = tmp_path / "proposal.json"
    # Tools of the other line may sign in the same second; none may come twice.
    actions = '{"actions": [{"name": "trigger_ledger_chunk"}]}'
    content.write_text(actions + tools.line * " ")
    keys = running.options.keys("member0")
    words: list[str | Path] = ["--ccf-gov-msg-type", "proposal", "--content", content]
    words += ["--signing-key", keys.private_key, "--signing-cert", keys.certificate]
    now = datetime.now(UTC).isoformat()
    message = tools.ok("ccf_cose_sign1", *words, "--ccf-gov-msg-created-at", now)
    with running.connect() as anybody:
        reply = anybody.request(
            "POST",
            "/gov/members/proposals:create?api-version=2024-07-01",
            body=message,
            headers={"content-type": "application/cose"},
        )
    assert reply.status == 200, reply.body
    assert reply.object()["proposalState"] in ("Open", "Accepted")
