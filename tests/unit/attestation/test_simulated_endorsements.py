"""A quote verified up to the vendor that it came with."""

from dataclasses import replace

import pytest

from ccfpy.attestation.simulated import Endorsements, TcbStatus, VerifiedQuote
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.json import Json
from ccfpy.local.simulated_vendor import UPDATE_DAYS
from tests.attacks import attack
from tests.unit.attestation.simulation import (
    ENCLAVE,
    FOREIGN_MACHINE,
    HOST_DATA,
    MACHINE,
    NOW,
    OTHER_VENDOR,
    REPORT_DATA,
    SECOND_MACHINE,
    TCB_VERSION,
    VENDOR,
    attestation,
    raised,
)

ATTESTED = attestation()
_DAY = 24 * 60 * 60


def changed(**fields: Json) -> bytes:
    return json.dumps(json.loads_object(ATTESTED.endorsements) | fields)


def test_a_true_quote_verifies_and_says_what_the_machine_is_worth() -> None:
    verified = VerifiedQuote.verify(
        ATTESTED.quote, ATTESTED.endorsements, unix_time_s=NOW
    )
    assert verified.report.identity == ENCLAVE
    assert verified.endorsements.vendor_id == VENDOR.vendor_id
    assert verified.tcb_status() is TcbStatus.UP_TO_DATE


def test_what_the_verifier_knows_holds_where_it_is_newer() -> None:
    verified = VerifiedQuote.verify(
        ATTESTED.quote, ATTESTED.endorsements, unix_time_s=NOW
    )
    later = VENDOR.require(
        raised(TCB_VERSION), older=TcbStatus.OUT_OF_DATE, unix_time_s=NOW
    )
    assert verified.tcb_status(later.collateral) is TcbStatus.OUT_OF_DATE
    revoking = VENDOR.revoke([MACHINE.machine_id], unix_time_s=NOW)
    with pytest.raises(VerificationFailed, match="is revoked"):
        verified.tcb_status(revoking.collateral)
    assert verified.tcb_status(VENDOR.collateral) is TcbStatus.UP_TO_DATE


@pytest.mark.parametrize(
    "endorsements",
    [
        b"",
        b"{}",
        b"[]",
        ATTESTED.quote,
        changed(machine_certificate="none"),
        changed(tcb_info="!"),
        changed(further=1),
        changed(tcb_info=None),
    ],
)
def test_what_is_no_endorsement_is_refused(endorsements: bytes) -> None:
    with pytest.raises(Malformed):
        Endorsements.verify(endorsements, unix_time_s=NOW)


@pytest.mark.parametrize(
    "endorsements",
    [
        # Another vendor's root, or machine, or word.
        changed(vendor_certificate=OTHER_VENDOR.certificate.pem),
        changed(machine_certificate=FOREIGN_MACHINE.certificate.pem),
        changed(**OTHER_VENDOR.collateral.fields()),
        # The vendor's own certificate in a machine's place; a machine's in a vendor's.
        changed(machine_certificate=VENDOR.certificate.pem),
        changed(vendor_certificate=MACHINE.certificate.pem),
        # A machine of the same vendor that did not sign.
        changed(machine_certificate=SECOND_MACHINE.certificate.pem),
    ],
)
def test_parts_that_do_not_hold_together_are_refused(endorsements: bytes) -> None:
    with pytest.raises(CcfpyError):
        VerifiedQuote.verify(ATTESTED.quote, endorsements, unix_time_s=NOW)


def test_a_vendor_signs_for_itself_alone() -> None:
    """A machine cannot vouch for a machine: it is no authority."""
    forged = replace(MACHINE, vendor=MACHINE.certificate)
    attested = forged.attest(ENCLAVE, report_data=REPORT_DATA, host_data=HOST_DATA)
    with pytest.raises(VerificationFailed, match="was not issued by"):
        VerifiedQuote.verify(attested.quote, attested.endorsements, unix_time_s=NOW)


@attack("join: stale evidence")
@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (NOW - 1, "is not valid now"),
        (NOW + UPDATE_DAYS * _DAY, "the TCB info with number 1 holds"),
        (NOW + 4000 * _DAY, "is not valid now"),
    ],
)
def test_endorsements_hold_for_a_time(now: int, reason: str) -> None:
    with pytest.raises(VerificationFailed, match=reason):
        Endorsements.verify(ATTESTED.endorsements, unix_time_s=now)
