"""How this node is: its state, its version, and whether to send it requests."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import empty_reply, json_reply, record_reply
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.node.api.answers import JwtRefreshAnswer, StateAnswer
from ccfpy.node.api.declare import NodeEndpoints, local, shared
from ccfpy.node.lifecycle import IN_NETWORK, NodeState
from ccfpy.service.tables.signatures import SIGNATURES

if TYPE_CHECKING:
    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode


ENDPOINTS = NodeEndpoints()


@ENDPOINTS.add(local, "/state", StateAnswer)
def state(running: "RunningNode", context: Context) -> "Response":
    """Answer with the state of this node."""
    signature = SIGNATURES.of(context.tx).get()
    recovery = running.recovery
    progress = None if recovery is None else recovery.progress
    target, recovered = progress or (None, None)
    return record_reply(
        StateAnswer(
            node_id=running.node_id,
            state=running.state,
            last_signed_seqno=signature.txid.seqno if signature else 0,
            startup_seqno=running.startup_seqno,
            recovery_target_seqno=target,
            last_recovered_seqno=recovered,
            stop_notice=running.has_stop_notice,
        )
    )


@ENDPOINTS.add(local, "/ready/app", status=204)
def ready_app(running: "RunningNode", _: Context) -> "Response":
    """Answer 204 while users' requests are welcome, else 503."""
    is_ready = (
        running.state is NodeState.PART_OF_NETWORK and running.frontends["app"].is_open
    )
    return _readiness(running, "users", is_ready=is_ready)


@ENDPOINTS.add(local, "/ready/gov", status=204)
def ready_gov(running: "RunningNode", _: Context) -> "Response":
    """Answer 204 while members' requests are welcome, else 503."""
    is_ready = running.state in IN_NETWORK and running.frontends["gov"].is_open
    return _readiness(running, "members", is_ready=is_ready)


def _readiness(running: "RunningNode", callers: str, *, is_ready: bool) -> "Response":
    if not is_ready or running.has_stop_notice:
        raise ApiError(
            503,
            ErrorCode.NodeCannotHandleRequest,
            f"Node does not take the requests of {callers} now.",
        )
    return empty_reply()


@ENDPOINTS.add(shared, "/jwt_keys/refresh/metrics", JwtRefreshAnswer)
def jwt_refresh(running: "RunningNode", _: Context) -> "Response":
    """Count how often this node fetched the keys of token issuers."""
    return json_reply(asdict(running.jwt_refresh.counts))
