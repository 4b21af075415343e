import asyncio
import base64
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.base.json import JsonObject, loads
from ccfpy.client.errors import NotActive, ServiceError, UnexpectedReply
from ccfpy.client.governance import (
    ACCEPT,
    CreatedAt,
    Governance,
    read_actions,
    read_governance,
    signed_message,
)
from ccfpy.client.keys import (
    FileDecrypter,
    FileSigner,
    KeyFiles,
    OsEntropy,
    generate_keys,
    member_id,
)
from ccfpy.client.vocabulary import MessageType
from ccfpy.crypto import cose
from ccfpy.crypto.ec import Curve
from ccfpy.crypto.rsa import RsaKeyPair
from tests.unit.client.conftest import Connect

NOW = 1_700_000_000
PROPOSAL = "ab" * 32
STATUS = {
    "proposalId": PROPOSAL,
    "proposerId": "cd" * 32,
    "proposalState": "Open",
    "ballotCount": 1,
}


@pytest.fixture(scope="module", params=[Curve.SECP384R1, Curve.SECP256R1])
def signer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> FileSigner:
    """A member's key, on either curve."""
    files = KeyFiles(folder=tmp_path_factory.mktemp("keys"), name="member0")
    generate_keys(files, curve=request.param, with_encryption_key=False)
    return FileSigner.load(files)


class Service:
    """Remembers what it is sent and answers in turn."""

    def __init__(self, *replies: web.Response) -> None:
        self._replies = list(replies)
        self.paths: list[str] = []
        self.messages: list[cose.Sign1] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Take a request."""
        self.paths.append(request.raw_path)
        body = await request.read()
        if body:
            assert request.content_type == "application/cose"
            self.messages.append(cose.parse(body))
        return self._replies.pop(0)


def _govern(
    connect: Connect,
    service: Service,
    signer: FileSigner,
    work: Callable[[Governance], Awaitable[Any]],
) -> Any:  # noqa: ANN401  # whatever the work gives
    async def govern() -> Any:  # noqa: ANN401  # the same
        async with connect(service.answer) as connection:
            clock = CreatedAt(lambda: NOW)
            return await work(Governance(connection, signer, created_at=clock))

    return asyncio.run(govern())


def test_a_message_has_ccfs_headers_in_ccfs_order(signer: FileSigner) -> None:
    data = asyncio.run(
        signed_message(
            signer, MessageType.BALLOT, b"{}", created_at=NOW, proposal_id=PROPOSAL
        )
    )
    message = cose.parse(data)
    kid = member_id(signer.certificate).encode()
    assert list(message.protected.items())[1:] == [
        (cose.KID, kid),
        ("ccf.gov.msg.type", "ballot"),
        ("ccf.gov.msg.created_at", NOW),
        ("ccf.gov.msg.proposal_id", PROPOSAL),
    ]
    assert next(iter(message.protected)) == cose.ALG
    assert message.payload == b"{}"
    message.verify(signer.certificate.public_key)


def test_a_message_about_no_proposal_names_none(signer: FileSigner) -> None:
    data = asyncio.run(signed_message(signer, MessageType.ACK, b"", created_at=1))
    assert "ccf.gov.msg.proposal_id" not in cose.parse(data).protected


@given(st.lists(st.floats(0, 1e9), min_size=1))
def test_times_of_creation_increase_whatever_the_clock_does(
    clock: list[float],
) -> None:
    remaining = list(clock)
    created_at = CreatedAt(lambda: remaining.pop(0))
    times = [created_at.next() for _ in clock]
    assert all(a < b for a, b in pairwise(times))
    assert all(a >= int(now) for a, now in zip(times, clock, strict=True))


def test_a_proposal_is_sent_and_its_status_read(
    connect: Connect, signer: FileSigner
) -> None:
    headers = {"x-ms-ccf-transaction-id": "2.30"}
    service = Service(web.json_response(STATUS, headers=headers))
    actions: list[JsonObject] = [{"name": "set_user", "args": {"cert": "PEM"}}]
    status = _govern(connect, service, signer, lambda member: member.propose(actions))
    assert service.paths == ["/gov/members/proposals:create?api-version=2024-07-01"]
    (message,) = service.messages
    assert loads(message.payload or b"") == {"actions": actions}
    assert message.protected["ccf.gov.msg.type"] == "proposal"
    assert status.proposal_id == PROPOSAL
    assert status.is_open
    assert status.ballot_count == 1
    assert status.txid == TxId(2, 30)


def test_two_proposals_of_one_second_differ(
    connect: Connect, signer: FileSigner
) -> None:
    service = Service(web.json_response(STATUS), web.json_response(STATUS))

    async def twice(member: Governance) -> None:
        await member.propose([])
        await member.propose([])

    _govern(connect, service, signer, twice)
    times = [m.protected["ccf.gov.msg.created_at"] for m in service.messages]
    assert times == [NOW, NOW + 1]


def test_a_ballot_names_its_proposal_in_path_and_header(
    connect: Connect, signer: FileSigner
) -> None:
    service = Service(web.json_response(STATUS))
    _govern(connect, service, signer, lambda member: member.vote(PROPOSAL))
    mid = member_id(signer.certificate)
    assert service.paths == [
        f"/gov/members/proposals/{PROPOSAL}/ballots/{mid}:submit?api-version=2024-07-01"
    ]
    (message,) = service.messages
    assert message.protected["ccf.gov.msg.proposal_id"] == PROPOSAL
    assert loads(message.payload or b"") == {"ballot": ACCEPT}


@pytest.mark.parametrize("found", [True, False])
def test_a_withdrawal_may_find_nothing(
    connect: Connect, signer: FileSigner, *, found: bool
) -> None:
    reply = web.json_response(STATUS) if found else web.Response(status=204)
    service = Service(reply)
    status = _govern(connect, service, signer, lambda member: member.withdraw(PROPOSAL))
    assert (status is not None) is found
    assert service.messages[0].payload == b""


def test_an_acknowledgement_signs_what_the_service_showed(
    connect: Connect, signer: FileSigner
) -> None:
    mid = member_id(signer.certificate)
    service = Service(
        web.json_response({"memberId": mid, "stateDigest": "ef" * 32}),
        web.Response(status=204),
    )
    digest = _govern(connect, service, signer, lambda member: member.acknowledge())
    assert digest == "ef" * 32
    path = f"/gov/members/state-digests/{mid}"
    assert service.paths == [
        f"{path}:update?api-version=2024-07-01",
        f"{path}:ack?api-version=2024-07-01",
    ]
    asked, signed = service.messages
    assert asked.protected["ccf.gov.msg.type"] == "state_digest"
    assert signed.protected["ccf.gov.msg.type"] == "ack"
    assert loads(signed.payload or b"") == {"memberId": mid, "stateDigest": digest}


@pytest.fixture(scope="module")
def encryption() -> RsaKeyPair:
    """A member's encryption key."""
    return RsaKeyPair.generate(OsEntropy())


def test_a_recovery_share_is_unwrapped_and_handed_in(
    connect: Connect, signer: FileSigner, encryption: RsaKeyPair
) -> None:
    wrapped = base64.b64encode(encryption.public_key.wrap(b"share")).decode()
    service = Service(
        web.json_response({"memberId": "x", "encryptedShare": wrapped}),
        web.json_response({"message": "1/2 recovery shares successfully submitted"}),
    )
    reply = _govern(
        connect,
        service,
        signer,
        lambda m: m.submit_share(FileDecrypter(encryption)),
    )
    assert reply["message"].startswith("1/2")
    (message,) = service.messages
    share = base64.b64encode(b"share").decode()
    assert loads(message.payload or b"") == {"share": share}
    assert message.protected["ccf.gov.msg.type"] == "recovery_share"


@pytest.mark.parametrize(
    ("wrapped", "kind"), [("%%%", UnexpectedReply), ("AAAA", VerificationFailed)]
)
def test_a_share_for_somebody_else_is_not_handed_in(
    connect: Connect,
    signer: FileSigner,
    encryption: RsaKeyPair,
    wrapped: str,
    kind: type[Exception],
) -> None:
    service = Service(web.json_response({"encryptedShare": wrapped}))
    with pytest.raises(kind):
        _govern(
            connect,
            service,
            signer,
            lambda m: m.submit_share(FileDecrypter(encryption)),
        )
    assert not service.messages


def test_a_refusal_is_raised(connect: Connect, signer: FileSigner) -> None:
    error = {"error": {"code": "ProposalNotOpen", "message": "it is Accepted"}}
    service = Service(web.json_response(error, status=400))
    with pytest.raises(ServiceError, match="ProposalNotOpen"):
        _govern(connect, service, signer, lambda m: m.vote(PROPOSAL))


def test_who_has_acknowledged_nothing_is_told_to(
    connect: Connect, signer: FileSigner
) -> None:
    details = [
        {
            "auth_policy": "active_member_cose_sign1",
            "code": "InvalidAuthenticationInfo",
            "message": "Signer is not an ACTIVE member",
        }
    ]
    error = {"code": "InvalidAuthenticationInfo", "message": "", "details": details}
    service = Service(web.json_response({"error": error}, status=401))
    with pytest.raises(NotActive, match="run ccfpy gov ack as that member") as refused:
        _govern(connect, service, signer, lambda m: m.propose([]))
    assert member_id(signer.certificate)[:8] in str(refused.value)
    assert refused.value.status == 401


@pytest.mark.parametrize(
    "status", [{}, STATUS | {"ballotCount": "one"}, STATUS | {"proposalState": None}]
)
def test_a_status_that_says_nothing_is_unexpected(
    connect: Connect, signer: FileSigner, status: dict[str, object]
) -> None:
    service = Service(web.json_response(status))
    with pytest.raises(UnexpectedReply):
        _govern(connect, service, signer, lambda m: m.propose([]))


def test_what_is_public_can_be_read_by_anybody(
    connect: Connect, tmp_path: Path
) -> None:
    service = Service(web.json_response({"value": []}))

    async def read() -> object:
        async with connect(service.answer) as connection:
            return await read_governance(connection, "members/proposals")

    assert asyncio.run(read()) == {"value": []}
    assert service.paths == ["/gov/members/proposals?api-version=2024-07-01"]
    assert not list(tmp_path.iterdir())


def test_actions_are_read_as_they_were_signed(connect: Connect) -> None:
    signed = b'{"actions": [ ] }\r\n'
    service = Service(web.Response(body=signed))

    async def read() -> bytes:
        async with connect(service.answer) as connection:
            return await read_actions(connection, PROPOSAL)

    assert asyncio.run(read()) == signed
    path = f"/gov/members/proposals/{PROPOSAL}/actions?api-version=2024-07-01"
    assert service.paths == [path]
