"""The simulated enclave that may join, and the reason for refusing each other."""

from dataclasses import replace

import pytest

from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.simulated import TcbStatus
from ccfpy.attestation.simulated_machine import SimulatedMachine
from ccfpy.base.errors import CcfpyError
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.tx import Tx
from ccfpy.local.simulated_vendor import SimulatedVendor
from ccfpy.service.evidence import quotes
from ccfpy.service.evidence.kind import QuoteFault, QuoteRefused
from ccfpy.service.evidence.quotes import verify_quote
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.join_policy import SimulatedProduct, SimulatedRules
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo
from tests.attacks import attack
from tests.unit.attestation.simulation import (
    ENCLAVE,
    ENTROPY,
    FOREIGN_MACHINE,
    HOST_DATA,
    LATER,
    MACHINE,
    NOW,
    OTHER_VENDOR,
    SECOND_MACHINE,
    TCB_VERSION,
    VENDOR,
    raised,
)

KEY = b"a public key as DER"
SIGNER = ENCLAVE.signer_id.hex()
OLD_TCB = raised(TCB_VERSION, by=-1)
DEBUGGED = replace(ENCLAVE, debug=True)


def quote(
    identity: EnclaveIdentity = ENCLAVE,
    machine: SimulatedMachine = MACHINE,
    host_data: bytes = HOST_DATA,
) -> QuoteInfo:
    attested = machine.attest(identity, report_data=sha256(KEY), host_data=host_data)
    return QuoteInfo(
        format=QuoteFormat(attested.format),
        quote=attested.quote,
        endorsements=attested.endorsements,
    )


def begin(tx: Tx, info: QuoteInfo) -> None:
    quotes.read(info, unix_time_s=NOW).trust(tx)


def judged(tx: Tx, info: QuoteInfo, *, key: bytes = KEY, now: int = NOW) -> str:
    """Return the unique id that may join, or the fault."""
    try:
        return verify_quote(tx, info, public_key_der=key, unix_time_s=now).hex()
    except QuoteRefused as refused:
        return refused.fault


def require(tx: Tx, least: int, product: int = ENCLAVE.product_id) -> None:
    products = {str(product): SimulatedProduct(security_version=least)}
    join_policy.SIMULATED_SIGNERS.of(tx).put(SIGNER, products)


@pytest.fixture
def service(tx: Tx) -> Tx:
    begin(tx, quote())
    return tx


def test_the_first_nodes_like_may_join_from_any_machine_of_the_vendor(
    service: Tx,
) -> None:
    for machine in (MACHINE, SECOND_MACHINE):
        assert judged(service, quote(machine=machine)) == ENCLAVE.unique_id.hex()
    rules = join_policy.SIMULATED_RULES.of(service).get()
    assert rules == SimulatedRules()


@attack("join: an enclave that can be debugged")
@attack("join: a processor or firmware that is out of date")
@attack("join: host data that nobody allowed")
@attack("join: a measurement that nobody allowed")
@pytest.mark.parametrize(
    ("info", "fault"),
    [
        (quote(LATER), QuoteFault.UNKNOWN_MEASUREMENT),
        (quote(DEBUGGED), QuoteFault.DEBUG),
        (quote(host_data=bytes(32)), QuoteFault.UNKNOWN_HOST_DATA),
        (quote(machine=FOREIGN_MACHINE), QuoteFault.UNKNOWN_VENDOR),
        (quote(machine=MACHINE.updated(OLD_TCB)), QuoteFault.TCB_STATUS),
        (replace(quote(), quote=b"junk"), QuoteFault.NOT_VERIFIED),
        (replace(quote(), endorsements=b""), QuoteFault.NOT_VERIFIED),
        (
            replace(quote(), endorsements=quote(machine=SECOND_MACHINE).endorsements),
            QuoteFault.NOT_VERIFIED,
        ),
        (
            replace(quote(), format=QuoteFormat.INSECURE_VIRTUAL),
            QuoteFault.NOT_VERIFIED,
        ),
        (replace(quote(), format=QuoteFormat.AMD_SEV_SNP_V1), QuoteFault.NOT_VERIFIED),
        (replace(quote(), format=QuoteFormat.OE_SGX_V1), QuoteFault.NOT_VERIFIED),
    ],
)
def test_each_other_is_refused_for_its_reason(
    service: Tx, info: QuoteInfo, fault: QuoteFault
) -> None:
    assert judged(service, info) == fault


@attack("join: stale evidence")
@attack("join: evidence of another node's key")
def test_a_quote_is_about_one_key_and_for_a_time(service: Tx) -> None:
    assert judged(service, quote(), key=b"another") == QuoteFault.OTHER_KEY
    for now in (NOW - 1, NOW + 31 * 24 * 60 * 60):
        assert judged(service, quote(), now=now) == QuoteFault.NOT_VERIFIED


@attack("join: a policy that is empty")
def test_a_service_without_a_policy_admits_nobody(tx: Tx) -> None:
    assert judged(tx, quote()) == QuoteFault.UNKNOWN_VENDOR


def test_a_signers_product_may_join_without_a_word_on_its_code(service: Tx) -> None:
    require(service, 3)
    assert judged(service, quote(LATER)) == LATER.unique_id.hex()
    others = (replace(LATER, product_id=8), replace(LATER, signer_id=bytes(32)))
    for other in others:
        assert judged(service, quote(other)) == QuoteFault.UNKNOWN_MEASUREMENT


@attack("join: a processor or firmware that is out of date")
def test_a_raised_least_version_ends_old_enclaves_listed_or_not(service: Tx) -> None:
    """Both versions side by side, then the older one refused though it is listed."""
    require(service, 3)
    assert judged(service, quote()) == ENCLAVE.unique_id.hex()
    require(service, 4)
    assert join_policy.SIMULATED_UNIQUE_IDS.of(service).has(ENCLAVE.unique_id.hex())
    assert judged(service, quote()) == QuoteFault.OLD_VERSION
    assert judged(service, quote(LATER)) == LATER.unique_id.hex()
    rolled_back = replace(LATER, security_version=3)
    assert judged(service, quote(rolled_back)) == QuoteFault.OLD_VERSION


def test_another_products_least_version_is_not_this_ones(service: Tx) -> None:
    require(service, 9, product=8)
    assert judged(service, quote()) == ENCLAVE.unique_id.hex()
    assert judged(service, quote(LATER)) == QuoteFault.UNKNOWN_MEASUREMENT


def test_members_may_take_debugged_enclaves_and_machines_that_are_out_of_date(
    service: Tx,
) -> None:
    vendor = VENDOR.require(
        raised(TCB_VERSION), older=TcbStatus.OUT_OF_DATE, unix_time_s=NOW
    )
    behind = MACHINE.told(vendor.collateral)
    assert judged(service, quote(machine=behind)) == QuoteFault.TCB_STATUS
    join_policy.SIMULATED_RULES.of(service).put(
        SimulatedRules(
            tcb_statuses=(TcbStatus.UP_TO_DATE, TcbStatus.OUT_OF_DATE),
            accepts_debug=True,
        )
    )
    assert judged(service, quote(DEBUGGED, behind)) == ENCLAVE.unique_id.hex()


def told(tx: Tx, vendor: SimulatedVendor) -> None:
    """Record what a vendor says now in the service's tables."""
    vendors = join_policy.SIMULATED_VENDORS.of(tx)
    known = vendors.get(vendor.vendor_id.hex())
    assert known is not None
    vendors.put(
        vendor.vendor_id.hex(),
        replace(
            known,
            tcb_info=vendor.collateral.tcb_info.raw,
            revocations=vendor.collateral.revocations.raw,
        ),
    )


@attack("join: a revoked machine")
def test_a_machine_cannot_hide_news_that_the_service_has(service: Tx) -> None:
    """It brings the statements of before; those that the service was told hold."""
    revoking = VENDOR.revoke([SECOND_MACHINE.machine_id], unix_time_s=NOW)
    told(service, revoking)
    assert judged(service, quote(machine=SECOND_MACHINE)) == QuoteFault.REVOKED_MACHINE
    assert judged(service, quote()) == ENCLAVE.unique_id.hex()
    newer = revoking.require(
        raised(TCB_VERSION), older=TcbStatus.REVOKED, unix_time_s=NOW
    )
    told(service, newer)
    assert judged(service, quote()) == QuoteFault.TCB_STATUS


def test_news_that_a_joiner_brings_holds_too(service: Tx) -> None:
    revoking = VENDOR.revoke([MACHINE.machine_id], unix_time_s=NOW)
    honest = MACHINE.told(revoking.collateral)
    assert judged(service, quote(machine=honest)) == QuoteFault.REVOKED_MACHINE


def test_a_vendor_of_whom_only_the_root_is_known_is_believed_what_is_brought(
    service: Tx,
) -> None:
    vendors = join_policy.SIMULATED_VENDORS.of(service)
    pem = OTHER_VENDOR.certificate.pem
    vendors.put(
        OTHER_VENDOR.vendor_id.hex(),
        join_policy.TrustedSimulatedVendor(certificate=pem),
    )
    info = quote(machine=FOREIGN_MACHINE)
    assert judged(service, info) == ENCLAVE.unique_id.hex()
    vendors.put(
        OTHER_VENDOR.vendor_id.hex(),
        join_policy.TrustedSimulatedVendor(certificate=VENDOR.certificate.pem),
    )
    assert judged(service, info) == QuoteFault.OTHER, "a table that makes no sense"


@pytest.mark.parametrize(
    ("info", "rules"),
    [
        (quote(DEBUGGED), SimulatedRules(accepts_debug=True)),
        (
            quote(machine=MACHINE.updated(OLD_TCB)),
            SimulatedRules(tcb_statuses=(TcbStatus.UP_TO_DATE, TcbStatus.REVOKED)),
        ),
    ],
)
def test_a_service_that_a_doubtful_node_begins_says_so(
    tx: Tx, info: QuoteInfo, rules: SimulatedRules
) -> None:
    begin(tx, info)
    assert join_policy.SIMULATED_RULES.of(tx).get() == rules
    assert judged(tx, info) == ENCLAVE.unique_id.hex()


def test_a_revoked_machine_begins_no_service(tx: Tx) -> None:
    revoking = VENDOR.revoke([MACHINE.machine_id], unix_time_s=NOW)
    with pytest.raises(CcfpyError, match="is revoked"):
        begin(tx, quote(machine=MACHINE.told(revoking.collateral)))


def test_recovery_adds_the_first_node_to_what_was_decided_before(service: Tx) -> None:
    """A machine that was not told the news does not make the service forget them."""
    news = VENDOR.revoke([FOREIGN_MACHINE.machine_id], unix_time_s=NOW)
    told(service, news)
    decided = SimulatedRules(tcb_statuses=(TcbStatus.UP_TO_DATE, TcbStatus.OUT_OF_DATE))
    join_policy.SIMULATED_RULES.of(service).put(decided)
    fresh = VENDOR.make_machine(ENTROPY, unix_time_s=NOW)
    begin(service, quote(LATER, fresh))
    assert join_policy.SIMULATED_RULES.of(service).get() == decided
    known = join_policy.SIMULATED_VENDORS.of(service).get(VENDOR.vendor_id.hex())
    assert known is not None
    assert known.revocations == news.collateral.revocations.raw
    for identity in (ENCLAVE, LATER):
        assert judged(service, quote(identity)) == identity.unique_id.hex()
    told(service, VENDOR.revoke([fresh.machine_id], unix_time_s=NOW))
    with pytest.raises(CcfpyError, match="is revoked"):
        begin(service, quote(LATER, fresh))


def test_refusals_say_more_in_the_log(service: Tx) -> None:
    require(service, 4)
    cases = [
        (quote(), "security version 3, and the least is 4"),
        (quote(machine=FOREIGN_MACHINE), OTHER_VENDOR.vendor_id.hex()),
        (quote(machine=MACHINE.updated(OLD_TCB)), "its vendor says Revoked"),
    ]
    for info, detail in cases:
        with pytest.raises(QuoteRefused) as refused:
            verify_quote(service, info, public_key_der=KEY, unix_time_s=NOW)
        assert detail in (refused.value.detail or "")
        assert refused.value.fault.status == 401
