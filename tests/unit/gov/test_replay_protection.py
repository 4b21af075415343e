"""A signed proposal is taken once, in the time order that members' clocks give."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.base.limits import RECENT_COSE_PROPOSALS, RECENT_PER_SECOND_MAX
from ccfpy.crypto import cbor, cose
from ccfpy.crypto.ec import Curve, KeyPair, raw_signature
from ccfpy.crypto.hashing import sha256
from ccfpy.gov.requests import SignedRequest
from ccfpy.gov.submission import ReplayProtection
from ccfpy.http.errors import ApiError
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service.recent import key_of, moment_of
from ccfpy.service.tables.proposals import (
    COSE_HISTORY,
    COSE_RECENT_PROPOSALS,
    COSE_RECENT_REQUESTS,
    RecentRequest,
)
from ccfpy.service.tables.service import CONFIGURATION, ServiceConfiguration
from ccfpy.testing.entropy import SeededEntropy
from tests.attacks import attack

LATEST_S = 9_999_999_999
KEY = KeyPair.generate(SeededEntropy(41), Curve.SECP384R1)
ALICE, BOB = MemberId("a" * 64), MemberId("b" * 64)


@pytest.fixture
def tx() -> Tx:
    return Store().begin()


def signed(created_at: int, number: int = 0, by: MemberId = ALICE) -> SignedRequest:
    protected: cose.Header = {
        cose.KID: by.encode(),
        "ccf.gov.msg.created_at": created_at,
    }
    return request_of(
        cose.sign(KEY, protected=protected, payload=b"%d" % number), by=by
    )


def request_of(envelope: bytes, by: MemberId = ALICE) -> SignedRequest:
    message = cose.parse(envelope)
    assert message.payload is not None
    return SignedRequest(
        member_id=by,
        payload=message.payload,
        message=message,
        envelope=envelope,
        created_at=message.protected["ccf.gov.msg.created_at"],
        proposal_id=None,
    )


def rewritten(
    request: SignedRequest, *, signature: bytes, unprotected: cose.Header | None = None
) -> SignedRequest:
    """Return the same signed content in another envelope."""
    message = request.message
    parts = [message.protected_bytes, unprotected or {}, message.payload, signature]
    return request_of(cbor.encode(cbor.Tag(cose.SIGN1_TAG, parts)))


def admit(
    tx: Tx, request: SignedRequest, name: str = "", *, latest_s: int = LATEST_S
) -> None:
    name = name or request.message.signed_digest.hex() + request.member_id
    ReplayProtection(tx, request, latest_s).admit(ProposalId(name))
    COSE_HISTORY.of(tx).put(request.member_id, request.envelope)


def former(tx: Tx, time: int, number: int = 0) -> None:
    """Leave what CCF and earlier versions do: nobody recorded whose proposal it is."""
    key = key_of(time, sha256(b"%d %d" % (time, number)))
    COSE_RECENT_PROPOSALS.of(tx).put(key, ProposalId(f"former {time} {number}"))


def keep(tx: Tx, window: int) -> None:
    configuration = ServiceConfiguration(recent_cose_proposals_window_size=window)
    CONFIGURATION.of(tx).put(configuration)


def remembered(tx: Tx) -> list[int]:
    """Return the times that are remembered, which are the same in both tables."""
    times = []
    for table in (COSE_RECENT_PROPOSALS, COSE_RECENT_REQUESTS):
        keys = sorted(table.of(tx).keys())
        times.append([int(moment_of(key)) for key in keys])
    assert times[0] == times[1]
    return times[0]


def refusal(tx: Tx, request: SignedRequest, *, latest_s: int = LATEST_S) -> str:
    with pytest.raises(ApiError) as refused:
        ReplayProtection(tx, request, latest_s).admit(ProposalId("p"))
    assert refused.value.status == 400
    return f"{refused.value.code}: {refused.value.message}"


def test_a_proposal_is_remembered_by_its_signature_and_by_what_was_signed(
    tx: Tx,
) -> None:
    request = signed(17)
    admit(tx, request, "p")
    by_signature = sha256(request.message.signature).hex().encode()
    by_content = request.message.signed_digest.hex().encode()
    proposals, requests = (
        dict(table.of(tx).raw.items())
        for table in (COSE_RECENT_PROPOSALS, COSE_RECENT_REQUESTS)
    )
    assert proposals == {b"0000000017:" + by_signature: b'"p"'}
    recorded = b'{"proposal_id":"p","proposer_id":"%s"}' % ALICE.encode()
    assert requests == {b"0000000017:" + by_content: recorded}


def _second_signature(request: SignedRequest) -> bytes:
    """Sign the same bytes once more, as a library that does not follow RFC 6979."""
    message = request.message
    content = cbor.encode(["Signature1", message.protected_bytes, b"", message.payload])
    der = KEY.library_key.sign(content, ec.ECDSA(hashes.SHA384()))
    return raw_signature(Curve.SECP384R1, der)


REPEATED: dict[str, Callable[[SignedRequest], SignedRequest]] = {
    "as it was": lambda request: request,
    "with the other form of its signature": lambda request: rewritten(
        request, signature=request.message.signature_forms[1]
    ),
    "with a second signature of its signer": lambda request: rewritten(
        request, signature=_second_signature(request)
    ),
    "with something in its unprotected header": lambda request: rewritten(
        request, signature=request.message.signature, unprotected={99: b"x"}
    ),
}


@pytest.mark.parametrize("how", REPEATED)
@attack("gov: a proposal again")
@attack("gov: a proposal again, with another signature that holds")
def test_a_proposal_is_taken_once(tx: Tx, how: str) -> None:
    request = signed(5)
    admit(tx, request, "first")
    again = REPEATED[how](request)
    again.message.verify(KEY.public_key)
    assert refusal(tx, again) == (
        "ProposalReplay: Proposal submission replay, already exists as proposal first"
    )
    admit(tx, signed(5, 1))


@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize("resent", [0, 1])
@attack("gov: a proposal again, that a node of an earlier version took")
def test_what_another_version_remembered_is_refused_in_both_forms(
    tx: Tx, form: int, resent: int
) -> None:
    request = signed(5)
    forms = request.message.signature_forms
    key = key_of(5, sha256(forms[form]))
    COSE_RECENT_PROPOSALS.of(tx).put(key, ProposalId("former"))
    again = rewritten(request, signature=forms[resent])
    assert refusal(tx, again) == (
        "ProposalReplay: Proposal submission replay, already exists as proposal former"
    )


def test_another_version_finds_what_this_one_remembered(tx: Tx) -> None:
    """CCF and earlier versions look for time and digest of the signature as it came."""
    request = signed(5)
    admit(tx, request)
    key = f"0000000005:{sha256(request.message.signature).hex()}"
    assert COSE_RECENT_PROPOSALS.of(tx).has(key)


@pytest.mark.parametrize(
    ("earlier", "oldest_allowed"),
    [([10], 10), ([10, 20], 20), ([10, 20, 30], 20), ([10, 20, 30, 40], 30)],
)
@attack("gov: a proposal from outside the window")
def test_a_proposal_older_than_the_middle_one_is_refused(
    tx: Tx, earlier: list[int], oldest_allowed: int
) -> None:
    for time in earlier:
        admit(tx, signed(time))
    assert refusal(tx, signed(oldest_allowed - 1, 1)) == (
        "ProposalCreatedTooLongAgo: Proposal created too long ago, created_at must be "
        f"greater than {oldest_allowed:010d}"
    )
    admit(tx, signed(oldest_allowed, 1))


def test_the_window_keeps_the_newest(tx: Tx) -> None:
    keep(tx, 3)
    for time in range(1, 6):
        admit(tx, signed(time))
    assert remembered(tx) == [3, 4, 5]
    keep(tx, 2)
    admit(tx, signed(6))
    assert remembered(tx) == [5, 6]


def test_without_configuration_a_hundred_are_kept(tx: Tx) -> None:
    for time in range(105):
        admit(tx, signed(time))
    assert remembered(tx) == list(range(5, 105))


@pytest.mark.slow
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=25),
    st.integers(0, 4),
)
def test_whatever_was_taken_is_never_taken_again(times: list[int], size: int) -> None:
    tx = Store().begin()
    keep(tx, size)
    taken = []
    for number, time in enumerate(times):
        request = signed(time, number)
        try:
            admit(tx, request)
        except ApiError:
            continue
        taken.append(request)
    for request in taken:
        assert refusal(tx, request).startswith("Proposal")


def test_so_many_proposals_of_one_second_are_taken(tx: Tx) -> None:
    keep(tx, 1)
    table = COSE_RECENT_REQUESTS.of(tx)
    for number in range(RECENT_PER_SECOND_MAX - 1):
        taken = RecentRequest(proposal_id=ProposalId(f"{number}"), proposer_id=ALICE)
        table.put(key_of(5, b"%d" % number), taken)
    admit(tx, signed(5, 1))
    assert refusal(tx, signed(5, 2)) == (
        "ProposalCreatedTooLongAgo: Proposal created too long ago, created_at must be "
        "greater than 0000000005"
    )
    admit(tx, signed(5, 2, by=BOB), "of another member")
    admit(tx, signed(6))
    kept = (signed(5, 2, by=BOB), signed(6))
    assert set(COSE_RECENT_REQUESTS.of(tx).keys()) == {
        key_of(request.created_at, request.message.signed_digest) for request in kept
    }


def test_a_window_that_becomes_smaller_refuses_what_it_does_not_keep(tx: Tx) -> None:
    for time in range(100, 110):
        admit(tx, signed(time), f"{time}")
    keep(tx, 1)
    between = signed(107, 1)
    admit(tx, between, "between")
    assert remembered(tx) == [109]
    assert refusal(tx, between).startswith("ProposalCreatedTooLongAgo")


# One member and the others


@attack("gov: a window that one member moves")
def test_no_members_times_bound_another(tx: Tx) -> None:
    for number in range(3 * RECENT_COSE_PROPOSALS):
        admit(tx, signed(1_000_600 + number, number, by=BOB), f"{number}")
    honest = signed(1_000_000)
    admit(tx, honest, "honest")
    assert refusal(tx, honest).endswith("already exists as proposal honest")
    assert refusal(tx, signed(1_000_000, by=BOB)).startswith("ProposalCreatedTooLong")


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.sampled_from([ALICE, BOB]), st.integers(0, 6)),
        min_size=1,
        max_size=25,
    ),
    st.integers(0, 4),
)
def test_a_member_is_judged_as_if_there_were_no_other(
    requests: list[tuple[MemberId, int]], size: int
) -> None:
    together, alone = Store().begin(), {by: Store().begin() for by in (ALICE, BOB)}
    for tx in (together, *alone.values()):
        keep(tx, size)
    for number, (by, time) in enumerate(requests):
        outcomes = []
        for tx in (together, alone[by]):
            try:
                admit(tx, signed(time, number, by=by), f"{number}")
            except ApiError as refused:
                outcomes.append(refused.message)
            else:
                outcomes.append("taken")
        assert outcomes[0] == outcomes[1]


# Times ahead of the clock


def test_a_time_of_eleven_digits_is_refused(tx: Tx) -> None:
    admit(tx, signed(9_999_999_999))
    assert refusal(tx, signed(10_000_000_000)) == (
        "InvalidCreatedAt: Header parameter created_at value is too large"
    )


@attack("gov: a proposal from the future")
def test_a_time_may_be_so_far_ahead_of_the_clock_and_no_further(tx: Tx) -> None:
    admit(tx, signed(600), latest_s=600)
    assert refusal(tx, signed(601), latest_s=600) == (
        "InvalidCreatedAt: Header parameter created_at value is too far ahead of the "
        "node's clock, created_at must not be greater than 0000000600"
    )


@attack("gov: a proposal from the future")
def test_a_window_that_was_moved_before_shuts_nobody_out(tx: Tx) -> None:
    for number in range(3):
        former(tx, LATEST_S, number)
    assert refusal(tx, signed(50)).startswith("ProposalCreatedTooLongAgo")
    admit(tx, signed(50), latest_s=100)
    admit(tx, signed(60), latest_s=100)
    assert len(list(COSE_RECENT_PROPOSALS.of(tx).keys())) == 5, "nothing is forgotten"


@pytest.mark.parametrize(
    ("earlier", "oldest_allowed"), [([10], 10), ([10, 20], 20), ([10, 20, 30], 20)]
)
@attack("gov: a proposal again, that a node of an earlier version took")
def test_what_an_earlier_version_may_have_forgotten_is_too_old_for_everybody(
    tx: Tx, earlier: list[int], oldest_allowed: int
) -> None:
    keep(tx, 1)
    for time in earlier:
        former(tx, time)
    for by in (ALICE, BOB):
        assert refusal(tx, signed(oldest_allowed - 1, by=by)).endswith(
            f"created_at must be greater than {oldest_allowed:010d}"
        )
        admit(tx, signed(oldest_allowed, by=by), by)
        admit(tx, signed(oldest_allowed + 50, by=by), f"{by} again")
    assert refusal(tx, signed(oldest_allowed - 1, by=MemberId("c" * 64)))


@attack("gov: a proposal again, after the window was moved or the clock set back")
def test_what_was_pushed_out_of_a_moved_window_is_not_taken_again(tx: Tx) -> None:
    pushed_out = signed(50)
    COSE_HISTORY.of(tx).put(ALICE, pushed_out.envelope)
    for number in range(4):
        former(tx, LATEST_S, number)
    COSE_HISTORY.of(tx).put(BOB, signed(LATEST_S, by=BOB).envelope)
    assert refusal(tx, pushed_out, latest_s=100) == (
        "ProposalCreatedTooLongAgo: Proposal created too long ago, created_at must be "
        "greater than 0000000050"
    )
    admit(tx, signed(51), latest_s=100)
    # Who moved the window has shut out nobody but themselves.
    assert refusal(tx, signed(52, by=BOB), latest_s=100) == (
        "ProposalCreatedTooLongAgo: Proposal created too long ago, created_at must be "
        "greater than 9999999999"
    )


@attack("gov: a proposal again, after the window was moved or the clock set back")
def test_a_clock_that_is_set_back_brings_back_nothing(tx: Tx) -> None:
    """The clock is the host's: it must not make old proposals new."""
    keep(tx, 3)
    taken = [signed(time) for time in range(10, 20)]
    for request in taken:
        admit(tx, request, latest_s=20)
    for latest_s in range(20):
        for request in taken:
            assert refusal(tx, request, latest_s=latest_s)


def test_a_last_request_that_cannot_be_read_admits_nothing_to_a_moved_window(
    tx: Tx,
) -> None:
    former(tx, LATEST_S)
    COSE_HISTORY.of(tx).put(ALICE, b"no envelope")
    assert refusal(tx, signed(50), latest_s=100).endswith("greater than 9999999999")
