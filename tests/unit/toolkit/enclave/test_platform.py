"""An enclave's use of its machine: evidence, reports to others, sealing."""

from dataclasses import replace

import pytest

from ccfpy.attestation.report_data import app_report_data
from ccfpy.attestation.simulated import VerifiedQuote
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.enclave.loop import Defect
from ccfpy.enclave.platforms.simulated import SimulatedPlatform
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.toolkit.enclave import (
    EnclavePlatform,
    SealPolicy,
    identity_text,
    read_identity,
)
from ccfpy.toolkit.enclave.platform import report_for
from tests.unit.attestation.simulation import (
    ENCLAVE,
    LATER,
    MACHINE,
    NOW,
    REPORT_DATA,
    SECOND_MACHINE,
)

DATA = b"a key, say"


def _on(machine: object, identity: object = ENCLAVE) -> EnclavePlatform:
    beneath = SimulatedPlatform(machine, identity)  # type: ignore[arg-type]  # it is
    return EnclavePlatform(beneath, SeededEntropy(3))


OWN = _on(MACHINE)
OTHER = _on(MACHINE, LATER)


def test_evidence_is_for_anybody_and_bound_to_the_enclaves_data() -> None:
    attested = OWN.attest(DATA)
    verified = VerifiedQuote.verify(
        attested.quote, attested.endorsements, unix_time_s=NOW
    )
    assert verified.report.identity == ENCLAVE
    assert verified.report.report_data == app_report_data(DATA)


def test_a_report_tells_one_other_enclave_who_speaks() -> None:
    report = OWN.report_for(LATER, DATA)
    assert OTHER.read_report(report, DATA) == ENCLAVE


def test_a_report_is_worth_nothing_to_others_elsewhere_or_of_other_data() -> None:
    report = OWN.report_for(LATER, DATA)
    for reader in (OWN, _on(SECOND_MACHINE, LATER)):
        with pytest.raises(VerificationFailed, match="another enclave or machine"):
            reader.read_report(report, DATA)
    with pytest.raises(VerificationFailed, match="bound to other data"):
        OTHER.read_report(report, DATA + b"!")
    with pytest.raises(Malformed):
        OTHER.read_report(b"no report", DATA)


def test_data_is_not_taken_for_the_report_data_itself() -> None:
    bare = report_for(LATER, MACHINE, ENCLAVE, report_data=REPORT_DATA)
    with pytest.raises(VerificationFailed, match="bound to other data"):
        OTHER.read_report(bare, REPORT_DATA)


def test_a_debug_enclave_is_heard_by_debug_enclaves_alone() -> None:
    debug, reader = replace(ENCLAVE, debug=True), replace(LATER, debug=True)
    speaker = _on(MACHINE, debug)
    with pytest.raises(VerificationFailed, match="of a debug enclave"):
        OTHER.read_report(speaker.report_for(LATER, DATA), DATA)
    heard = _on(MACHINE, reader).read_report(speaker.report_for(reader, DATA), DATA)
    assert heard == debug


@pytest.mark.parametrize("policy", SealPolicy)
def test_what_is_sealed_opens_for_its_enclave_with_what_went_beside_it(
    policy: SealPolicy,
) -> None:
    sealed = OWN.seal(DATA, policy=policy, aad=b"beside")
    assert DATA not in sealed
    assert OWN.unseal(sealed, aad=b"beside") == DATA
    with pytest.raises(VerificationFailed):
        OWN.unseal(sealed)
    with pytest.raises(VerificationFailed):
        _on(SECOND_MACHINE).unseal(sealed, aad=b"beside")
    if policy is SealPolicy.SIGNER:
        assert OTHER.unseal(sealed, aad=b"beside") == DATA
    else:
        with pytest.raises(VerificationFailed):
            OTHER.unseal(sealed, aad=b"beside")


def test_an_older_enclave_does_not_open_what_a_newer_one_sealed() -> None:
    sealed = OTHER.seal(DATA, policy=SealPolicy.SIGNER)
    with pytest.raises(VerificationFailed, match="newer than this enclave's"):
        OWN.unseal(sealed)


def test_what_was_sealed_before_opens_as_well_as_what_is_sealed_now() -> None:
    before, now = (OWN.seal(text, policy=SealPolicy.UNIQUE) for text in (b"1", b"2"))
    assert (OWN.unseal(now), OWN.unseal(before)) == (b"2", b"1")


def test_an_enclave_that_asks_for_no_platform_has_none() -> None:
    none = EnclavePlatform(None, SeededEntropy(4))
    for use in (
        lambda: none.identity,
        lambda: none.attest(DATA),
        lambda: none.report_for(LATER, DATA),
        lambda: none.read_report(b"", DATA),
        lambda: none.seal(DATA, policy=SealPolicy.UNIQUE),
        lambda: none.unseal(b""),
    ):
        with pytest.raises(Defect, match="needs_platform=True"):
            use()


def test_an_identity_is_handed_on_as_text() -> None:
    assert read_identity(identity_text(ENCLAVE)) == ENCLAVE
    for wrong in (b"", b"{}", identity_text(ENCLAVE)[:-1] + b',"x":1}'):
        with pytest.raises(Malformed):
            read_identity(wrong)
