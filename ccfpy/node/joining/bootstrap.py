"""How a node enters a running service: a snapshot first, then the request to join.

The snapshot comes first because the request names the seqno it starts from, which a
primary may find too old. Its private part waits until the node is trusted with the
ledger's secrets.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ccfpy.base.errors import VerificationFailed
from ccfpy.base.net_address import unbracketed
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.boundary.configuration import JoinConfiguration
from ccfpy.boundary.effects import BeginLedger
from ccfpy.crypto.certs import Certificate
from ccfpy.http.tls import HTTP_1_1, HTTP_2
from ccfpy.http.tls_calls import ClientContext
from ccfpy.node.joining.join import Join, Joined
from ccfpy.node.recovery.private_recovery import PrivateRecovery
from ccfpy.node.recovery.secret_records import SecretRecords
from ccfpy.node.running import RunningNode
from ccfpy.node.snapshots.earlier_service import SnapshotCheck, SnapshotSources
from ccfpy.node.snapshots.fetch import SnapshotFetching
from ccfpy.node.snapshots.starting_point import StartingPoint

if TYPE_CHECKING:
    from ccfpy.base.ids import Seqno

_MAY_BE_GIVEN_UP = frozenset(
    {ServiceStatus.RECOVERING, ServiceStatus.WAITING_FOR_RECOVERY_SHARES}
)
"""States of a service in which its recovery can still be begun anew."""


class Bootstrap:
    """One node's way into one service: the search for a snapshot, then the join.

    Args:
        running: the node.
        section: the node to ask, and how often.
        refused: called once with the reason why the node must stop.
    """

    def __init__(
        self,
        running: RunningNode,
        section: JoinConfiguration,
        *,
        refused: Callable[[str], None],
    ) -> None:
        self._running = running
        self._section = section
        self._refused = refused
        pinned = Certificate.from_pem(section.service_certificate)

        def trust(address: str) -> ClientContext:
            return ClientContext(
                trusted_pem=section.service_certificate.decode(),
                host=unbracketed(address.rpartition(":")[0]),
                now=running.time.now,
                checks_name=False,
            ).offer(HTTP_1_1, HTTP_2)

        sources = SnapshotSources(
            calls=running.parts.calls,
            trust=trust,
            reads=running.parts.snapshots,
            outbox=running.outbox,
        )
        check = SnapshotCheck(pinned, section.target_rpc_address, sources)
        self._fetching = SnapshotFetching(
            section,
            sources,
            check=check.check,
            found=self._start_from,
            refused=refused,
        )
        self._phase: SnapshotFetching | Join = self._fetching

    def start(self) -> None:
        """Begin."""
        self._fetching.start(self._running.time.monotonic_ms)

    def tick(self, now_ms: int) -> None:
        """Advance the clock, and do what is due."""
        self._phase.tick(now_ms)

    def _start_from(self, point: StartingPoint | None) -> None:
        if point is not None:
            self._running.start_from(point.seqno)
        self._phase = join = Join(
            self._running,
            self._section,
            joined=partial(self._joined, point),
            refused=self._refused,
        )
        join.start()

    def _joined(self, point: StartingPoint | None, joined: Joined) -> None:
        try:
            become_member(self._running, joined, point)
        except VerificationFailed as error:
            self._running.outbox.fail(str(error))
            self._refused(str(error))


def become_member(
    running: RunningNode,
    joined: Joined,
    point: StartingPoint | None,
) -> None:
    """Become part of the network with what was handed over.

    Where that is the public state of a service that is being recovered, this node will
    take part in bringing back the rest.

    Raises:
        VerificationFailed: the snapshot does not open under the ledger's secrets.
    """
    running.hold_credentials(joined.credentials, joined.secrets)
    tail = running.tail
    after: Seqno = 0
    recovered_to: Seqno | None = None
    if joined.is_public_only or joined.service_status in _MAY_BE_GIVEN_UP:
        recovered_to = joined.last_recovered_seqno
        running.join_recovery(recovered_to)
    if joined.is_public_only:
        records = SecretRecords(tail)
        records.watch()
        recovery = PrivateRecovery(running, records, point)
        recovery.watch()
        running.hide_private_state(recovery)
    if point is not None:
        known = None if joined.is_public_only else tail.secrets
        point.install(tail.store, known)
        after = point.seqno
        running.snapshots.start_from(after)
    running.outbox.put(BeginLedger(after=after, recovered_to=recovered_to))
    running.replication.join(point)
    # The snapshot's state is final: hooks of its tables run now.
    tail.store.compact(after)
    running.admit_members()
    running.become_part_of_network(is_public_only=joined.is_public_only)
    reach = "public only" if joined.is_public_only else "all domains"
    running.outbox.info(
        f"Node has now joined the network as node {running.node_id}: {reach}"
    )
