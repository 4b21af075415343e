"""Every operation of the governance API, and the registry that serves them.

Reads are open to anybody, since governance is public. A request that changes something
is signed by a member, and names its purpose in the signature's header.
"""

from dataclasses import replace

from ccfpy.endpoints.common import add_common_endpoints
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Operation,
    Redirection,
)
from ccfpy.endpoints.registry import Registry
from ccfpy.gov import (
    ack_endpoints,
    proposal_endpoints,
    recovery_endpoints,
    service_endpoints,
    swagger,
)
from ccfpy.gov.classic.api import add_classic_endpoints
from ccfpy.gov.operations import GovernanceNode, GovOperation, versioned
from ccfpy.gov.proposal_history import add_history_endpoints
from ccfpy.gov.recovery_endpoints import add_recovery_standing

PREFIX = "gov"
TITLE = "CCF Governance API"
DESCRIPTION = "Proposals, members and everything else about how a service is governed."
VERSION = "4.8.0"

_HIDDEN = Operation(hidden=True)
"""Hides an endpoint from the document that is served without a version."""

OPERATIONS: tuple[GovOperation, ...] = (
    *proposal_endpoints.OPERATIONS,
    *ack_endpoints.OPERATIONS,
    *recovery_endpoints.OPERATIONS,
    *service_endpoints.OPERATIONS,
)


def governance_registry(node: GovernanceNode) -> Registry:
    """Return everything that ``node`` serves under ``/gov``."""
    registry = Registry(
        PREFIX, title=TITLE, description=DESCRIPTION, version=VERSION, is_exact=True
    )
    add_common_endpoints(registry)
    add_classic_endpoints(registry, node)
    add_history_endpoints(registry)
    add_recovery_standing(registry)
    for operation in OPERATIONS:
        registry.add(_endpoint(operation, node))
    common = registry.find("GET", "/api")
    assert common is not None, "every frontend describes itself"
    described = swagger.api_handler(common.endpoint.handler, OPERATIONS)
    registry.add(replace(common.endpoint, handler=described))
    return registry


def _endpoint(operation: GovOperation, node: GovernanceNode) -> Endpoint:
    handler = versioned(operation.handler_of(node), since=operation.since, log=node.log)
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
