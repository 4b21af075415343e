"""What the service is: its constitution, identity, members, users and nodes."""

from typing import TYPE_CHECKING, assert_never

from ccfpy.base import json
from ccfpy.base.ids import MemberId, NodeId, TxId, UserId
from ccfpy.base.limits import RECENT_COSE_PROPOSALS
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import record_reply, text_reply
from ccfpy.gov import requests
from ccfpy.gov.definitions import (
    ConfigurationBody,
    Constitution,
    InterfaceBody,
    MemberBody,
    MembersPage,
    NodeBody,
    NodesPage,
    QuoteBody,
    ServiceBody,
    UserBody,
    UsersPage,
)
from ccfpy.gov.operations import Operations
from ccfpy.gov.simulated import simulated_details
from ccfpy.http.errors import not_found
from ccfpy.service.tables import members, nodes, service, users
from ccfpy.service.tables.constitution import CONSTITUTION
from ccfpy.service.tables.members import MemberInfo
from ccfpy.service.tables.nodes import NodeInfo, QuoteFormat, QuoteInfo
from ccfpy.service.tables.service import (
    NODE_VALIDITY_DAYS,
    SERVICE_VALIDITY_DAYS,
    ServiceConfiguration,
)

if TYPE_CHECKING:
    from ccfpy.http.messages import Response
    from ccfpy.kv.tx import Tx

OPERATIONS: Operations = Operations()


@OPERATIONS.read(
    "/service/constitution",
    "ServiceState_GetConstitution",
    Constitution,
    is_javascript=True,
)
def read_constitution(context: Context) -> "Response":
    """Return the constitution's source."""
    source = CONSTITUTION.of(context.tx).get()
    if source is None:
        raise not_found("Constitution not found")
    return text_reply(source, content_type="text/javascript")


@OPERATIONS.read("/service/info", "ServiceState_GetServiceInfo", ServiceBody)
def read_service(context: Context) -> "Response":
    """Describe the service."""
    info = service.INFO.of(context.tx).get()
    if info is None:
        raise not_found("Service info not yet available")
    created, seqno = (
        info.current_service_create_txid,
        info.previous_service_identity_version,
    )
    previous = None
    if seqno is not None:
        # If the view is unknown, one field is wrong, and the rest is still served.
        previous = str(TxId(context.node.view_of(seqno) or 0, seqno))
    configuration = service.CONFIGURATION.of(context.tx).get()
    return record_reply(
        ServiceBody(
            status=info.status,
            certificate=info.cert,
            recoveryCount=info.recovery_count or 0,
            serviceData=info.service_data,
            creationTransactionId=None if created is None else str(created),
            previousServiceCreationTransactionId=previous,
            configuration=(
                None if configuration is None else _configuration(configuration)
            ),
        )
    )


def _configuration(configuration: ServiceConfiguration) -> ConfigurationBody:
    node_days = configuration.maximum_node_certificate_validity_days
    service_days = configuration.maximum_service_certificate_validity_days
    window = configuration.recent_cose_proposals_window_size
    return ConfigurationBody(
        recoveryThreshold=configuration.recovery_threshold,
        maximumNodeCertificateValidityDays=(
            NODE_VALIDITY_DAYS if node_days is None else node_days
        ),
        maximumServiceCertificateValidityDays=(
            SERVICE_VALIDITY_DAYS if service_days is None else service_days
        ),
        recentCoseProposalsWindowSize=(
            RECENT_COSE_PROPOSALS if window is None else window
        ),
    )


@OPERATIONS.read("/service/members", "ServiceState_ListMembers", MembersPage)
def list_members(context: Context) -> "Response":
    """Describe every member."""
    tx = context.tx
    found = [_member(tx, *entry) for entry in members.INFO.of(tx).items()]
    return record_reply(MembersPage(value=found))


@OPERATIONS.read("/service/members/{memberId}", "ServiceState_GetMember", MemberBody)
def read_member(context: Context) -> "Response":
    """Describe one member."""
    member_id = requests.member_id(context)
    info = members.INFO.of(context.tx).get(member_id)
    if info is None:
        raise not_found(f"Member m[{member_id}] does not exist.")
    return record_reply(_member(context.tx, member_id, info))


def _member(tx: "Tx", member_id: MemberId, info: MemberInfo) -> MemberBody:
    key = members.ENCRYPTION_PUBLIC_KEYS.of(tx).get(member_id)
    role = RecoveryRole.NON_PARTICIPANT if key is None else RecoveryRole.PARTICIPANT
    return MemberBody(
        memberId=member_id,
        status=info.status,
        recoveryRole=info.recovery_role or role,
        memberData=info.member_data,
        certificate=members.CERTS.of(tx).get(member_id),
        publicEncryptionKey=key,
    )


@OPERATIONS.read("/service/users", "ServiceState_ListUsers", UsersPage)
def list_users(context: Context) -> "Response":
    """Describe every user."""
    tx = context.tx
    found = [_user(tx, *entry) for entry in users.CERTS.of(tx).items()]
    return record_reply(UsersPage(value=found))


@OPERATIONS.read("/service/users/{userId}", "ServiceState_GetUser", UserBody)
def read_user(context: Context) -> "Response":
    """Describe one user."""
    user_id = requests.user_id(context)
    certificate = users.CERTS.of(context.tx).get(user_id)
    if certificate is None:
        raise not_found(f"User u[{user_id}] does not exist.")
    return record_reply(_user(context.tx, user_id, certificate))


def _user(tx: "Tx", user_id: UserId, certificate: str) -> UserBody:
    info = users.INFO.of(tx).get(user_id)
    return UserBody(
        userId=user_id,
        certificate=certificate,
        # CCF returns the whole record here, not the data in the record.
        userData=None if info is None else {"user_data": info.user_data},
    )


@OPERATIONS.read("/service/nodes", "ServiceState_ListNodes", NodesPage)
def list_nodes(context: Context) -> "Response":
    """Describe every node."""
    tx = context.tx
    found = [_node(tx, *entry) for entry in nodes.INFO.of(tx).items()]
    return record_reply(NodesPage(value=found))


@OPERATIONS.read("/service/nodes/{nodeId}", "ServiceState_GetNode", NodeBody)
def read_node(context: Context) -> "Response":
    """Describe one node."""
    node_id = requests.node_id(context)
    info = nodes.INFO.of(context.tx).get(node_id)
    if info is None:
        raise not_found(f"Node n[{node_id}] does not exist.")
    return record_reply(_node(context.tx, node_id, info))


def _node(tx: "Tx", node_id: NodeId, info: NodeInfo) -> NodeBody:
    return NodeBody(
        nodeId=node_id,
        status=info.status,
        retiredCommitted=info.retired_committed,
        quoteInfo=_quote(info.quote_info),
        rpcInterfaces={
            name: InterfaceBody(
                publishedAddress=interface.published_address,
                protocol=interface.app_protocol,
            )
            for name, interface in info.rpc_interfaces.items()
        },
        nodeData=info.node_data,
        certificate=nodes.ENDORSED_CERTIFICATES.of(tx).get(node_id),
    )


def _quote(quote: QuoteInfo) -> QuoteBody:
    match quote.format:
        case QuoteFormat.OE_SGX_V1:
            return QuoteBody(
                format=quote.format, quote=quote.quote, endorsements=quote.endorsements
            )
        case QuoteFormat.INSECURE_VIRTUAL:
            details = json.loads_object(quote.quote)
            return QuoteBody(
                format=quote.format,
                rawQuote=quote.quote,
                details={
                    "measurement": details.get("measurement"),
                    "reportData": details.get("report_data"),
                    "hostData": details.get("host_data"),
                },
            )
        case QuoteFormat.AMD_SEV_SNP_V1:
            tcb = quote.endorsed_tcb
            return QuoteBody(
                format=quote.format,
                uvmEndorsements=quote.uvm_endorsements,
                endorsedTcb=None if tcb is None else bytes.fromhex(tcb),
            )
        case QuoteFormat.INSECURE_SIMULATED:
            return QuoteBody(
                format=quote.format,
                rawQuote=quote.quote,
                endorsements=quote.endorsements,
                details=simulated_details(quote.quote),
            )
        case _:
            assert_never(quote.format)
