"""Quotes of SGX enclaves: real ones, and a maker's of our own who signs anything."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation.sgx import (
    Policy,
    SgxStep,
    node_report_data,
    verify_sgx_quote,
    verify_sgx_quote_alone,
)
from ccfpy.attestation.sgx_quote import SgxQuote
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256
from tests.attacks import attack
from tests.unit.attestation.hardware import recorded
from tests.unit.attestation.sgx_maker import DAY, NOW, NOW_S, SgxMaker, Wanted, tcb_info

GATHERED_S = int(datetime(2023, 3, 15, 14, 1, 8, tzinfo=UTC).timestamp())
BASELINE = Policy(takes_stale=True)
"""Azure served what Intel said in 2021."""
MAKER = SgxMaker()
OURS = Policy(root_key=MAKER.root_key)


def recorded_evidence(name: str = "sgx_node") -> tuple[bytes, bytes]:
    return recorded(f"{name}.quote"), recorded(f"{name}.collateral")


def verify(
    wanted: Wanted, *, policy: Policy = OURS, now_s: int = NOW_S
) -> tuple[SgxQuote, list[str]]:
    taken: list[str] = []
    quote, collateral = MAKER.evidence(wanted)
    found = verify_sgx_quote(
        quote, collateral, unix_time_s=now_s, policy=policy, took=taken.append
    )
    return found, taken


def test_a_quote_of_a_real_processor_is_believed_at_its_time() -> None:
    taken: list[str] = []
    quote = verify_sgx_quote(
        *recorded_evidence(),
        unix_time_s=GATHERED_S,
        policy=BASELINE,
        took=taken.append,
    )
    assert taken == list(SgxStep)
    key = Certificate.from_pem(recorded("sgx_node.pem")).public_key_der
    assert node_report_data(quote) == sha256(key)
    assert quote.report.measurement.hex().startswith("ac105ad20cccce5c")
    assert quote.report.security_version == 1


def test_its_collateral_was_not_recent_even_then() -> None:
    with pytest.raises(VerificationFailed, match=r"update .* was due on 2021-05-20"):
        verify_sgx_quote(*recorded_evidence(), unix_time_s=GATHERED_S)


@attack("join: stale evidence")
@pytest.mark.parametrize("days", [-2, 40, 3000])
def test_it_is_not_believed_at_another_time(days: int) -> None:
    with pytest.raises(VerificationFailed, match="not valid then"):
        verify_sgx_quote(
            *recorded_evidence(),
            unix_time_s=GATHERED_S + days * 86400,
            policy=BASELINE,
        )


@attack("join: an enclave that can be debugged")
def test_an_enclave_that_is_debugged_is_not_believed_unless_that_is_wanted() -> None:
    gathered = int(datetime(2025, 1, 3, 16, 39, 4, tzinfo=UTC).timestamp())
    evidence = recorded_evidence("sgx_debugged")
    with pytest.raises(VerificationFailed, match="debugging must not be enabled"):
        verify_sgx_quote(*evidence, unix_time_s=gathered, policy=BASELINE)
    lenient = Policy(takes_stale=True, takes_debugged=True)
    quote = verify_sgx_quote(*evidence, unix_time_s=gathered, policy=lenient)
    assert quote.report.is_debugged


def test_collateral_of_another_time_does_not_change_what_is_proved() -> None:
    quote, _ = recorded_evidence()
    _, later = recorded_evidence("sgx_debugged")
    gathered = int(datetime(2025, 1, 3, 16, 39, 4, tzinfo=UTC).timestamp())
    found = verify_sgx_quote(quote, later, unix_time_s=gathered, policy=BASELINE)
    assert found == SgxQuote.parse(quote)


@attack("join: evidence with a bit changed")
@given(st.integers(0, 8 * len(recorded("sgx_node.quote")) - 1))
def test_no_bit_of_a_real_quote_that_is_of_account_can_be_changed(bit: int) -> None:
    """What certificates say beside their signed part is PEM, which has idle bits."""
    quote, collateral = recorded_evidence()
    changed = bytearray(quote)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        found = verify_sgx_quote(
            bytes(changed), collateral, unix_time_s=GATHERED_S, policy=BASELINE
        )
    except CcfpyError:
        return
    honest = SgxQuote.parse(quote)
    assert (found.report, found.claims) == (honest.report, honest.claims)


@given(st.integers(0, 8 * len(recorded("sgx_node.collateral")) - 1))
def test_whatever_the_collateral_nothing_else_is_raised(bit: int) -> None:
    quote, collateral = recorded_evidence()
    changed = bytearray(collateral)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        found = verify_sgx_quote(
            quote, bytes(changed), unix_time_s=GATHERED_S, policy=BASELINE
        )
    except CcfpyError:
        return
    assert found.report == SgxQuote.parse(quote).report


def test_a_quote_alone_is_believed_as_far_as_it_goes() -> None:
    quote, _ = recorded_evidence()
    assert verify_sgx_quote_alone(quote, unix_time_s=NOW_S) == SgxQuote.parse(quote)
    for at in (100, 500, 600, 1010, 1200):
        changed = bytearray(quote)
        changed[at] ^= 1
        with pytest.raises(CcfpyError):
            verify_sgx_quote_alone(bytes(changed), unix_time_s=NOW_S)
    debugged, _ = recorded_evidence("sgx_debugged")
    with pytest.raises(VerificationFailed, match="debugging"):
        verify_sgx_quote_alone(debugged, unix_time_s=NOW_S)


# A maker of our own


def level(**versions: Json) -> JsonObject:
    return {"tcbLevels": [{"tcb": versions, "tcbStatus": "UpToDate"}]}


@pytest.mark.parametrize("version", [2, 3])
def test_honest_evidence_takes_each_step(version: int) -> None:
    quote, taken = verify(Wanted(tcb=tcb_info(version)))
    assert taken == list(SgxStep)
    assert node_report_data(quote) == b"k" * 32


def test_a_bare_quote_says_its_report_data_alone() -> None:
    quote, _ = verify(Wanted(claims=b""))
    assert node_report_data(quote) == b"k" * 32 + bytes(32)


@attack("join: a manufacturer that nobody knows")
def test_a_maker_of_anybodys_making_is_not_believed() -> None:
    with pytest.raises(VerificationFailed, match="the root key is not Intel's"):
        verify(Wanted(), policy=Policy())


def changed(where: str, fields: JsonObject) -> Wanted:
    """Want one of the things that the maker says to be said in another way."""
    wanted = Wanted()
    said = {"tcb": wanted.tcb, "identity": wanted.identity}[where]
    said.update(fields)
    for name in [name for name, value in fields.items() if value is None]:
        del said[name]
    return wanted


@pytest.mark.parametrize(
    ("wanted", "step", "reason"),
    [
        (Wanted(revoked=("pck",)), SgxStep.REVOCATION, "CN=pck was revoked"),
        (Wanted(revoked=("platform",)), SgxStep.REVOCATION, "CN=platform was revoked"),
        (Wanted(lists_until=NOW - DAY / 2), SgxStep.REVOCATION, "is not valid then"),
        (Wanted(qe_binds=False), SgxStep.ATTESTATION_KEY, "does not vouch"),
        (Wanted(report_data=bytes(32)), SgxStep.CLAIMS, "custom claims are not those"),
        (Wanted(attributes=b"\x07"), SgxStep.DEBUG, "debugging must not be enabled"),
        (Wanted(attributes=b"\x04"), SgxStep.DEBUG, "was not initialised"),
        (Wanted(revoked=("tcb",)), SgxStep.COLLATERAL, "CN=tcb was revoked"),
        (Wanted(qe_signer=bytes(32)), SgxStep.ENCLAVE_LEVEL, "is not signed by Intel"),
        (Wanted(qe_product=2), SgxStep.ENCLAVE_LEVEL, "is another product"),
        (Wanted(qe_attributes=b"\x13"), SgxStep.ENCLAVE_LEVEL, "has other attributes"),
        (Wanted(qe_svn=4), SgxStep.ENCLAVE_LEVEL, "quoting enclave is OutOfDate"),
        (Wanted(qe_svn=3), SgxStep.ENCLAVE_LEVEL, "of no known level"),
        (Wanted(fmspc=bytes(6)), SgxStep.PLATFORM_LEVEL, "TCB info is of fmspc 00606a"),
        (Wanted(components=[3] * 16), SgxStep.PLATFORM_LEVEL, "processor is OutOfDate"),
        (Wanted(components=[2] * 16), SgxStep.PLATFORM_LEVEL, "knows no level"),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, str) else "",
)
def test_each_thing_that_is_wrong_is_found(
    wanted: Wanted, step: SgxStep, reason: str
) -> None:
    taken: list[str] = []
    with pytest.raises(VerificationFailed, match=reason):
        verify_sgx_quote(
            *MAKER.evidence(wanted),
            unix_time_s=NOW_S,
            policy=OURS,
            took=taken.append,
        )
    assert list(SgxStep)[len(taken)] is step


@pytest.mark.parametrize(
    ("where", "fields", "reason"),
    [
        ("tcb", {"issueDate": "2025-07-01T00:00:00Z"}, "was issued later"),
        ("identity", {"nextUpdate": "2025-06-10T00:00:00Z"}, "due on 2025-06-10"),
        ("tcb", {"nextUpdate": "2025-06-11T00:00:00Z"}, "due on 2025-06-11"),
        ("tcb", {"pceId": "0001"}, "TCB info is of pceId 0001"),
    ],
)
def test_what_the_maker_says_is_of_its_time_and_processor(
    where: str, fields: JsonObject, reason: str
) -> None:
    with pytest.raises(VerificationFailed, match=reason):
        verify(changed(where, fields))


@pytest.mark.parametrize(
    ("where", "fields"),
    [
        ("tcb", {"tcbLevels": None}),
        ("tcb", {"fmspc": None}),
        ("tcb", {"nextUpdate": None}),
        ("identity", {"mrsigner": None}),
        ("identity", {"isvprodid": None}),
        ("tcb", {"fmspc": "zz"}),
        ("tcb", {"issueDate": "yesterday"}),
        ("tcb", {"tcbLevels": [1]}),
        ("tcb", {"tcbLevels": [{"tcb": {}, "tcbStatus": "Fine"}]}),
        ("tcb", {"tcbLevels": [{"tcb": {}, "tcbStatus": "UpToDate"}]}),
        ("tcb", level(sgxtcbcomponents=[1])),
        ("tcb", level(sgxtcbcomponents=[1] * 16, pcesvn=1)),
        ("identity", {"attributesMask": "FF"}),
        ("identity", level(isvsvn=-1)),
    ],
)
def test_what_the_maker_says_has_its_form(where: str, fields: JsonObject) -> None:
    with pytest.raises(Malformed, match=r"SGX collateral|not a time"):
        verify(changed(where, fields))


def test_a_status_may_be_taken_that_is_not_the_best() -> None:
    lenient = Policy(root_key=MAKER.root_key, statuses=("UpToDate", "OutOfDate"))
    verify(Wanted(qe_svn=4, components=[3] * 16), policy=lenient)


@attack("join: evidence of two machines, mixed")
def test_evidence_of_two_makers_is_not_mixed() -> None:
    quote, _ = MAKER.evidence(Wanted())
    _, other = SgxMaker().evidence(Wanted())
    with pytest.raises(VerificationFailed, match="by another than the issuer"):
        verify_sgx_quote(quote, other, unix_time_s=NOW_S, policy=OURS)
