"""The file of a policy: read strictly, written from evidence."""

from dataclasses import replace

import pytest

from ccfpy.attestation import virtual
from ccfpy.attestation.snp_report import SnpReport
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import Json, JsonObject, dumps
from ccfpy.base.ports import Attestation
from ccfpy.client.attested import SnpPolicy
from ccfpy.client.evidence_policy import policy_like, read_policy, whole
from tests.unit.attestation.hardware import NOW_S, PRODUCTS, recorded
from tests.unit.attestation.simulation import (
    ENCLAVE,
    HOST_DATA,
    NOW,
    TCB_VERSION,
    VENDOR,
    attestation,
)
from tests.unit.attestation.test_uvm import MEASUREMENT
from tests.unit.client.test_snp_policy import (
    ENDORSED,
    PROCESSOR,
    RELEASE,
    TCB,
    evidence,
    made,
)

SNP: JsonObject = {
    "measurements": ["ab" * 48],
    "uvm_endorsements": [{"did": RELEASE.did, "feed": RELEASE.feed, "svn": 103}],
    "host_data": ["cd" * 32],
    "minimum_tcb": {"00a00f11": TCB["milan"]},
}
SIMULATED: JsonObject = {
    "vendors": [VENDOR.vendor_id.hex()],
    "signers": [ENCLAVE.signer_id.hex()],
    "product_id": 7,
    "security_version": 3,
    "measurements": [ENCLAVE.unique_id.hex()],
    "host_data": [HOST_DATA.hex()],
    "minimum_tcb": TCB_VERSION.hex(),
}


def test_all_fields_are_read() -> None:
    read = read_policy(dumps({"snp": SNP, "simulated": SIMULATED}))
    assert read.snp == SnpPolicy(
        measurements=[b"\xab" * 48],
        uvm_endorsements=(RELEASE,),
        host_data=[b"\xcd" * 32],
        minimum_tcb={"00a00f11": TCB["milan"]},
    )
    assert (read.vendor_ids, read.signer_ids) == (
        [VENDOR.vendor_id],
        [ENCLAVE.signer_id],
    )
    assert (read.product_id, read.security_version) == (7, 3)
    assert (read.unique_ids, read.host_data) == ([ENCLAVE.unique_id], [HOST_DATA])
    assert read.minimum_tcb == TCB_VERSION
    assert not read.allows_debug
    assert not read.allows_virtual
    read.examine(attestation(), unix_time_s=NOW)


BAD: dict[str, tuple[Json, str]] = {
    "nothing": ({}, "names no platform; add an entry 'snp' or 'simulated'"),
    "no object": ([], "expected an object"),
    "an unknown platform": ({"sgx": {}}, "At #/sgx: unknown field"),
    "a misspelt field": (
        {"snp": SNP | {"host-data": []}},
        "At #/snp/host-data: unknown field",
    ),
    "no measurement": (
        {"snp": SNP | {"measurements": [], "uvm_endorsements": []}},
        "no measurement, and nobody who endorses one is named; name one",
    ),
    "no host data": ({"snp": SNP | {"host_data": []}}, "no host data is named"),
    "no firmware": (
        {"snp": SNP | {"minimum_tcb": {}}},
        "no least version of the firmware is named",
    ),
    "a short measurement": (
        {"snp": SNP | {"measurements": ["ab"]}},
        "At #/snp/measurements/0: expected 48 bytes in hex",
    ),
    "a short version": (
        {"snp": SNP | {"minimum_tcb": {"00a00f11": "db"}}},
        "TCB version has 1 bytes, expected 8",
    ),
    "a processor that is unknown": (
        {"snp": SNP | {"minimum_tcb": {"00000000": TCB["milan"]}}},
        "Unsupported CPUID",
    ),
    "a release without its version": (
        {"snp": SNP | {"uvm_endorsements": [{"did": "d", "feed": "f"}]}},
        "svn",
    ),
    "no vendor": ({"simulated": SIMULATED | {"vendors": []}}, "no vendor is named"),
    "no code": (
        {"simulated": SIMULATED | {"signers": [], "measurements": []}},
        "no measurement and no signer is named",
    ),
    "a machine's version of another length": (
        {"simulated": SIMULATED | {"minimum_tcb": "01"}},
        "expected 8 bytes in hex",
    ),
}


@pytest.mark.parametrize(("written", "why"), BAD.values(), ids=BAD.keys())
def test_what_is_no_policy_is_refused(written: Json, why: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_policy(dumps(written))
    assert why in str(refused.value)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(Malformed, match="no policy of evidence: not JSON"):
        read_policy(b"{")


# Written from evidence


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_policy_of_a_real_guest_takes_it(product: str) -> None:
    written = policy_like(evidence(product))
    report = SnpReport.parse(evidence(product).quote)
    snp = written["snp"]
    assert isinstance(snp, dict)
    assert snp["measurements"] == [report.measurement.hex()]
    read_policy(dumps(written)).examine(evidence(product), unix_time_s=NOW_S)


def test_the_policy_of_an_endorsed_guest_names_its_release() -> None:
    written = policy_like(made())
    read = read_policy(dumps(written)).snp
    assert read is not None
    assert (read.measurements, read.uvm_endorsements) == ([], (RELEASE,))
    assert read.host_data == ENDORSED.host_data
    assert read.minimum_tcb == ENDORSED.minimum_tcb
    ours = replace(read, roots=PROCESSOR.roots)
    ours.examine(made(), unix_time_s=NOW_S)


def test_endorsements_of_another_guest_make_no_policy() -> None:
    other = evidence()._replace(uvm_endorsements=recorded("int_svn.cose"))
    with pytest.raises(VerificationFailed, match=MEASUREMENT.hex()):
        policy_like(other)


def test_the_policy_of_a_simulated_enclave_takes_it() -> None:
    written = policy_like(attestation())
    simulated = written["simulated"]
    assert isinstance(simulated, dict)
    assert simulated == {
        name: SIMULATED[name]
        for name in ("vendors", "measurements", "host_data", "minimum_tcb")
    }
    read_policy(dumps(written)).examine(attestation(), unix_time_s=NOW)


@pytest.mark.parametrize(
    "of",
    [
        virtual.attest(bytes(32), host_data=bytes(32)),
        Attestation("AMD_SEV_SNP_v1", b"short", b""),
        Attestation("Insecure_Simulated", b"{}", b"{}"),
        attestation()._replace(endorsements=b"{}"),
    ],
    ids=["virtual", "short report", "no quote", "no vendor"],
)
def test_evidence_that_proves_nothing_makes_no_policy(of: Attestation) -> None:
    with pytest.raises(Malformed):
        policy_like(of)


def test_a_whole_policy_is_returned_as_it_is() -> None:
    assert whole(ENDORSED) is ENDORSED
