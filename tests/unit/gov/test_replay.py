"""A signed proposal is taken once, in the time order that members' clocks give."""

import pytest

from ccfpy.base.ids import ProposalId
from ccfpy.gov.replay import admit
from ccfpy.http.errors import ApiError
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service.tables.proposals import COSE_RECENT_PROPOSALS
from ccfpy.service.tables.service import CONFIGURATION, ServiceConfiguration


@pytest.fixture
def tx() -> Tx:
    return Store().begin()


def send(tx: Tx, created_at: int, signature: int = 0, name: str = "p") -> None:
    admit(
        tx,
        created_at=created_at,
        signature_digest=bytes([signature]) * 32,
        proposal_id=ProposalId(name),
    )


def keep(tx: Tx, window: int) -> None:
    configuration = ServiceConfiguration(recent_cose_proposals_window_size=window)
    CONFIGURATION.of(tx).put(configuration)


def remembered(tx: Tx) -> list[int]:
    keys = sorted(COSE_RECENT_PROPOSALS.of(tx).keys())
    return [int(key.partition(":")[0]) for key in keys]


def refusal(tx: Tx, created_at: int, signature: int = 0) -> str:
    with pytest.raises(ApiError) as refused:
        send(tx, created_at, signature)
    assert refused.value.status == 400
    return f"{refused.value.code}: {refused.value.message}"


def test_a_proposal_is_remembered_by_ten_digits_and_its_signature(tx: Tx) -> None:
    send(tx, 17, signature=0xAB)
    raw = COSE_RECENT_PROPOSALS.of(tx).raw
    assert dict(raw.items()) == {b"0000000017:" + b"ab" * 32: b'"p"'}


def test_the_same_signature_and_time_is_a_replay(tx: Tx) -> None:
    send(tx, 5, name="first")
    assert refusal(tx, 5) == (
        "ProposalReplay: Proposal submission replay, already exists as proposal first"
    )
    send(tx, 5, signature=1)


def test_a_time_of_eleven_digits_is_refused(tx: Tx) -> None:
    send(tx, 9_999_999_999)
    assert refusal(tx, 10_000_000_000) == (
        "InvalidCreatedAt: Header parameter created_at value is too large"
    )


@pytest.mark.parametrize(
    ("earlier", "oldest_allowed"),
    [([10], 10), ([10, 20], 20), ([10, 20, 30], 20), ([10, 20, 30, 40], 30)],
)
def test_a_proposal_older_than_the_middle_one_is_refused(
    tx: Tx, earlier: list[int], oldest_allowed: int
) -> None:
    for time in earlier:
        send(tx, time)
    assert refusal(tx, oldest_allowed - 1, signature=1) == (
        "ProposalCreatedTooLongAgo: Proposal created too long ago, created_at must be "
        f"greater than {oldest_allowed:010d}"
    )
    send(tx, oldest_allowed, signature=1)


def test_the_window_keeps_the_newest(tx: Tx) -> None:
    keep(tx, 3)
    for time in range(1, 6):
        send(tx, time)
    assert remembered(tx) == [3, 4, 5]
    keep(tx, 2)
    send(tx, 6)
    assert remembered(tx) == [5, 6]


def test_without_configuration_a_hundred_are_kept(tx: Tx) -> None:
    for time in range(105):
        send(tx, time)
    assert remembered(tx) == list(range(5, 105))
