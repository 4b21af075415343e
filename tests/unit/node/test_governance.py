"""What a node does for governance, what it records as evidence, and what it refuses."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ccfpy.attestation.sgx import Policy
from ccfpy.attestation.snp_report import Product
from ccfpy.attestation.uvm import ROOTS_OF_TRUST
from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId
from ccfpy.base.json import Json
from ccfpy.boundary.effects import AppendLedger
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.js.quickjs import QuickJs
from ccfpy.ledger.encrypted_shares import unwrap
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.tables import RECOVERY_SHARES, SINGLE_KEY
from ccfpy.node.governance import NodeGovernance
from ccfpy.node.running import RunningNode
from ccfpy.service.evidence import quotes
from ccfpy.service.evidence.kind import Evidence, QuoteFault, QuoteRefused
from ccfpy.service.evidence.quotes import EnclaveQuote
from ccfpy.service.evidence.snp import SnpQuote
from ccfpy.service.records import Refused
from ccfpy.service.tables import recovery, service
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person, StoppedClock
from tests.unit.attestation.hardware import NOW_S, recorded
from tests.unit.attestation.processor import FakeProcessor
from tests.unit.attestation.sgx_maker import NOW_S as SGX_NOW_S
from tests.unit.attestation.sgx_maker import SgxMaker, Wanted, custom_claims
from tests.unit.attestation.test_uvm import MEASUREMENT


def info(node: InProcessNode) -> dict[str, object]:
    answer = node.request("GET", "/gov/service/info?api-version=2024-07-01")
    return dict(json.loads_object(answer.body))


def accepted(node: InProcessNode, name: str, **args: object) -> None:
    action = json.loads(json.dumps({"name": name, "args": args or None}))
    decided = node.propose(action)
    assert json.loads_object(decided.body).get("proposalState") == "Accepted", (
        decided.body
    )
    node.advance(1000)


def chunk_ends(node: InProcessNode) -> int:
    return sum(
        effect.ends_chunk
        for effect in node.host.effects
        if isinstance(effect, AppendLedger)
    )


def test_the_service_opens_only_under_its_own_name(
    new_node: InProcessNode, alice: Person
) -> None:
    for member in new_node.members:
        new_node.acknowledge(member)
    refused = new_node.propose(
        {
            "name": "transition_service_to_open",
            "args": {"next_service_identity": alice.certificate.pem},
        }
    )
    assert refused.status == 500
    assert b"does not match" in refused.body
    assert info(new_node)["status"] == "Opening"
    new_node.open_service()
    assert info(new_node)["status"] == "Open"


def test_opening_ends_the_chunk_and_issues_shares(node: InProcessNode) -> None:
    assert chunk_ends(node) == 1
    member = node.members[0]
    path = f"/gov/recovery/encrypted-shares/{member.id}?api-version=2024-07-01"
    assert node.request("GET", path).status == 200


def test_a_chunk_ends_when_members_say_so(node: InProcessNode) -> None:
    before = chunk_ends(node)
    accepted(node, "trigger_ledger_chunk")
    assert chunk_ends(node) == before + 1
    accepted(node, "trigger_snapshot")
    assert chunk_ends(node) == before + 2


def test_a_rekey_encrypts_what_follows_under_a_new_secret(
    node: InProcessNode,
) -> None:
    node.request("PUT", "/app/notes", body={"a": "before"})
    accepted(node, "trigger_ledger_rekey")
    node.request("PUT", "/app/notes", body={"a": "after"})
    assert node.request("GET", "/app/notes?name=a").body == b'"after"'
    node.advance(1000)
    entries = list(map(Transaction.parse, node.host.entries))
    rekeys = [
        entry.txid.seqno
        for entry in entries
        if "public:ccf.internal.encrypted_ledger_secrets" in entry.domain.write_set
    ]
    assert len(rekeys) == 1


def shared_secret(node: InProcessNode) -> bytes:
    """Win back the secret that members' present shares are of."""
    writes = [
        Transaction.parse(entry).domain.write_set.get(RECOVERY_SHARES, {})
        for entry in node.host.entries
    ]
    issued = recovery.SHARES.codec.decode(
        [w[SINGLE_KEY] or b"" for w in writes if w][-1]
    )
    opened = [
        member.encryption_key.unwrap(issued.encrypted_shares[MemberId(member.id)])
        for member in node.members
        if member.encryption_key is not None
    ]
    return unwrap(issued, opened, 1).raw


@pytest.mark.parametrize(
    "names",
    [
        ("trigger_ledger_rekey", "trigger_recovery_shares_refresh"),
        ("trigger_recovery_shares_refresh", "trigger_ledger_rekey"),
        ("trigger_ledger_rekey", "trigger_ledger_rekey"),
    ],
)
def test_shares_are_of_the_secret_in_force_whatever_a_proposal_combines(
    node: InProcessNode, names: tuple[str, ...]
) -> None:
    actions: list[Json] = [{"name": name} for name in names]
    decided = node.propose(*actions)
    assert json.loads_object(decided.body)["proposalState"] == "Accepted"
    running = node.trusted.running
    assert running is not None
    assert len(running.tail.secrets) == 2
    assert shared_secret(node) == running.tail.secrets.latest[1].raw


def test_shares_can_be_issued_anew(node: InProcessNode) -> None:
    member = node.members[0]
    path = f"/gov/recovery/encrypted-shares/{member.id}?api-version=2024-07-01"
    before = node.request("GET", path).body
    accepted(node, "trigger_recovery_shares_refresh")
    assert node.request("GET", path).body != before


def test_a_node_certificate_is_renewed_and_presented(node: InProcessNode) -> None:
    node_id = json.loads_object(node.request("GET", "/node/state").body)["node_id"]
    accepted(
        node,
        "set_node_certificate_validity",
        node_id=node_id,
        valid_from="2025-06-01 00:00:00+00:00",
        validity_period_days=100,
    )
    answer = node.request("GET", "/node/self_signed_certificate")
    pem = json.loads_object(answer.body)["self_signed_certificate"]
    assert isinstance(pem, str)
    assert Certificate.from_pem(pem).not_before == datetime(2025, 6, 1, tzinfo=UTC)
    # A client whose clock stands after 1 June trusts what is presented now.
    assert node.request("GET", "/node/state").status == 200


def test_a_service_certificate_is_renewed_with_the_same_key(
    node: InProcessNode,
) -> None:
    before = Certificate.from_pem(node.service_certificate)
    accepted(
        node,
        "set_service_certificate_validity",
        valid_from="250601000000Z",
        validity_period_days=30,
    )
    renewed = Certificate.from_pem(str(info(node)["certificate"]))
    assert renewed != before
    assert renewed.public_key == before.public_key
    assert renewed.not_before == datetime(2025, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("valid_from", ["yesterday", "25-13-01"])
def test_a_time_that_is_none_fails_the_proposal(
    node: InProcessNode, valid_from: str
) -> None:
    decided = node.propose(
        {
            "name": "set_service_certificate_validity",
            "args": {"valid_from": valid_from, "validity_period_days": 1},
        }
    )
    assert decided.status in (400, 500)
    assert b"error" in decided.body


def test_a_share_is_refused_while_nothing_awaits_recovery(
    node: InProcessNode,
) -> None:
    member = node.members[0]
    answer = node.govern(
        member,
        f"recovery/members/{member.id}:recover",
        "recovery_share",
        {"share": "AAAA"},
    )
    assert answer.status == 403
    assert b"ServiceNotWaitingForRecoveryShares" in answer.body


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


@pytest.fixture
def running(node: InProcessNode) -> RunningNode:
    booted = node.trusted.running
    assert booted is not None
    return booted


@pytest.fixture
def governance(running: RunningNode) -> NodeGovernance:
    return NodeGovernance(running, QuickJs(StoppedClock()))


def test_a_root_is_known_as_far_back_as_the_tree_remembers(
    governance: NodeGovernance, running: RunningNode
) -> None:
    tree = running.tail.settled_tree()
    latest = len(tree) - 1
    assert governance.root_at(2) == tree.root(3)
    tree.flush(5)
    assert governance.root_at(2) is None
    assert governance.root_at(latest) == tree.root()


def test_the_secret_in_force_is_named_by_where_it_began(
    governance: NodeGovernance, running: RunningNode
) -> None:
    tx = running.begin(read_only=True)
    assert governance.latest_ledger_secret_seqno(tx) == 1
    assert len(running.tail.secrets) == 1


@pytest.mark.parametrize(
    ("request_pem", "valid_from"),
    [("no request", "250601000000Z"), ("no request", "some day")],
)
def test_a_certificate_is_not_made_of_nothing(
    governance: NodeGovernance, request_pem: str, valid_from: str
) -> None:
    with pytest.raises(Malformed):
        governance.generate_endorsed_certificate(
            request_pem, valid_from=valid_from, validity_days=1
        )


def test_a_service_that_is_open_is_not_opened_again(
    governance: NodeGovernance, running: RunningNode, node: InProcessNode
) -> None:
    before = running.tail.last_seqno
    tx = running.begin(read_only=False)
    governance.transition_service_to_open(
        tx, previous_identity=None, next_identity=node.service_certificate
    )
    assert running.commit(tx, None) is not None
    assert running.tail.last_seqno == before, "nothing was written"


def test_no_shares_are_issued_without_a_threshold(
    governance: NodeGovernance, running: RunningNode
) -> None:
    tx = running.begin(read_only=False)
    service.CONFIGURATION.of(tx).remove()
    with pytest.raises(Refused, match="recovery threshold"):
        governance.trigger_ledger_rekey(tx)
    with pytest.raises(Refused, match="recovery threshold"):
        governance.trigger_recovery_shares_refresh(tx)


def test_a_service_that_was_not_recovered_waits_for_no_shares(
    governance: NodeGovernance, running: RunningNode
) -> None:
    tx = running.begin(read_only=False)
    assert not governance.is_reading_private_ledger
    with pytest.raises(Refused, match="is not being recovered"):
        governance.initiate_private_recovery(tx)
