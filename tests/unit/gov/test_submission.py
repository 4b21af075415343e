"""The common behaviour of both APIs for proposals and ballots."""

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.crypto import cose
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.gov import submission
from ccfpy.gov.requests import SignedRequest
from ccfpy.http.errors import ApiError
from ccfpy.service.tables import proposals as tables
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.gov.conftest import Governed

PID = ProposalId("1" * 64)
ALICE, BOB = MemberId("a" * 64), MemberId("b" * 64)
MESSAGE = cose.parse(
    cose.sign(
        KeyPair.generate(SeededEntropy(1), Curve.SECP256R1), protected={}, payload=b""
    )
)


def signed(payload: bytes = b"", by: MemberId = ALICE) -> SignedRequest:
    return SignedRequest(
        member_id=by,
        payload=payload,
        message=MESSAGE,
        envelope=b"envelope",
        created_at=0,
        proposal_id=None,
    )


def test_a_ballot_is_the_text_of_that_name() -> None:
    assert submission.ballot_of(signed(b'{"ballot": "source"}')) == "source"


@pytest.mark.parametrize("payload", [b"[]", b"{}", b'{"ballot": 1}', b"null"])
def test_anything_else_is_no_ballot(payload: bytes) -> None:
    with pytest.raises(ApiError, match='required string field "ballot"'):
        submission.ballot_of(signed(payload))


def test_what_is_no_json_is_no_ballot_either() -> None:
    with pytest.raises(Malformed):
        submission.ballot_of(signed(b"vote"))


def test_only_the_proposer_may_withdraw() -> None:
    info = ProposalInfo(proposer_id=ALICE)
    submission.require_proposer(PID, info, signed())
    with pytest.raises(ApiError, match="can only be withdrawn by proposer") as refused:
        submission.require_proposer(PID, info, signed(by=BOB))
    assert refused.value.status == 403


def test_a_withdrawal_forgets_others_that_are_closed(governed: Governed) -> None:
    tx = governed.begin()
    infos = tables.INFO.of(tx)
    info = ProposalInfo(proposer_id=ALICE)
    infos.put(PID, info)
    infos.put(
        ProposalId("2" * 64),
        ProposalInfo(proposer_id=BOB, state=ProposalState.REJECTED),
    )
    withdrawn = submission.withdraw(tx, PID, info, signed())
    assert withdrawn.state is ProposalState.WITHDRAWN
    assert dict(infos.items()) == {PID: withdrawn}
    assert tables.COSE_HISTORY.of(tx).get(ALICE) == b"envelope"
