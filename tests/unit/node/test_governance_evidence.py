"""Members' decisions on guests on real processors, by real proposals."""

import base64
from collections.abc import Callable

import pytest

from ccfpy.attestation.sgx import Policy
from ccfpy.attestation.snp_report import Product
from ccfpy.attestation.uvm import ROOTS_OF_TRUST
from ccfpy.base import json
from ccfpy.base.json import Json
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.service.evidence import quotes
from ccfpy.service.evidence.kind import Evidence, QuoteFault, QuoteRefused
from ccfpy.service.evidence.quotes import EnclaveQuote
from ccfpy.service.evidence.snp import SnpQuote
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo
from ccfpy.testing.network import Network
from tests.unit.attestation.hardware import NOW_S, recorded
from tests.unit.attestation.processor import FakeProcessor
from tests.unit.attestation.sgx_maker import NOW_S as SGX_NOW_S
from tests.unit.attestation.sgx_maker import SgxMaker, Wanted, custom_claims
from tests.unit.attestation.test_uvm import MEASUREMENT

KEY = b"a public key as DER"
POLICY = "package policy"
HOST_DATA = sha256_hex(POLICY.encode())
PROCESSOR = FakeProcessor(Product.GENOA)
CPUID = "00a10f11"
UVM = recorded("int_svn.cose")
MICROSOFT = ROOTS_OF_TRUST[0]

Decide = Callable[..., None]


def guest(*, uvm: bytes | None = None) -> SnpQuote:
    report = PROCESSOR.report(
        {0x050: sha256(KEY), 0x090: MEASUREMENT, 0x0C0: bytes.fromhex(HOST_DATA)}
    )
    info = QuoteInfo(
        format=QuoteFormat.AMD_SEV_SNP_V1,
        quote=report,
        endorsements=PROCESSOR.chain,
        uvm_endorsements=uvm,
    )
    return SnpQuote.read(info, unix_time_s=NOW_S, roots=PROCESSOR.roots)


@pytest.fixture
def decide(network: Network) -> Decide:
    """Make members vote for one action, and see it carried."""

    def run(name: str, **args: Json) -> None:
        decided = network.nodes[0].propose({"name": name, "args": args})
        state = json.loads_object(decided.body).get("proposalState")
        assert state == "Accepted", decided.body

    return run


@pytest.fixture
def answer(network: Network) -> Callable[[Evidence], QuoteFault | None]:
    """Hold evidence against the tables of a running service; nothing if it may join."""

    def ask(evidence: Evidence) -> QuoteFault | None:
        running = network.nodes[0].trusted.running
        assert running is not None
        tx = running.begin(read_only=True)
        try:
            quotes.hold(tx, evidence, public_key_der=KEY)
        except QuoteRefused as refused:
            return refused.fault
        return None

    return ask


Answer = Callable[[Evidence], QuoteFault | None]


def test_members_let_guests_join_and_take_it_back(
    decide: Decide, answer: Answer
) -> None:
    assert answer(guest()) is QuoteFault.UNKNOWN_HOST_DATA
    decide("add_snp_host_data", host_data=HOST_DATA, security_policy=POLICY)
    assert answer(guest()) is QuoteFault.UNKNOWN_MEASUREMENT
    decide("add_snp_measurement", measurement=MEASUREMENT.hex())
    assert answer(guest()) is QuoteFault.OTHER
    decide(
        "set_snp_minimum_tcb_version_hex", cpuid=CPUID, tcb_version="db18000000000004"
    )
    assert answer(guest()) is None
    decide("remove_snp_measurement", measurement=MEASUREMENT.hex())
    assert answer(guest()) is QuoteFault.UNKNOWN_MEASUREMENT
    decide("remove_snp_host_data", host_data=HOST_DATA)
    assert answer(guest()) is QuoteFault.UNKNOWN_HOST_DATA


def test_members_set_the_least_firmware_in_either_form(
    decide: Decide, answer: Answer
) -> None:
    decide("add_snp_host_data", host_data=HOST_DATA, security_policy="")
    decide("add_snp_measurement", measurement=MEASUREMENT.hex())
    least = {"boot_loader": 4, "tee": 0, "snp": 24, "microcode": 219}
    decide("set_snp_minimum_tcb_version", cpuid=CPUID, tcb_version=least)
    assert answer(guest()) is None
    for part, version in least.items():
        newer = {**least, part: version + 1}
        decide("set_snp_minimum_tcb_version", cpuid=CPUID, tcb_version=newer)
        assert answer(guest()) is QuoteFault.OTHER, part
    decide(
        "set_snp_minimum_tcb_version_hex", cpuid=CPUID, tcb_version="db18000000000003"
    )
    assert answer(guest()) is None
    decide("remove_snp_minimum_tcb_version", cpuid=CPUID)
    assert answer(guest()) is QuoteFault.OTHER


def test_members_accept_endorsed_releases_from_one_on(
    decide: Decide, answer: Answer
) -> None:
    decide("add_snp_host_data", host_data=HOST_DATA, security_policy=POLICY)
    decide(
        "set_snp_minimum_tcb_version_hex", cpuid=CPUID, tcb_version="db18000000000004"
    )
    who = {"did": MICROSOFT.did, "feed": MICROSOFT.feed}
    endorsed = guest(uvm=UVM)
    assert answer(endorsed) is QuoteFault.UNKNOWN_UVM
    for svn, expected in (("102", None), ("103", QuoteFault.UNKNOWN_UVM), ("9", None)):
        decide("add_snp_uvm_endorsement", **who, svn=svn)
        assert answer(endorsed) is expected
    decide("add_snp_uvm_endorsement", did=MICROSOFT.did, feed="another", svn="1")
    assert answer(endorsed) is None
    decide("remove_snp_uvm_endorsement", **who)
    assert answer(endorsed) is QuoteFault.UNKNOWN_UVM


def test_members_let_enclaves_on_sgx_join_and_take_it_back(
    decide: Decide, answer: Answer
) -> None:
    maker = SgxMaker()
    quote, collateral = maker.evidence(Wanted(claims=custom_claims(sha256(KEY))))
    info = QuoteInfo(format=QuoteFormat.OE_SGX_V1, quote=quote, endorsements=collateral)
    policy = Policy(root_key=maker.root_key)
    enclave = EnclaveQuote.read(info, unix_time_s=SGX_NOW_S, policy=policy)
    code_id = enclave.measurement.hex()
    assert answer(enclave) is QuoteFault.UNKNOWN_MEASUREMENT
    decide("add_node_code", code_id=code_id)
    assert answer(enclave) is None
    decide("remove_node_code", code_id=code_id)
    assert answer(enclave) is QuoteFault.UNKNOWN_MEASUREMENT


def test_the_policy_is_told_as_it_was_decided(network: Network, decide: Decide) -> None:
    decide("add_snp_host_data", host_data=HOST_DATA, security_policy=POLICY)
    decide("add_node_code", code_id="ab" * 32)
    decide("add_snp_uvm_endorsement", did="did", feed="feed", svn="3")
    told = network.nodes[0].request(
        "GET", "/gov/service/join-policy?api-version=2024-07-01"
    )
    policy = json.loads_object(told.body)
    assert policy["sgx"] == {"measurements": ["ab" * 32]}
    snp = policy["snp"]
    assert isinstance(snp, dict)
    assert snp["hostData"] == {HOST_DATA: POLICY}
    assert snp["uvmEndorsements"] == {"did": {"feed": {"svn": "3"}}}
    decide("remove_node_code", code_id="ab" * 32)
    told = network.nodes[0].request(
        "GET", "/gov/service/join-policy?api-version=2024-07-01"
    )
    assert json.loads_object(told.body)["sgx"] == {"measurements": []}


def test_a_policy_of_another_digest_is_refused(network: Network) -> None:
    refused = network.nodes[0].propose(
        {
            "name": "add_snp_host_data",
            "args": {"host_data": "ab" * 32, "security_policy": POLICY},
        }
    )
    assert refused.status == 400
    assert b"does not match digest" in refused.body
    assert base64.b64encode(POLICY.encode()) not in refused.body
