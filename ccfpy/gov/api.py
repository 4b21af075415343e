"""Every operation of the governance API, and the registry that serves them.

Reads are open to anybody, since governance is public. A request that changes something
is signed by a member, and names its purpose in the signature's header.
"""

from dataclasses import replace

from ccfpy.endpoints.auth.cose import ActiveMemberCoseSign1, MemberCoseSign1
from ccfpy.endpoints.common import add_common_endpoints
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.registry import Registry
from ccfpy.gov import (
    ack_endpoints,
    policy_endpoints,
    proposal_endpoints,
    recovery_endpoints,
    service_endpoints,
    swagger,
    transaction_endpoints,
)
from ccfpy.gov.ack_endpoints import AckEndpoints
from ccfpy.gov.classic.api import add_classic_endpoints
from ccfpy.gov.definitions import (
    ProposalBody,
    RecoveryBody,
    StateDigestBody,
)
from ccfpy.gov.operations import GovOperation
from ccfpy.gov.ports import GovernanceNode
from ccfpy.gov.proposal_endpoints import ProposalEndpoints
from ccfpy.gov.recovery_endpoints import RecoveryEndpoints
from ccfpy.gov.versions import versioned

PREFIX = "gov"
TITLE = "CCF Governance API"
DESCRIPTION = "Proposals, members and everything else about how a service is governed."
VERSION = "4.8.0"

_HIDDEN = Operation(hidden=True)
"""Hides an endpoint from the document that is served without a version."""

READS: tuple[GovOperation, ...] = (
    *proposal_endpoints.READS,
    *ack_endpoints.READS,
    *recovery_endpoints.READS,
    *service_endpoints.READS,
    *policy_endpoints.READS,
    *transaction_endpoints.READS,
)


def signed_operations(node: GovernanceNode) -> tuple[GovOperation, ...]:
    """Return the operations that members sign, for ``node``."""
    proposals = ProposalEndpoints(node)
    return (
        GovOperation(
            path="/members/proposals:create",
            handler=proposals.create,
            operation_id="Proposals_Create",
            returns=ProposalBody,
            mode=Mode.READ_WRITE,
            policy=ActiveMemberCoseSign1("proposal"),
        ),
        GovOperation(
            path="/members/proposals/{proposalId}:withdraw",
            handler=proposals.withdraw,
            operation_id="Proposals_Withdraw",
            returns=ProposalBody,
            mode=Mode.READ_WRITE,
            policy=ActiveMemberCoseSign1("withdrawal"),
            may_be_nothing=True,
        ),
        GovOperation(
            path="/members/proposals/{proposalId}/ballots/{memberId}:submit",
            handler=proposals.submit_ballot,
            operation_id="Ballots_Submit",
            returns=ProposalBody,
            mode=Mode.READ_WRITE,
            policy=ActiveMemberCoseSign1("ballot"),
        ),
        GovOperation(
            path="/members/state-digests/{memberId}:update",
            handler=ack_endpoints.update_state_digest,
            operation_id="StateDigests_Update",
            returns=StateDigestBody,
            mode=Mode.READ_WRITE,
            policy=MemberCoseSign1("state_digest"),
        ),
        GovOperation(
            path="/members/state-digests/{memberId}:ack",
            handler=AckEndpoints(node).acknowledge,
            operation_id="StateDigests_Acknowledge",
            returns=None,
            mode=Mode.READ_WRITE,
            policy=MemberCoseSign1("ack"),
        ),
        GovOperation(
            path="/recovery/members/{memberId}:recover",
            handler=RecoveryEndpoints(node).submit_share,
            operation_id="Shares_Submit",
            returns=RecoveryBody,
            mode=Mode.READ_WRITE,
            policy=ActiveMemberCoseSign1("recovery_share"),
        ),
    )


def governance_registry(node: GovernanceNode) -> Registry:
    """Return everything that ``node`` serves under ``/gov``."""
    registry = Registry(
        PREFIX, title=TITLE, description=DESCRIPTION, version=VERSION, is_exact=True
    )
    add_common_endpoints(registry)
    add_classic_endpoints(registry, node)
    operations = (*READS, *signed_operations(node))
    for operation in operations:
        registry.add(_endpoint(operation, node))
    common = registry.find("GET", "/api")
    assert common is not None, "every frontend describes itself"
    described = swagger.api_handler(common.endpoint.handler, operations)
    registry.add(replace(common.endpoint, handler=described))
    return registry


def _endpoint(operation: GovOperation, node: GovernanceNode) -> Endpoint:
    handler = versioned(operation.handler, since=operation.since, log=node.log)
    is_read = operation.policy is None
    return Endpoint(
        method=operation.method,
        path=operation.path,
        handler=handler,
        mode=operation.mode,
        forwarding=Forwarding.SOMETIMES if is_read else Forwarding.ALWAYS,
        redirection=Redirection.NONE if is_read else Redirection.TO_PRIMARY,
        auth=() if operation.policy is None else (operation.policy,),
        operation=_HIDDEN,
    )
