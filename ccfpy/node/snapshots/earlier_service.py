"""The check whether a joining node may start from a snapshot.

The pinned service, which the node is to join, must vouch for the snapshot. While a
service is being recovered, there are only snapshots of the service that it recovers.
Then the joiner asks a node of the pinned service for the identity of the earlier
service, and accepts that identity too. The answering node has proved by TLS that it
belongs to the pinned service, which will pass its own key in the same way.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

from ccfpy.base import json, limits
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import CallId
from ccfpy.crypto.certs import Certificate
from ccfpy.http.messages import Request, Response
from ccfpy.http.tls_calls import ClientContext
from ccfpy.ledger import record
from ccfpy.node.outbound import Outcome
from ccfpy.node.outbox import Outbox
from ccfpy.node.snapshots.reads import SnapshotReads
from ccfpy.node.snapshots.starting_point import SnapshotRefused, StartingPoint

PATH = "/node/service/previous_identity"
_OK = 200

Checked: TypeAlias = StartingPoint | CcfpyError
"""What may be started from, or why it may not."""


class OutboundPort(Protocol):
    """Requests to other nodes (`ccfpy.node.outbound.OutboundClient`)."""

    def request(
        self,
        address: str,
        request: Request,
        *,
        trust: ClientContext,
        then: Callable[[Outcome], None],
        response_bytes_max: int = limits.HTTP_BODY_BYTES_MAX,
    ) -> CallId:
        """Send a request; its outcome comes in a later step."""
        ...


class SnapshotSources(NamedTuple):
    """The sources of a snapshot.

    Attributes:
        trust: the certificates to trust at an address.
        reads: the host's own snapshots.
    """

    calls: OutboundPort
    trust: Callable[[str], ClientContext]
    reads: SnapshotReads
    outbox: Outbox


class SnapshotCheck:
    """The check of one node that joins one service.

    Args:
        pinned: the certificate of the service to join.
        address: the address of the node to ask.
        sources: to reach that node.
    """

    def __init__(
        self, pinned: Certificate, address: str, sources: SnapshotSources
    ) -> None:
        self._identities = [pinned]
        self._address = address
        self._sources = sources
        self._outbox = sources.outbox

    def check(self, data: bytes, then: Callable[[Checked], None]) -> None:
        """Verify a snapshot's file; report the outcome now or in a later step."""
        outcome = self._read(data)
        if (
            isinstance(outcome, SnapshotRefused)
            and outcome.is_of_another_service
            and len(self._identities) == 1
        ):
            self._ask(lambda: then(self._read(data)))
        else:
            then(outcome)

    def _read(self, data: bytes) -> Checked:
        try:
            return StartingPoint.read(data, self._identities)
        except CcfpyError as error:
            return error

    def _ask(self, then: Callable[[], None]) -> None:
        def answered(outcome: Outcome) -> None:
            if isinstance(outcome, Response) and outcome.status == _OK:
                self._learn(outcome.body)
            then()

        try:
            self._sources.calls.request(
                self._address,
                Request(method="GET", path=PATH),
                trust=self._sources.trust(self._address),
                then=answered,
            )
        except CcfpyError as error:
            self._outbox.fail(f"Cannot ask for the previous service identity: {error}")
            then()

    def _learn(self, body: bytes) -> None:
        try:
            pem = record.text(json.loads_object(body), "previous_service_identity")
            previous = Certificate.from_pem(pem)
        except Malformed as error:
            self._outbox.fail(f"Cannot read the previous service identity: {error}")
            return
        self._outbox.info(
            "The service to join recovers another, whose snapshots may be used"
        )
        self._identities.append(previous)
