"""The effects of an accepted proposal on the node."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from ccfpy.base import json
from ccfpy.base.ids import MemberId
from ccfpy.boundary.effects import AppendLedger
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.encrypted_shares import unwrap
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.tables import RECOVERY_SHARES, SINGLE_KEY
from ccfpy.service.tables import recovery
from ccfpy.testing.node import InProcessNode, Person

if TYPE_CHECKING:
    from ccfpy.base.json import Json


def info(node: InProcessNode) -> dict[str, object]:
    answer = node.request("GET", "/gov/service/info?api-version=2024-07-01")
    return dict(json.loads_object(answer.body))


def accepted(node: InProcessNode, name: str, **args: object) -> None:
    action = json.loads(json.dumps({"name": name, "args": args or None}))
    decided = node.propose(action)
    assert json.loads_object(decided.body).get("proposalState") == "Accepted", (
        decided.body
    )
    node.advance(1000)


def chunk_ends(node: InProcessNode) -> int:
    return sum(
        effect.ends_chunk
        for effect in node.host.effects
        if isinstance(effect, AppendLedger)
    )


def test_the_service_opens_only_under_its_own_name(
    new_node: InProcessNode, alice: Person
) -> None:
    for member in new_node.members:
        new_node.acknowledge(member)
    refused = new_node.propose(
        {
            "name": "transition_service_to_open",
            "args": {"next_service_identity": alice.certificate.pem},
        }
    )
    assert refused.status == 500
    assert b"does not match" in refused.body
    assert info(new_node)["status"] == "Opening"
    new_node.open_service()
    assert info(new_node)["status"] == "Open"


def test_opening_ends_the_chunk_and_issues_shares(node: InProcessNode) -> None:
    assert chunk_ends(node) == 1
    member = node.members[0]
    path = f"/gov/recovery/encrypted-shares/{member.id}?api-version=2024-07-01"
    assert node.request("GET", path).status == 200


def test_a_chunk_ends_when_members_say_so(node: InProcessNode) -> None:
    before = chunk_ends(node)
    accepted(node, "trigger_ledger_chunk")
    assert chunk_ends(node) == before + 1
    accepted(node, "trigger_snapshot")
    assert chunk_ends(node) == before + 2


def test_a_rekey_encrypts_what_follows_under_a_new_secret(
    node: InProcessNode,
) -> None:
    node.request("PUT", "/app/notes", body={"a": "before"})
    accepted(node, "trigger_ledger_rekey")
    node.request("PUT", "/app/notes", body={"a": "after"})
    assert node.request("GET", "/app/notes?name=a").body == b'"after"'
    node.advance(1000)
    entries = list(map(Transaction.parse, node.host.entries))
    rekeys = [
        entry.txid.seqno
        for entry in entries
        if "public:ccf.internal.encrypted_ledger_secrets" in entry.domain.write_set
    ]
    assert len(rekeys) == 1


def shared_secret(node: InProcessNode) -> bytes:
    """Win back the secret that members' present shares are of."""
    writes = [
        Transaction.parse(entry).domain.write_set.get(RECOVERY_SHARES, {})
        for entry in node.host.entries
    ]
    issued = recovery.SHARES.codec.decode(
        [w[SINGLE_KEY] or b"" for w in writes if w][-1]
    )
    opened = [
        member.encryption_key.unwrap(issued.encrypted_shares[MemberId(member.id)])
        for member in node.members
        if member.encryption_key is not None
    ]
    return unwrap(issued, opened, 1).raw


@pytest.mark.parametrize(
    "names",
    [
        ("trigger_ledger_rekey", "trigger_recovery_shares_refresh"),
        ("trigger_recovery_shares_refresh", "trigger_ledger_rekey"),
        ("trigger_ledger_rekey", "trigger_ledger_rekey"),
    ],
)
def test_shares_are_of_the_secret_in_force_whatever_a_proposal_combines(
    node: InProcessNode, names: tuple[str, ...]
) -> None:
    actions: list[Json] = [{"name": name} for name in names]
    decided = node.propose(*actions)
    assert json.loads_object(decided.body)["proposalState"] == "Accepted"
    running = node.trusted.running
    assert running is not None
    assert len(running.tail.secrets) == 2
    assert shared_secret(node) == running.tail.secrets.latest[1].raw


def test_shares_can_be_issued_anew(node: InProcessNode) -> None:
    member = node.members[0]
    path = f"/gov/recovery/encrypted-shares/{member.id}?api-version=2024-07-01"
    before = node.request("GET", path).body
    accepted(node, "trigger_recovery_shares_refresh")
    assert node.request("GET", path).body != before


def test_a_node_certificate_is_renewed_and_presented(node: InProcessNode) -> None:
    node_id = json.loads_object(node.request("GET", "/node/state").body)["node_id"]
    accepted(
        node,
        "set_node_certificate_validity",
        node_id=node_id,
        valid_from="2025-06-01 00:00:00+00:00",
        validity_period_days=100,
    )
    answer = node.request("GET", "/node/self_signed_certificate")
    pem = json.loads_object(answer.body)["self_signed_certificate"]
    assert isinstance(pem, str)
    assert Certificate.from_pem(pem).not_before == datetime(2025, 6, 1, tzinfo=UTC)
    # A client whose clock stands after 1 June trusts what is presented now.
    assert node.request("GET", "/node/state").status == 200


def test_a_service_certificate_is_renewed_with_the_same_key(
    node: InProcessNode,
) -> None:
    before = Certificate.from_pem(node.service_certificate)
    accepted(
        node,
        "set_service_certificate_validity",
        valid_from="250601000000Z",
        validity_period_days=30,
    )
    renewed = Certificate.from_pem(str(info(node)["certificate"]))
    assert renewed != before
    assert renewed.public_key == before.public_key
    assert renewed.not_before == datetime(2025, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("valid_from", ["yesterday", "25-13-01"])
def test_a_time_that_is_none_fails_the_proposal(
    node: InProcessNode, valid_from: str
) -> None:
    decided = node.propose(
        {
            "name": "set_service_certificate_validity",
            "args": {"valid_from": valid_from, "validity_period_days": 1},
        }
    )
    assert decided.status in (400, 500)
    assert b"error" in decided.body


def test_a_share_is_refused_while_nothing_awaits_recovery(
    node: InProcessNode,
) -> None:
    member = node.members[0]
    answer = node.govern(
        member,
        f"recovery/members/{member.id}:recover",
        "recovery_share",
        {"share": "AAAA"},
    )
    assert answer.status == 403
    assert b"ServiceNotWaitingForRecoveryShares" in answer.body
