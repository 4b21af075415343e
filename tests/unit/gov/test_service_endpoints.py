"""The service describes itself to anybody who asks."""

import base64
import json
from dataclasses import replace

import pytest

from ccfpy.base.ids import UserId
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.http.messages import Response
from ccfpy.service.tables import members, nodes, service, users
from ccfpy.service.tables.constitution import CONSTITUTION
from ccfpy.service.tables.members import MemberInfo, MemberStatus
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo
from ccfpy.service.tables.service import ServiceConfiguration
from ccfpy.service.tables.users import UserInfo
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
