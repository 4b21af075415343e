"""What the service is, trusts and runs, for anybody to read.

Its constitution, identity, members, users and nodes; its join policy, JWT issuers and
JavaScript application; the status of its transactions. Simulated enclaves, which only
ccfpy has, stand beside CCF's platforms.
"""

import base64
from textwrap import wrap
from typing import TYPE_CHECKING, assert_never

from ccfpy.attestation.simulated import QUOTE, SimulatedReport
from ccfpy.attestation.statements import Statement
from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, NodeId, TxId, UserId
from ccfpy.base.json import Json
from ccfpy.base.limits import RECENT_COSE_PROPOSALS
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Mode
from ccfpy.endpoints.replies import json_reply, record_reply, text_reply
from ccfpy.gov import requests
from ccfpy.gov.definitions import (
    CommitBody,
    ConfigurationBody,
    Constitution,
    InterfaceBody,
    JoinPoliciesBody,
    JsAppBody,
    JsModulesPage,
    JwkInfoBody,
    MemberBody,
    MembersPage,
    ModuleSource,
    NodeBody,
    NodesPage,
    QuoteBody,
    ServiceBody,
    TransactionBody,
    UserBody,
    UsersPage,
)
from ccfpy.gov.operations import ApiVersion, Operations
from ccfpy.http.errors import ApiError, ErrorCode, not_found
from ccfpy.service.tables import join_policy, js, jwt, members, nodes, service, users
from ccfpy.service.tables.join_policy import SimulatedRules
from ccfpy.service.tables.js import EndpointProperties
from ccfpy.service.tables.jwt import CA_CERT_BUNDLES, SigningKey
from ccfpy.service.tables.members import MemberInfo
from ccfpy.service.tables.nodes import NodeInfo, QuoteFormat, QuoteInfo
from ccfpy.service.tables.service import (
    CONSTITUTION,
    NODE_VALIDITY_DAYS,
    SERVICE_VALIDITY_DAYS,
    ServiceConfiguration,
)

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject
    from ccfpy.http.messages import Response
    from ccfpy.kv.maps import Map
    from ccfpy.kv.tx import Tx
    from ccfpy.service.tables.join_policy import CodeStatus


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


_PEM_COLUMNS = 64


@OPERATIONS.read(
    "/service/join-policy", "ServiceState_GetJoinPolicies", JoinPoliciesBody
)
def read_join_policy(context: Context) -> "Response":
    """Return which code may join, by platform."""
    tx = context.tx
    endorsements: dict[str, Json] = {
        did: {feed: {"svn": endorsed.svn} for feed, endorsed in feeds.items()}
        for did, feeds in join_policy.SNP_UVM_ENDORSEMENTS.of(tx).items()
    }
    return json_reply(
        simulated_policy(tx)
        | {
            "sgx": {"measurements": _allowed(tx, join_policy.SGX_MEASUREMENTS)},
            "virtual": {
                "measurements": _allowed(tx, join_policy.VIRTUAL_MEASUREMENTS),
                "hostData": list(join_policy.VIRTUAL_HOST_DATA.of(tx).keys()),
            },
            "snp": {
                "measurements": _allowed(tx, join_policy.SNP_MEASUREMENTS),
                "hostData": dict(join_policy.SNP_HOST_DATA.of(tx).items()),
                "uvmEndorsements": endorsements,
                "tcbVersions": dict(join_policy.SNP_TCB_VERSIONS.of(tx).items()),
            },
        }
    )


def _allowed(tx: "Tx", measurements: "Map[str, CodeStatus]") -> list[str]:
    return list(measurements.of(tx).keys())


@OPERATIONS.read("/service/jwk", "ServiceState_GetJwkInfo", JwkInfoBody)
def read_jwk(context: Context) -> "Response":
    """Return whose tokens the application accepts, and by which keys."""
    tx = context.tx
    issuers: dict[str, Json] = {}
    for name, issuer in jwt.ISSUERS.of(tx).items():
        described: dict[str, Json] = {"autoRefresh": issuer.auto_refresh}
        if issuer.ca_cert_bundle_name is not None:
            described["caCertBundleName"] = issuer.ca_cert_bundle_name
        issuers[name] = described
    keys = {
        key_id: [_signing_key(key) for key in shared]
        for key_id, shared in jwt.SIGNING_KEYS.of(tx).items()
    }
    bundles = dict(CA_CERT_BUNDLES.of(tx).items())
    return json_reply({"issuers": issuers, "keys": keys, "caCertBundles": bundles})


def _signing_key(key: SigningKey) -> Json:
    return {
        "publicKey": _pem(key.public_key),
        "issuer": key.issuer,
        "constraint": key.constraint,
    }


def _pem(public_key: bytes) -> str:
    """Return a DER public key of any kind as PEM."""
    lines = wrap(base64.b64encode(public_key).decode(), _PEM_COLUMNS)
    begin, end = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
    return "\n".join([begin, *lines, end, ""])


@OPERATIONS.read(
    "/service/javascript-app", "ServiceState_GetJsApp", JsAppBody, since=ApiVersion.V1
)
def read_javascript_app(context: Context) -> "Response":
    """Describe the JavaScript application's endpoints.

    With ``?case=original`` the response holds the records as they are stored.
    """
    case = context.query.get("case")
    if case not in (None, "original"):
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            "Accepted values for the 'case' query parameter are: original",
        )
    handle = js.ENDPOINTS.of(context.tx)
    endpoints: dict[str, dict[str, Json]] = {}
    if case == "original":
        for raw_key, value in handle.raw.items():
            key = js.ENDPOINTS.key_codec.decode(raw_key)
            endpoints.setdefault(key.path, {})[key.verb] = json.loads(value)
    else:
        for key, properties in handle.items():
            endpoints.setdefault(key.path, {})[key.verb] = _endpoint(properties)
    return json_reply({"endpoints": endpoints})


def _endpoint(properties: EndpointProperties) -> Json:
    return {
        "jsModule": properties.js_module,
        "jsFunction": properties.js_function,
        "forwardingRequired": properties.forwarding_required,
        "redirectionStrategy": properties.redirection_strategy,
        "authnPolicies": list(properties.authn_policies),
        "mode": properties.mode,
        "openApi": properties.openapi,
    }


@OPERATIONS.read(
    "/service/javascript-modules",
    "ServiceState_ListJsModules",
    JsModulesPage,
    since=ApiVersion.V1,
)
def list_modules(context: Context) -> "Response":
    """Return the names of the JavaScript application's modules."""
    names = js.MODULES.of(context.tx).keys()
    return json_reply({"value": [{"moduleName": name} for name in names]})


@OPERATIONS.read(
    "/service/javascript-modules/{moduleName}",
    "ServiceState_GetJsModule",
    ModuleSource,
    since=ApiVersion.V1,
    is_javascript=True,
)
def read_module(context: Context) -> "Response":
    """Return a module's source."""
    name = context.params["moduleName"]
    source = js.MODULES.of(context.tx).get(name)
    if source is None:
        raise not_found(f"Module {name} does not exist.")
    return text_reply(source, content_type="text/javascript")


def simulated_details(quote: bytes) -> "JsonObject":
    """Return what a quote states that the service accepted.

    Raises:
        Malformed: ``quote`` is no quote.
    """
    report = SimulatedReport.read(Statement.read(quote, QUOTE).content)
    identity = report.identity
    return {
        "uniqueId": identity.unique_id.hex(),
        "signerId": identity.signer_id.hex(),
        "productId": identity.product_id,
        "securityVersion": identity.security_version,
        "debug": identity.debug,
        "hostData": report.host_data.hex(),
        "reportData": report.report_data.hex(),
        "tcbVersion": report.tcb_version.hex(),
        "machineId": report.machine_id.hex(),
    }


def simulated_policy(tx: "Tx") -> "JsonObject":
    """Return which simulated enclaves may join; empty if none ever could."""
    vendors = dict(join_policy.SIMULATED_VENDORS.of(tx).items())
    if not vendors:
        return {}
    rules = join_policy.SIMULATED_RULES.of(tx).get() or SimulatedRules()
    signers: dict[str, Json] = {
        signer: {
            product: {"securityVersion": least.security_version}
            for product, least in products.items()
        }
        for signer, products in join_policy.SIMULATED_SIGNERS.of(tx).items()
    }
    return {
        "simulated": {
            "uniqueIds": list(join_policy.SIMULATED_UNIQUE_IDS.of(tx).keys()),
            "signers": signers,
            "hostData": list(join_policy.SIMULATED_HOST_DATA.of(tx).keys()),
            "vendors": {key: vendor.certificate for key, vendor in vendors.items()},
            "tcbStatuses": [status.value for status in rules.tcb_statuses],
            "acceptsDebug": rules.accepts_debug,
        }
    }


@OPERATIONS.read(
    "/service/transactions/{transactionId}",
    "Transactions_Get",
    TransactionBody,
    mode=Mode.COMMAND,
)
def read_status(context: Context) -> "Response":
    """Return the status of a transaction."""
    text = context.params["transactionId"]
    try:
        tx_id = TxId.parse(text)
    except Malformed as error:
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            f"The value '{text}' passed as parameter 'transactionId' could not be "
            "converted to a valid Transaction ID.",
        ) from error
    return _reply(tx_id, context.node.tx_status(tx_id))


@OPERATIONS.read(
    "/service/transactions/commit",
    "Transactions_GetCommit",
    CommitBody,
    mode=Mode.COMMAND,
)
def read_commit(context: Context) -> "Response":
    """Return the id of the last committed transaction."""
    tx_id = context.node.committed_tx_id()
    if tx_id is None:
        return _reply(TxId(0, 0), TxStatus.UNKNOWN)
    return _reply(tx_id, context.node.tx_status(tx_id))


def _reply(tx_id: TxId, status: TxStatus) -> "Response":
    return json_reply({"status": status.value, "transactionId": str(tx_id)})
