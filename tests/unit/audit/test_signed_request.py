"""Whether a request that was kept proves what a member did."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.audit.signed_request import (
    CREATED_AT,
    PROPOSAL_ID,
    TYPE,
    Signed,
    check,
    check_http,
)
from ccfpy.base.ids import ProposalId
from ccfpy.base.json import Json
from ccfpy.crypto import cose
from tests.unit.audit.made import FIRST_MEMBER, SECOND_MEMBER, Member

ABOUT = ProposalId("p" * 64)
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
