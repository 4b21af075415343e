"""How simulated enclaves show in governance's answers."""

from ccfpy.crypto.hashing import sha256
from ccfpy.gov.simulated import simulated_details, simulated_policy
from ccfpy.kv.store import Store
from ccfpy.service.evidence import quotes
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.join_policy import SimulatedProduct
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo
from tests.unit.attestation.simulation import (
    ENCLAVE,
    HOST_DATA,
    MACHINE,
    NOW,
    VENDOR,
)

ATTESTED = MACHINE.attest(ENCLAVE, report_data=sha256(b"key"), host_data=HOST_DATA)


def test_a_quote_is_told_in_words() -> None:
    assert simulated_details(ATTESTED.quote) == {
        "uniqueId": ENCLAVE.unique_id.hex(),
        "signerId": ENCLAVE.signer_id.hex(),
        "productId": 7,
        "securityVersion": 3,
        "debug": False,
        "hostData": HOST_DATA.hex(),
        "reportData": sha256(b"key").hex(),
        "tcbVersion": MACHINE.tcb_version.hex(),
        "machineId": MACHINE.machine_id.hex(),
    }


def test_the_policy_shows_where_a_simulated_node_began_the_service_alone() -> None:
    tx = Store().begin(read_only=False)
    assert simulated_policy(tx) == {}
    info = QuoteInfo(
        format=QuoteFormat.INSECURE_SIMULATED,
        quote=ATTESTED.quote,
        endorsements=ATTESTED.endorsements,
    )
    quotes.read(info, unix_time_s=NOW).trust(tx)
    signer = ENCLAVE.signer_id.hex()
    least = SimulatedProduct(security_version=2)
    join_policy.SIMULATED_SIGNERS.of(tx).put(signer, {"7": least})
    assert simulated_policy(tx) == {
        "simulated": {
            "uniqueIds": [ENCLAVE.unique_id.hex()],
            "signers": {signer: {"7": {"securityVersion": 2}}},
            "hostData": [HOST_DATA.hex()],
            "vendors": {VENDOR.vendor_id.hex(): VENDOR.certificate.pem},
            "tcbStatuses": ["UpToDate"],
            "acceptsDebug": False,
        }
    }
