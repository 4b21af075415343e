"""Members' decisions, read from the tables, and errors in their proofs."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.audit.chunks import find_chunks
from ccfpy.audit.governance import (
    CREATED_AT,
    PROPOSAL_ID,
    TYPE,
    Acknowledged,
    Chronicle,
    Decided,
    Event,
    MemberSeen,
    Proposed,
    Signed,
    Voted,
    Withdrawn,
    check,
    check_http,
    read_governance,
)
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, ProposalId, TxId
from ccfpy.base.json import Json
from ccfpy.crypto import cose
from ccfpy.kv.changes import Writes, WriteSet
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import ProposalState
from tests.unit.audit.made import FIRST_MEMBER, SECOND_MEMBER, Member, written
from tests.unit.ledger.made import FIRST, ISSUED_AT, MadeLedger, small_ledger

G = "public:ccf.gov."
AT = TxId(2, 9)
ABOUT = ProposalId("p" * 64)
BODY = b'{"actions": [{"name": "set_user", "args": {}}, {"name": "remove_user"}]}'
BALLOT = "export function vote () { return true }"


def member(
    who: Member, status: str = "Active", *, pem: str | None = None
) -> dict[str, Writes]:
    """Write a member's records."""
    return {
        f"{G}members.certs": {who.id.encode(): (pem or who.certificate.pem).encode()},
        f"{G}members.info": {who.id.encode(): _json({"status": status})},
    }


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def kept(who: Member, envelope: bytes) -> dict[str, Writes]:
    """Write a signed request where it is kept."""
    encoded = base64.b64encode(envelope).decode()
    return {f"{G}cose_history": {who.id.encode(): _json(encoded)}}


def info(state: str = "Open", **fields: object) -> dict[str, Writes]:
    """Write a proposal's progress."""
    record = {"proposer_id": FIRST_MEMBER.id, "state": state, "ballots": {}, **fields}
    return {f"{G}proposals_info": {ABOUT.encode(): _json(record)}}


def proposal(body: bytes = BODY) -> dict[str, Writes]:
    return {f"{G}proposals": {ABOUT.encode(): body}}


def by(voter: Member, text: str = BALLOT) -> dict[MemberId, str]:
    return {voter.id: text}


def ack(who: Member, **fields: object) -> dict[str, Writes]:
    return {f"{G}members.acks": {who.id.encode(): _json(fields)}}


PROPOSE = kept(FIRST_MEMBER, FIRST_MEMBER.signed("proposal", BODY))
VOTE = kept(
    SECOND_MEMBER,
    SECOND_MEMBER.signed("ballot", _json({"ballot": BALLOT}), proposal_id=ABOUT),
)
WITHDRAW = kept(FIRST_MEMBER, FIRST_MEMBER.signed("withdrawal", b"", proposal_id=ABOUT))


def told(*write_sets: WriteSet) -> list[Event]:
    """Return what happened last, after two members were there."""
    chronicle = Chronicle()
    list(chronicle.take(TxId(2, 1), member(FIRST_MEMBER)))
    list(chronicle.take(TxId(2, 2), member(SECOND_MEMBER)))
    for write_set in write_sets[:-1]:
        list(chronicle.take(TxId(2, 3), write_set))
    return list(chronicle.take(AT, write_sets[-1]))


def test_a_proposal_is_told_with_its_actions() -> None:
    assert told({**PROPOSE, **proposal(), **info()}) == [
        Proposed(
            txid=AT,
            proposal_id=ABOUT,
            member_id=FIRST_MEMBER.id,
            created_at=ISSUED_AT,
            actions=("set_user", "remove_user"),
            flaw=None,
        )
    ]


def test_a_ballot_is_told_and_what_it_decided() -> None:
    decided = info(
        "Accepted",
        ballots=by(SECOND_MEMBER),
        final_votes={SECOND_MEMBER.id: True},
        vote_failures={FIRST_MEMBER.id: {"reason": "threw"}},
    )
    assert told({**PROPOSE, **proposal(), **info()}, {**VOTE, **decided}) == [
        Voted(
            txid=AT,
            proposal_id=ABOUT,
            member_id=SECOND_MEMBER.id,
            created_at=ISSUED_AT,
            ballot=BALLOT,
            flaw=None,
        ),
        Decided(
            txid=AT,
            proposal_id=ABOUT,
            state=ProposalState.ACCEPTED,
            votes={SECOND_MEMBER.id: True},
            failure=f"{FIRST_MEMBER.id}: threw\nTrace: N/A",
        ),
    ]


def test_a_ballot_is_told_once() -> None:
    opened = info(ballots=by(SECOND_MEMBER))
    assert len(told({**PROPOSE, **info()}, {**VOTE, **opened})) == 1
    assert not told({**VOTE, **opened}, opened)
    other = info(ballots=by(SECOND_MEMBER, "other"))
    (voted,) = told({**VOTE, **opened}, other)
    assert isinstance(voted, Voted)
    assert voted.ballot == "other"


def test_a_withdrawal_is_told() -> None:
    withdrawn = {**WITHDRAW, **info("Withdrawn")}
    assert told({**PROPOSE, **info()}, withdrawn) == [
        Withdrawn(
            txid=AT,
            proposal_id=ABOUT,
            member_id=FIRST_MEMBER.id,
            created_at=ISSUED_AT,
            flaw=None,
        )
    ]


def test_a_proposal_that_failed_says_why() -> None:
    (decided,) = told(info(), info("Failed", failure={"reason": "no such user"}))
    assert isinstance(decided, Decided)
    assert decided.failure == "no such user\nTrace: N/A"


def test_a_forgotten_proposal_is_no_event_and_could_come_again() -> None:
    forgotten: WriteSet = {f"{G}proposals_info": {ABOUT.encode(): None}}
    assert not told(info(), forgotten)
    again = told(info(), forgotten, {**PROPOSE, **proposal(), **info()})
    assert isinstance(again[0], Proposed)


def test_an_acknowledgement_is_told() -> None:
    signed = FIRST_MEMBER.signed("ack", _json({"stateDigest": "ab"}))
    request = base64.b64encode(signed).decode()
    asked = ack(FIRST_MEMBER, state_digest="ab")
    given = ack(FIRST_MEMBER, state_digest="ab", cose_sign1_req=request)
    assert not told(asked)
    expected = Acknowledged(
        txid=AT, member_id=FIRST_MEMBER.id, created_at=ISSUED_AT, flaw=None
    )
    assert told(asked, given) == [expected]
    # The service asks for another digest beside the request of before.
    asked_again = ack(FIRST_MEMBER, state_digest="cd", cose_sign1_req=request)
    assert not told(asked, given, asked_again)
    (other,) = told(
        ack(FIRST_MEMBER, state_digest="cd"),
        {**ack(FIRST_MEMBER, state_digest="cd", cose_sign1_req=request)},
    )
    assert isinstance(other, Acknowledged)
    assert other.flaw == "what was signed is not the state that was to be"
    assert not told(asked, {f"{G}members.acks": {FIRST_MEMBER.id.encode(): None}})


def test_before_cose_an_acknowledgement_may_move_the_digest_on() -> None:
    body = _json({"state_digest": "ab"})
    request = FIRST_MEMBER.signed_http("post /gov/ack", body)
    asked = ack(FIRST_MEMBER, state_digest="ab")
    moved = ack(FIRST_MEMBER, state_digest="cd", signed_req=request)
    expected = Acknowledged(
        txid=AT, member_id=FIRST_MEMBER.id, created_at=None, flaw=None
    )
    assert told(asked, moved) == [expected]
    assert not told(asked, moved, moved)
    (other,) = told(ack(FIRST_MEMBER, state_digest="ef"), moved)
    assert isinstance(other, Acknowledged)
    assert other.flaw == "what was signed is not the state that was to be"


def test_before_cose_a_proposal_is_proven_by_an_http_request() -> None:
    request = FIRST_MEMBER.signed_http("post /gov/proposals", BODY)
    history: WriteSet = {f"{G}history": {FIRST_MEMBER.id.encode(): _json(request)}}
    (event,) = told({**history, **proposal(), **info()})
    assert isinstance(event, Proposed)
    assert event.flaw is None
    assert event.actions == ("set_user", "remove_user")


def test_members_come_and_go() -> None:
    gone: WriteSet = {
        name: dict.fromkeys(writes) for name, writes in member(SECOND_MEMBER).items()
    }
    assert told(gone) == [MemberSeen(txid=AT, member_id=SECOND_MEMBER.id, status=None)]
    assert not told(gone, gone)
    assert not told(member(FIRST_MEMBER))
    (back,) = told(gone, member(SECOND_MEMBER, "Accepted"))
    assert isinstance(back, MemberSeen)
    assert back.status is MemberStatus.ACCEPTED


def test_whoever_votes_itself_out_was_a_member() -> None:
    gone: WriteSet = {
        name: dict.fromkeys(writes) for name, writes in member(SECOND_MEMBER).items()
    }
    voted, _ = told(info(), {**gone, **VOTE, **info(ballots=by(SECOND_MEMBER))})
    assert isinstance(voted, Voted)
    assert voted.flaw is None


FORGED: dict[str, tuple[Callable[[], WriteSet], str]] = {
    "a proposal nobody signed": (
        lambda: {**proposal(), **info()},
        "no signed request beside it",
    ),
    "a proposal that was replaced": (
        lambda: {**PROPOSE, **proposal(b"{}"), **info()},
        "what was signed is not what was proposed",
    ),
    "a proposal without its body": (
        lambda: {**PROPOSE, **info()},
        "what was signed is not what was proposed",
    ),
    "a ballot signed for a proposal": (
        lambda: {
            **kept(FIRST_MEMBER, FIRST_MEMBER.signed("ballot", BODY)),
            **proposal(),
            **info(),
        },
        "is no proposal",
    ),
    "a request of before COSE that is none": (
        lambda: {
            f"{G}history": {FIRST_MEMBER.id.encode(): b"{}"},
            **proposal(),
            **info(),
        },
        "expected text as 'req'",
    ),
}


@pytest.mark.parametrize("forged", FORGED)
def test_an_unproven_proposal_is_told_with_its_flaw(forged: str) -> None:
    write_set, flaw = FORGED[forged]
    (event,) = told(write_set())
    assert isinstance(event, Proposed)
    assert flaw in (event.flaw or "")


def test_an_unproven_ballot_is_told_with_its_flaw() -> None:
    counted = info(ballots=by(SECOND_MEMBER, "export const other = 1"))
    (event,) = told(info(), {**VOTE, **counted})
    assert isinstance(event, Voted)
    assert event.flaw == "what was signed is not the ballot that was counted"
    broken = SECOND_MEMBER.signed("ballot", b"noise", proposal_id=ABOUT)
    (event,) = told(info(), {**kept(SECOND_MEMBER, broken), **counted})
    assert isinstance(event, Voted)
    assert event.flaw == "what was signed is not the ballot that was counted"


@pytest.mark.parametrize("body", [b"noise", b"{}", b'{"actions": [1, {"name": 2}]}'])
def test_a_proposal_of_no_actions_has_none(body: bytes) -> None:
    (event,) = told({**proposal(body), **info()})
    assert isinstance(event, Proposed)
    assert event.actions == ()


def test_a_record_that_is_none_is_malformed() -> None:
    with pytest.raises(Malformed, match=r"transaction 2\.9: "):
        told({f"{G}proposals_info": {b"p": b"noise"}})


def test_only_what_concerns_governance_is_read(tmp_path: Path) -> None:
    ledger = MadeLedger()
    ledger.put(FIRST.create())
    ledger.put({**member(FIRST_MEMBER), "public:ccf.gov.users.info": {b"u": b"{}"}})
    ledger.say("hello")
    (chunk,) = find_chunks([written(ledger, tmp_path)])
    ((txid, write_set),) = read_governance(chunk)
    assert txid == TxId(2, 2)
    assert write_set == member(FIRST_MEMBER)


def test_a_damaged_chunk_is_named(tmp_path: Path) -> None:
    chunk, *_ = find_chunks([written(small_ledger(), tmp_path)])
    chunk.path.write_bytes(b"noise")
    with pytest.raises(Malformed, match=r"ledger_1-5\.committed is damaged"):
        read_governance(chunk)


@pytest.mark.parametrize(
    ("service", "acts", "decisions"),
    [
        ("cose_flipflop_service", 7, 3),
        ("eol_service", 93, 26),
        ("sgx_service", 51, 13),
    ],
)
def test_a_recorded_service_tells_its_history(
    ccf_services: Path, service: str, acts: int, decisions: int
) -> None:
    """CCF wrote it and its members signed it, first as HTTP and then as COSE."""
    chronicle, events = Chronicle(), list[Event]()
    for chunk in find_chunks([ccf_services / service / "ledger"]):
        for txid, write_set in read_governance(chunk):
            events += chronicle.take(txid, write_set)
    proven = [e for e in events if isinstance(e, Proposed | Voted | Acknowledged)]
    assert len(proven) == acts
    assert {event.flaw for event in proven} == {None}
    members = {event.member_id for event in events if isinstance(event, MemberSeen)}
    assert {event.member_id for event in proven} == members
    decided = [event for event in events if isinstance(event, Decided)]
    assert [event.state for event in decided] == [ProposalState.ACCEPTED] * decisions


PAYLOAD = b'{"ballot": "yes"}'
ENVELOPE = FIRST_MEMBER.signed("ballot", PAYLOAD, proposal_id=ABOUT)


def checked(envelope: bytes, member: Member = FIRST_MEMBER) -> Signed:
    return check(envelope, member.id, member.certificate.pem, "ballot", ABOUT)


def test_a_request_says_what_was_signed_and_when() -> None:
    expected = Signed(payload=PAYLOAD, created_at=1_750_000_000, flaw=None)
    assert checked(ENVELOPE) == expected


def test_a_time_need_not_be_stated() -> None:
    protected: dict[cose.Label, object] = {
        cose.KID: FIRST_MEMBER.id.encode(),
        TYPE: "ballot",
        PROPOSAL_ID: ABOUT,
    }
    envelope = cose.sign(FIRST_MEMBER.key, protected=protected, payload=PAYLOAD)
    assert checked(envelope) == Signed(payload=PAYLOAD)
    stated = {**protected, CREATED_AT: "noon"}
    envelope = cose.sign(FIRST_MEMBER.key, protected=stated, payload=PAYLOAD)
    assert checked(envelope) == Signed(payload=PAYLOAD)


@given(st.data())
def test_no_changed_byte_goes_unnoticed(data: st.DataObject) -> None:
    changed = bytearray(ENVELOPE)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(
        st.integers(0, 7)
    )
    assert checked(bytes(changed)).flaw is not None


def test_who_signed_must_be_the_member() -> None:
    assert checked(ENVELOPE, SECOND_MEMBER).flaw == "signed by another than the member"
    posing = cose.sign(
        SECOND_MEMBER.key,
        protected={cose.KID: FIRST_MEMBER.id.encode(), TYPE: "ballot"},
        payload=PAYLOAD,
    )
    assert checked(posing).flaw is not None


@pytest.mark.parametrize(
    ("certificate", "flaw"),
    [
        (None, "whom the service did not know"),
        (SECOND_MEMBER.certificate.pem, "has another id"),
        ("noise", "not a PEM certificate"),
    ],
    ids=["none", "another's", "noise"],
)
def test_the_service_must_have_known_the_member(
    certificate: str | None, flaw: str
) -> None:
    signed = check(ENVELOPE, FIRST_MEMBER.id, certificate, "ballot", ABOUT)
    assert flaw in (signed.flaw or "")


def test_it_must_be_for_what_it_was_used_for() -> None:
    pem = FIRST_MEMBER.certificate.pem
    signed = check(ENVELOPE, FIRST_MEMBER.id, pem, "withdrawal", ABOUT)
    assert signed.flaw == "the request signed is no withdrawal"
    other = ProposalId("q" * 64)
    signed = check(ENVELOPE, FIRST_MEMBER.id, pem, "ballot", other)
    assert signed.flaw == "the request signed is about another proposal"


KEPT = FIRST_MEMBER.signed_http(f"post /gov/proposals/{ABOUT}/ballots", PAYLOAD)


def http_checked(
    kept: Json, member: Member = FIRST_MEMBER, kind: str = "ballot"
) -> Signed:
    return check_http(kept, member.id, member.certificate.pem, kind, ABOUT)


def test_a_request_of_before_cose_proves_as_much() -> None:
    assert http_checked({**KEPT}) == Signed(payload=PAYLOAD)


@given(st.data())
def test_no_changed_byte_of_it_goes_unnoticed(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["req", "request_body", "sig"]))
    changed = bytearray(base64.b64decode(KEPT[name]))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(
        st.integers(0, 7)
    )
    text = base64.b64encode(changed).decode()
    assert http_checked({**KEPT, name: text}).flaw is not None


@pytest.mark.parametrize(
    ("kept", "flaw"),
    [
        ("noise", "not a signed request"),
        ({}, "expected text as 'req'"),
        ({**KEPT, "key_id": SECOND_MEMBER.id}, "another than the member"),
        (
            FIRST_MEMBER.signed_http("post /gov/proposals", PAYLOAD),
            "is no ballot, or about another",
        ),
        (
            FIRST_MEMBER.signed_http("post /gov/proposals/q/ballots", PAYLOAD),
            "is no ballot, or about another",
        ),
    ],
    ids=["noise", "nothing", "another's", "another kind", "another proposal"],
)
def test_of_it_too_who_and_what_must_fit(kept: Json, flaw: str) -> None:
    assert flaw in (http_checked(kept).flaw or "")
