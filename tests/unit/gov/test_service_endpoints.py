"""Anybody may read what the service is, trusts and runs."""

import base64
import json
from dataclasses import replace

import pytest

from ccfpy.base.ids import UserId
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256
from ccfpy.gov.service_endpoints import simulated_details, simulated_policy
from ccfpy.http.messages import Response
from ccfpy.kv.store import Store
from ccfpy.service.evidence import quotes
from ccfpy.service.tables import join_policy, js, jwt, members, nodes, service, users
from ccfpy.service.tables.join_policy import (
    CodeStatus,
    SimulatedProduct,
    UvmEndorsementsData,
)
from ccfpy.service.tables.js import EndpointKey
from ccfpy.service.tables.jwt import JwtIssuer, SigningKey
from ccfpy.service.tables.members import MemberInfo, MemberStatus
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo
from ccfpy.service.tables.service import CONSTITUTION, ServiceConfiguration
from ccfpy.service.tables.users import UserInfo
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.attestation.simulation import (
    ENCLAVE,
    HOST_DATA,
    MACHINE,
    NOW,
    VENDOR,
)
from tests.unit.gov.conftest import NODE_ID, QUOTE, Governed, body

UNKNOWN = "0" * 64


def error_of(reply: Response) -> tuple[int, str, str]:
    error = json.loads(reply.body)["error"]
    return reply.status, error["code"], error["message"]


def test_the_constitution_is_given_as_its_source(
    governed: Governed, default_constitution: str
) -> None:
    reply = governed.get("/service/constitution")
    assert reply.headers["content-type"] == "text/javascript"
    assert reply.body.decode() == default_constitution
    tx = governed.begin()
    CONSTITUTION.of(tx).remove()
    governed.store.commit(tx)
    message = "Constitution not found"
    assert error_of(governed.get("/service/constitution"))[2] == message


def test_the_service_tells_defaults_where_nothing_is_set(governed: Governed) -> None:
    assert body(governed.get("/service/info")) == {
        "status": "Opening",
        "certificate": governed.node.service_certificate,
        "recoveryCount": 0,
        "creationTransactionId": "2.1",
        "serviceData": None,
        "configuration": {
            "recoveryThreshold": 2,
            "maximumNodeCertificateValidityDays": 365,
            "maximumServiceCertificateValidityDays": 365,
            "recentCoseProposalsWindowSize": 100,
        },
    }


def test_the_service_tells_what_is_set(governed: Governed) -> None:
    tx = governed.begin()
    info = service.INFO.of(tx).get()
    assert info is not None
    service.INFO.of(tx).put(replace(info, previous_service_identity_version=1))
    service.CONFIGURATION.of(tx).put(
        ServiceConfiguration(
            recovery_threshold=1,
            maximum_node_certificate_validity_days=2,
            maximum_service_certificate_validity_days=3,
            recent_cose_proposals_window_size=4,
        )
    )
    governed.store.commit(tx)
    described = body(governed.get("/service/info"))
    assert described["previousServiceCreationTransactionId"] == "2.1"
    assert described["configuration"] == {
        "recoveryThreshold": 1,
        "maximumNodeCertificateValidityDays": 2,
        "maximumServiceCertificateValidityDays": 3,
        "recentCoseProposalsWindowSize": 4,
    }


def test_no_service_no_description(governed: Governed) -> None:
    tx = governed.begin()
    service.INFO.of(tx).remove()
    governed.store.commit(tx)
    message = "Service info not yet available"
    assert error_of(governed.get("/service/info")) == (404, "ResourceNotFound", message)


def test_a_member_is_described_with_the_role_its_key_gives(governed: Governed) -> None:
    someone = governed.members[0]
    reply = governed.get(f"/service/members/{someone.member_id}")
    assert body(reply) == {
        "memberId": someone.member_id,
        "status": "Active",
        "memberData": None,
        "certificate": someone.certificate,
        "publicEncryptionKey": someone.encryption.public_key.pem,
        "recoveryRole": "Participant",
    }
    listed = body(governed.get("/service/members"))["value"]
    assert isinstance(listed, list)
    assert len(listed) == 3
    assert body(reply) in listed


@pytest.mark.parametrize(
    ("role", "shown"), [(None, "NonParticipant"), (RecoveryRole.OWNER, "Owner")]
)
def test_a_stated_role_wins(
    governed: Governed, role: RecoveryRole | None, shown: str
) -> None:
    member_id = governed.members[0].member_id
    tx = governed.begin()
    members.ENCRYPTION_PUBLIC_KEYS.of(tx).remove(member_id)
    info = MemberInfo(status=MemberStatus.ACTIVE, recovery_role=role)
    members.INFO.of(tx).put(member_id, info)
    governed.store.commit(tx)
    described = body(governed.get(f"/service/members/{member_id}"))
    assert described["recoveryRole"] == shown
    assert "publicEncryptionKey" not in described


def test_a_user_is_described_with_its_whole_record(governed: Governed) -> None:
    first, second = UserId("1" * 64), UserId("2" * 64)
    tx = governed.begin()
    for user_id in (first, second):
        users.CERTS.of(tx).put(user_id, "PEM")
    users.INFO.of(tx).put(first, UserInfo(user_data={"isAdmin": True}))
    governed.store.commit(tx)
    assert body(governed.get(f"/service/users/{first}")) == {
        "userId": first,
        "certificate": "PEM",
        "userData": {"user_data": {"isAdmin": True}},
    }
    assert body(governed.get(f"/service/users/{second}"))["userData"] is None
    listed = body(governed.get("/service/users"))["value"]
    assert isinstance(listed, list)
    assert [user["userId"] for user in listed] == sorted([first, second]) or listed


def test_a_node_is_described_with_its_virtual_quote(governed: Governed) -> None:
    described = body(governed.get(f"/service/nodes/{NODE_ID}"))
    assert described == {
        "nodeId": NODE_ID,
        "status": "Trusted",
        "nodeData": None,
        "certificate": "NODE CERTIFICATE",
        "retiredCommitted": False,
        "quoteInfo": {
            "format": "Insecure_Virtual",
            "rawQuote": base64.b64encode(QUOTE).decode(),
            "details": {"measurement": "m", "reportData": "r", "hostData": "h"},
        },
        "rpcInterfaces": {
            "primary": {
                "publishedAddress": "node.example.com:443",
                "protocol": "HTTP1",
            }
        },
    }
    assert body(governed.get("/service/nodes"))["value"] == [described]


@pytest.mark.parametrize(
    ("quote", "shown"),
    [
        (
            QuoteInfo(format=QuoteFormat.OE_SGX_V1, quote=b"q", endorsements=b"e"),
            {"format": "OE_SGX_v1", "quote": "cQ==", "endorsements": "ZQ=="},
        ),
        (
            QuoteInfo(format=QuoteFormat.AMD_SEV_SNP_V1, quote=b"", endorsements=b""),
            {"format": "AMD_SEV_SNP_v1"},
        ),
        (
            QuoteInfo(
                format=QuoteFormat.AMD_SEV_SNP_V1,
                quote=b"",
                endorsements=b"",
                uvm_endorsements=b"u",
                endorsed_tcb="0a",
            ),
            {
                "format": "AMD_SEV_SNP_v1",
                "uvmEndorsements": "dQ==",
                "endorsedTcb": "Cg==",
            },
        ),
    ],
)
def test_a_quote_is_described_by_its_platform(
    governed: Governed, quote: QuoteInfo, shown: dict[str, str]
) -> None:
    tx = governed.begin()
    info = nodes.INFO.of(tx).get(NODE_ID)
    assert info is not None
    nodes.INFO.of(tx).put(NODE_ID, replace(info, quote_info=quote, rpc_interfaces={}))
    nodes.ENDORSED_CERTIFICATES.of(tx).remove(NODE_ID)
    governed.store.commit(tx)
    described = body(governed.get(f"/service/nodes/{NODE_ID}"))
    assert described["quoteInfo"] == shown
    assert "certificate" not in described


def test_old_records_lack_what_came_later(governed: Governed) -> None:
    tx = governed.begin()
    service.INFO.of(tx).put(service.ServiceInfo(cert="CERT"))
    service.CONFIGURATION.of(tx).remove()
    member_id = governed.members[0].member_id
    members.CERTS.of(tx).remove(member_id)
    node = nodes.INFO.of(tx).get(NODE_ID)
    assert node is not None
    plain = {"old": nodes.NetInterface(bind_address="h:1", published_address="p:1")}
    nodes.INFO.of(tx).put(NODE_ID, replace(node, rpc_interfaces=plain))
    governed.store.commit(tx)
    described = body(governed.get("/service/info"))
    assert described.keys().isdisjoint({"creationTransactionId", "configuration"})
    assert "certificate" not in body(governed.get(f"/service/members/{member_id}"))
    interfaces = body(governed.get(f"/service/nodes/{NODE_ID}"))["rpcInterfaces"]
    assert interfaces == {"old": {"publishedAddress": "p:1"}}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("members", f"Member m[{UNKNOWN}] does not exist."),
        ("users", f"User u[{UNKNOWN}] does not exist."),
        ("nodes", f"Node n[{UNKNOWN}] does not exist."),
    ],
)
def test_who_does_not_exist_is_not_found(
    governed: Governed, path: str, shown: str
) -> None:
    reply = governed.get(f"/service/{path}/{UNKNOWN}")
    assert error_of(reply) == (404, "ResourceNotFound", shown)


def test_the_join_policy_tells_what_each_platform_trusts(governed: Governed) -> None:
    tx = governed.begin()
    allowed = CodeStatus.ALLOWED_TO_JOIN
    join_policy.SGX_MEASUREMENTS.of(tx).put("aa", allowed)
    join_policy.SNP_MEASUREMENTS.of(tx).put("bb", allowed)
    join_policy.SNP_HOST_DATA.of(tx).put("cc", "policy")
    feeds = {"feed": UvmEndorsementsData(svn="3")}
    join_policy.SNP_UVM_ENDORSEMENTS.of(tx).put("did:x509", feeds)
    join_policy.SNP_TCB_VERSIONS.of(tx).put("00a00f11", {"snp": 1})
    governed.store.commit(tx)
    assert body(governed.get("/service/join-policy")) == {
        "sgx": {"measurements": ["aa"]},
        "virtual": {"measurements": ["measurement"], "hostData": ["00" * 32]},
        "snp": {
            "measurements": ["bb"],
            "hostData": {"cc": "policy"},
            "uvmEndorsements": {"did:x509": {"feed": {"svn": "3"}}},
            "tcbVersions": {"00a00f11": {"snp": 1}},
        },
    }


def test_issuers_and_their_keys_are_told(governed: Governed) -> None:
    key = KeyPair.generate(SeededEntropy(b"issuer"), Curve.SECP256R1).public_key
    tx = governed.begin()
    issuers = jwt.ISSUERS.of(tx)
    issuers.put("a", JwtIssuer(auto_refresh=True, ca_cert_bundle_name="bundle"))
    issuers.put("b", JwtIssuer())
    shared = (
        SigningKey(public_key=key.der, issuer="a"),
        SigningKey(public_key=key.der, issuer="b", constraint="c"),
    )
    jwt.SIGNING_KEYS.of(tx).put("kid", shared)
    jwt.CA_CERT_BUNDLES.of(tx).put("bundle", "PEM")
    governed.store.commit(tx)
    assert body(governed.get("/service/jwk")) == {
        "issuers": {
            "a": {"autoRefresh": True, "caCertBundleName": "bundle"},
            "b": {"autoRefresh": False},
        },
        "keys": {
            "kid": [
                {"publicKey": key.pem, "issuer": "a", "constraint": None},
                {"publicKey": key.pem, "issuer": "b", "constraint": "c"},
            ]
        },
        "caCertBundles": {"bundle": "PEM"},
    }


STORED = {
    "js_module": "/a.js",
    "js_function": "f",
    "forwarding_required": "never",
    "authn_policies": ["no_auth"],
    "interpreter_reuse": {"key": "k"},
}


def install(governed: Governed) -> None:
    tx = governed.begin()
    js.MODULES.of(tx).put("/a.js", "export function f() {}")
    raw = js.ENDPOINTS.of(tx).raw
    key = js.ENDPOINTS.key_codec.encode(EndpointKey("GET", "/a/{b}"))
    raw.put(key, json.dumps(STORED).encode())
    governed.store.commit(tx)


def test_the_application_is_described_in_either_case(governed: Governed) -> None:
    install(governed)
    assert body(governed.get("/service/javascript-app")) == {
        "endpoints": {
            "/a/{b}": {
                "GET": {
                    "jsModule": "/a.js",
                    "jsFunction": "f",
                    "forwardingRequired": "never",
                    "redirectionStrategy": "to_primary",
                    "authnPolicies": ["no_auth"],
                    "mode": "readwrite",
                    "openApi": None,
                }
            }
        }
    }
    original = governed.get(
        "/service/javascript-app", "api-version=2024-07-01&case=original"
    )
    assert body(original) == {"endpoints": {"/a/{b}": {"GET": STORED}}}


def test_no_other_case_is_known(governed: Governed) -> None:
    reply = governed.get("/service/javascript-app", "api-version=2024-07-01&case=x")
    assert reply.status == 400
    assert json.loads(reply.body)["error"] == {
        "code": "InvalidQueryParameterValue",
        "message": "Accepted values for the 'case' query parameter are: original",
    }


def test_modules_are_listed_and_read_by_escaped_name(governed: Governed) -> None:
    install(governed)
    listed = body(governed.get("/service/javascript-modules"))
    assert listed == {"value": [{"moduleName": "/a.js"}]}
    reply = governed.get("/service/javascript-modules/%2Fa.js")
    assert reply.headers["content-type"] == "text/javascript"
    assert reply.body == b"export function f() {}"
    missing = governed.get("/service/javascript-modules/%2Fb.js")
    assert missing.status == 404
    message = json.loads(missing.body)["error"]["message"]
    assert message == "Module /b.js does not exist."


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


def test_a_transactions_status_is_told(governed: Governed) -> None:
    read = body(governed.get("/service/transactions/2.1"))
    assert read == {"status": "Committed", "transactionId": "2.1"}
    read = body(governed.get("/service/transactions/9.9"))
    assert read == {"status": "Unknown", "transactionId": "9.9"}


@pytest.mark.parametrize("text", ["2", "2.", "a.b", "0.1", "committed"])
def test_what_is_no_transaction_id_is_refused(governed: Governed, text: str) -> None:
    reply = governed.get(f"/service/transactions/{text}")
    assert reply.status == 400
    assert json.loads(reply.body)["error"] == {
        "code": "InvalidQueryParameterValue",
        "message": f"The value '{text}' passed as parameter 'transactionId' could not "
        "be converted to a valid Transaction ID.",
    }


def test_the_last_committed_transaction_is_told(governed: Governed) -> None:
    last = f"2.{governed.store.version}"
    read = body(governed.get("/service/transactions/commit"))
    assert read == {"status": "Committed", "transactionId": last}


def test_before_any_commit_there_is_none(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governed.frontend._node, "store", Store())
    read = body(governed.get("/service/transactions/commit"))
    assert read == {"status": "Unknown", "transactionId": "0.0"}
