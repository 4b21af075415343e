"""How this node is: its state, its version, and whether to send it requests."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.replies import empty_reply, json_reply, record_reply
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.node.api.answers import JwtRefreshAnswer, StateAnswer
from ccfpy.node.api.declare import local, shared
from ccfpy.node.lifecycle import NodeState
from ccfpy.service.tables.signatures import SIGNATURES

if TYPE_CHECKING:
    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode

_MEMBERS_MAY_CALL = frozenset(
    {
        NodeState.PART_OF_NETWORK,
        NodeState.PART_OF_PUBLIC_NETWORK,
        NodeState.READING_PRIVATE_LEDGER,
    }
)


class HealthEndpoints:
    """Reads for operators and load balancers."""

    def __init__(self, running: "RunningNode") -> None:
        self._running = running

    def endpoints(self) -> Iterator[Endpoint]:
        """Return the endpoints."""
        yield local("/state", self.state, StateAnswer)
        yield local("/ready/app", self.ready_app, status=204)
        yield local("/ready/gov", self.ready_gov, status=204)
        yield shared("/jwt_keys/refresh/metrics", self.jwt_refresh, JwtRefreshAnswer)

    def state(self, context: Context) -> "Response":
        """Answer with the state of this node."""
        signature = SIGNATURES.of(context.tx).get()
        recovery = self._running.recovery
        progress = None if recovery is None else recovery.progress
        target, recovered = progress or (None, None)
        return record_reply(
            StateAnswer(
                node_id=self._running.node_id,
                state=self._running.state,
                last_signed_seqno=signature.txid.seqno if signature else 0,
                startup_seqno=self._running.startup_seqno,
                recovery_target_seqno=target,
                last_recovered_seqno=recovered,
                stop_notice=self._running.has_stop_notice,
            )
        )

    def ready_app(self, _: Context) -> "Response":
        """Answer 204 while users' requests are welcome, else 503."""
        is_ready = (
            self._running.state is NodeState.PART_OF_NETWORK
            and self._running.frontends["app"].is_open
        )
        return self._readiness("users", is_ready=is_ready)

    def ready_gov(self, _: Context) -> "Response":
        """Answer 204 while members' requests are welcome, else 503."""
        is_ready = (
            self._running.state in _MEMBERS_MAY_CALL
            and self._running.frontends["gov"].is_open
        )
        return self._readiness("members", is_ready=is_ready)

    def _readiness(self, callers: str, *, is_ready: bool) -> "Response":
        if not is_ready or self._running.has_stop_notice:
            raise ApiError(
                503,
                ErrorCode.NodeCannotHandleRequest,
                f"Node does not take the requests of {callers} now.",
            )
        return empty_reply()

    def jwt_refresh(self, _: Context) -> "Response":
        """Count how often this node fetched the keys of token issuers."""
        return json_reply(asdict(self._running.jwt_refresh.counts))
