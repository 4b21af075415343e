"""The service as this node sees it: status, identity, configuration, consensus."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint, Mode
from ccfpy.endpoints.replies import empty_reply, json_reply
from ccfpy.http.errors import ApiError, ErrorCode, not_found
from ccfpy.node.api.answers import (
    ConsensusAnswer,
    NetworkAnswer,
    PeerAnswer,
    PreviousIdentityAnswer,
    ServiceConfigurationAnswer,
)
from ccfpy.node.api.declare import hidden, local, shared
from ccfpy.node.api.redirects import primary_address
from ccfpy.service.tables import service

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.http.messages import Response
    from ccfpy.node.running import RunningNode


class NetworkEndpoints:
    """Reads about the service and about who leads it."""

    def __init__(self, running: "RunningNode") -> None:
        self._running = running

    def endpoints(self) -> Iterator[Endpoint]:
        """Return the endpoints."""
        yield shared("/network", self.network, NetworkAnswer)
        yield shared(
            "/service/previous_identity",
            self.previous_identity,
            PreviousIdentityAnswer,
        )
        yield local(
            "/service/configuration", self.configuration, ServiceConfigurationAnswer
        )
        yield local("/config", self.config, dict[str, PeerAnswer], mode=Mode.COMMAND)
        yield local("/consensus", self.consensus, ConsensusAnswer, mode=Mode.COMMAND)
        yield local("/primary", self.primary)
        yield local("/primary", self.find_primary, method="HEAD")
        yield local("/backup", self.backup)
        yield hidden("POST", "/create", self.create)

    def network(self, context: Context) -> "Response":
        """Answer with the service's status, identity and primary."""
        info = service.INFO.of(context.tx).get()
        if info is None:
            raise not_found("Service state not available.")
        body: dict[str, Json] = {
            "service_status": info.status,
            "service_certificate": info.cert,
            "recovery_count": info.recovery_count or 0,
            "service_data": info.service_data,
            "current_view": self._running.view,
            "primary_id": self._running.primary_id,
        }
        if info.current_service_create_txid is not None:
            body["current_service_create_txid"] = str(info.current_service_create_txid)
        return json_reply(body)

    def previous_identity(self, context: Context) -> "Response":
        """Answer with the certificate of the service that this one recovered."""
        certificate = service.PREVIOUS_IDENTITY.of(context.tx).get()
        if certificate is None:
            raise not_found("This service is not a recovery of a previous service.")
        return json_reply({"previous_service_identity": certificate})

    def configuration(self, context: Context) -> "Response":
        """Answer with the configuration of the whole service."""
        configuration = service.CONFIGURATION.of(context.tx).get()
        if configuration is None:
            return json_reply(None)
        return json_reply(service.SERVICE_CONFIGURATION.write(configuration))

    def config(self, _: Context) -> "Response":
        """List the nodes that take part in consensus and where they are reached."""
        addresses = self._running.address_book.addresses
        nodes = self._running.replication.raft.nodes
        return json_reply(
            {node: {"address": addresses.get(node, "")} for node in nodes}
        )

    def consensus(self, _: Context) -> "Response":
        """Answer with the state of consensus at this node."""
        raft = self._running.replication.raft
        return json_reply(
            {"details": raft.details(self._running.address_book.addresses)}
        )

    def primary(self, _: Context) -> "Response":
        """Answer 200 where the primary is."""
        if not self._running.is_primary:
            raise not_found("Node is not primary")
        return empty_reply(200)

    def find_primary(self, context: Context) -> "Response":
        """Answer 200 where the primary is, and elsewhere say where it is."""
        if self._running.is_primary:
            return empty_reply(200)
        address = primary_address(context, self._running)
        return empty_reply(308, {"location": f"https://{address}/node/primary"})

    def backup(self, _: Context) -> "Response":
        """Answer 200 where a backup is."""
        if self._running.is_primary:
            raise not_found("Node is not backup")
        return empty_reply(200)

    def create(self, _: Context) -> "Response":
        """Refuse: a node creates its service itself, before it listens."""
        raise ApiError(403, ErrorCode.InternalError, "Node is not in initial state.")
