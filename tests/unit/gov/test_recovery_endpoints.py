"""Shares leave encrypted, come back decrypted, and anybody sees whose are here."""

import base64
import json
from dataclasses import replace

import pytest

from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.http.messages import Response
from ccfpy.service.tables import recovery, service
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, submit_share
from tests.unit.gov.conftest import Governed, body
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.recovered import status, wait

UNKNOWN = "0" * 64


def error_of(reply: Response) -> tuple[int, str, str]:
    error = json.loads(reply.body)["error"]
    return reply.status, error["code"], error["message"]


def share_of(governed: Governed, member: int) -> bytes:
    owner = governed.members[member]
    reply = governed.get(f"/recovery/encrypted-shares/{owner.member_id}")
    assert body(reply)["memberId"] == owner.member_id
    encrypted = base64.b64decode(str(body(reply)["encryptedShare"]))
    return owner.encryption.unwrap(encrypted)


def submit(governed: Governed, member: int, share: bytes) -> Response:
    member_id = governed.members[member].member_id
    payload = {"share": base64.b64encode(share).decode()}
    path = f"/recovery/members/{member_id}:recover"
    return governed.post(path, payload, by=member, kind="recovery_share")


@pytest.fixture
def recovering(opened: Governed) -> Governed:
    """The service, as if it were another that waits for this one's shares."""
    tx = opened.begin()
    info = service.INFO.of(tx).get()
    assert info is not None
    waiting = replace(info, status=ServiceStatus.WAITING_FOR_RECOVERY_SHARES)
    service.INFO.of(tx).put(waiting)
    opened.store.commit(tx)
    return opened


def test_enough_shares_start_the_end_of_recovery(recovering: Governed) -> None:
    first = submit(recovering, 0, share_of(recovering, 0))
    assert body(first) == {
        "message": "1/2 recovery shares successfully submitted",
        "submittedCount": 1,
        "recoveryThreshold": 2,
        "fullKeySubmitted": False,
    }
    assert recovering.node.asked == []
    second = submit(recovering, 1, share_of(recovering, 1))
    assert body(second)["message"] == (
        "2/2 recovery shares successfully submitted\n"
        "End of recovery procedure initiated"
    )
    assert recovering.node.asked == [recovering.node.secrets.latest[1].raw]


def test_the_whole_key_needs_no_others(recovering: Governed) -> None:
    recovering.node.recovers = True
    reply = submit(recovering, 0, bytes(44))
    # These 44 bytes claim to be the whole key and are not, so combining fails.
    assert error_of(reply)[0] == 500
    assert recovery.SUBMITTED_SHARES.of(recovering.begin()).size() == 0


def test_shares_that_do_not_fit_are_forgotten(recovering: Governed) -> None:
    recovering.node.recovers = False
    assert submit(recovering, 0, share_of(recovering, 0)).status == 200
    reply = submit(recovering, 1, share_of(recovering, 1))
    assert error_of(reply) == (
        500,
        "InternalError",
        "Failed to initiate private recovery.",
    )
    assert recovery.SUBMITTED_SHARES.of(recovering.begin()).size() == 0
    assert ("debug", "Error: the shares do not fit") in recovering.node.lines


def test_a_share_that_cannot_be_kept_is_an_error(recovering: Governed) -> None:
    recovering.node.keeps_shares = False
    reply = submit(recovering, 0, share_of(recovering, 0))
    message = "Error submitting recovery shares."
    assert error_of(reply) == (500, "InternalError", message)
    assert ("fail", message) in recovering.node.lines


def test_nobody_hands_in_shares_unless_they_are_waited_for(opened: Governed) -> None:
    assert error_of(submit(opened, 0, b"")) == (
        403,
        "ServiceNotWaitingForRecoveryShares",
        "Service is not waiting for recovery shares.",
    )


def test_nobody_hands_in_shares_while_the_ledger_is_being_read(
    recovering: Governed,
) -> None:
    recovering.node.is_reading_private_ledger = True
    assert error_of(submit(recovering, 0, b"")) == (
        403,
        "NodeAlreadyRecovering",
        "Node is already recovering private ledger.",
    )


def test_a_share_is_handed_in_by_its_member(recovering: Governed) -> None:
    path = f"/recovery/members/{recovering.members[0].member_id}:recover"
    reply = recovering.post(path, {"share": ""}, by=1, kind="recovery_share")
    assert error_of(reply)[:2] == (400, "InvalidAuthenticationInfo")


@pytest.mark.parametrize("payload", [None, {}, {"share": 1}, {"share": "é"}])
def test_what_is_no_share_is_refused(recovering: Governed, payload: object) -> None:
    path = f"/recovery/members/{recovering.members[0].member_id}:recover"
    reply = recovering.post(path, payload, kind="recovery_share")
    assert error_of(reply)[:2] == (400, "InvalidInput")


def test_who_has_no_share_is_told_so(opened: Governed) -> None:
    assert error_of(opened.get(f"/recovery/encrypted-shares/{UNKNOWN}")) == (
        404,
        "ResourceNotFound",
        f"Recovery share not found for member m[{UNKNOWN}].",
    )


def test_before_opening_there_are_no_shares(governed: Governed) -> None:
    member_id = governed.members[0].member_id
    reply = governed.get(f"/recovery/encrypted-shares/{member_id}")
    message = "Failed to retrieve current recovery shares info"
    assert error_of(reply) == (500, "InternalError", message)


PATH = "/gov/ccfpy/recovery"


def standing(node: InProcessNode) -> tuple[int, list[str], list[str]]:
    reply = node.request("GET", PATH)
    assert reply.status == 200, reply.body
    told = json.loads(reply.body)
    assert list(told) == ["recoveryThreshold", "shareholders", "submittedMembers"]
    return told["recoveryThreshold"], told["shareholders"], told["submittedMembers"]


def test_who_has_a_share_is_told_while_nothing_is_recovered(opened: Governed) -> None:
    told = body(opened.get("/ccfpy/recovery"))
    assert (told["recoveryThreshold"], told["submittedMembers"]) == (2, [])
    for member in opened.members:
        share = opened.get(f"/recovery/encrypted-shares/{member.member_id}")
        has_share = share.status == 200
        assert (member.member_id in str(told["shareholders"])) is has_share


def test_before_opening_nobody_has_a_share(governed: Governed) -> None:
    assert body(governed.get("/ccfpy/recovery"))["shareholders"] == []


@pytest.fixture
def network() -> Network:
    """Three nodes that wait for the shares of two of three members."""
    members = tuple(Person.make(f"member{n}", can_recover=True) for n in range(3))
    lost = InProcessNode(NotesApp(), constitution=CONSTITUTION, members=members)
    lost.open_service()
    lost.propose({"name": "set_recovery_threshold", "args": {"recovery_threshold": 2}})
    wait(lost)
    made = Network(NotesApp(), constitution=CONSTITUTION, members=members)
    made.recover(replace(lost.remains(), snapshots={}))
    for _ in range(2):
        made.wait_until_settled(made.join())
    assert ask_for_shares(made.nodes[0]).status == 200
    made.wait_until_settled()
    return made


@pytest.mark.slow
def test_every_node_tells_whose_shares_have_arrived(network: Network) -> None:
    """Those that follow, those that join later, and the one that takes over."""
    first, second, third = network.nodes
    one, other, _ = first.members
    everybody = sorted(member.id for member in first.members)
    assert standing(first) == (2, everybody, [])
    answer = submit_share(first, one)
    assert sorted(json.loads(answer.body)) == [
        "fullKeySubmitted",
        "message",
        "recoveryThreshold",
        "submittedCount",
    ], "as CCF answers"
    submit_share(first, one)
    network.wait_until_settled()
    late = network.join()
    first.trust(late)
    network.wait_until_settled()
    for node in network.nodes:
        assert standing(node) == (2, everybody, [one.id]), "once, however often"
    network.kill(first)
    network.wait_until(lambda: _leader(second, third, late) is not None)
    leader = _leader(second, third, late)
    assert leader is not None
    assert standing(leader) == (2, everybody, [one.id])
    assert submit_share(leader, other).status == 200
    network.wait_until(lambda: status(leader) == "Open")
    assert standing(leader) == (2, everybody, [])


def _leader(*nodes: InProcessNode) -> InProcessNode | None:
    for node in nodes:
        told = json.loads(node.request("GET", "/node/consensus").body)
        if told["details"]["leadership_state"] == "Leader":
            return node
    return None
