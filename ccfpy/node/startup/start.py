"""How a node starts a service, and how it enters a running one.

The create transaction is 2.1. The signature that makes it final, and with it the node's
certificate, is 2.2.

A node that joins first fetches a snapshot (`Bootstrap`), because its request to join
names the seqno that it starts from, which a primary may refuse as too old. The private
part of the snapshot waits until the node is trusted and has the ledger secrets.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ccfpy.base.errors import ConfigurationRefused, Malformed, VerificationFailed
from ccfpy.base.ids import FIRST_VIEW, TxId
from ccfpy.base.net_address import unbracketed
from ccfpy.base.vocabulary import RecoveryRole, ServiceStatus
from ccfpy.boundary.configuration import JoinConfiguration, StartConfiguration
from ccfpy.boundary.effects import BeginLedger
from ccfpy.boundary.events import Boot
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.context import CoseClaims
from ccfpy.http.tls import HTTP_1_1, HTTP_2
from ccfpy.http.tls_calls import ClientContext
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.node.boot import first_node, founding_node, identity_of, json_of, text_of
from ccfpy.node.parts import NodeParts
from ccfpy.node.running import RunningNode
from ccfpy.node.snapshots.fetch import SnapshotCheck, SnapshotFetching, SnapshotSources
from ccfpy.node.snapshots.starting_point import StartingPoint
from ccfpy.node.startup.join import Join, Joined
from ccfpy.node.startup.private_recovery import PrivateRecovery, SecretRecords
from ccfpy.service import genesis
from ccfpy.service.members import NewMember
from ccfpy.service.records import Refused
from ccfpy.service.tables.service import ServiceConfiguration

if TYPE_CHECKING:
    from ccfpy.base.ids import Seqno


def start(boot: Boot, parts: NodeParts) -> RunningNode:
    """Begin a new service with this node as its only one.

    Raises:
        ConfigurationRefused: the start section is missing or wrong.
        Malformed: a certificate cannot be made as configured.
    """
    section = boot.configuration.start
    if section is None:
        raise ConfigurationRefused("command.start is missing")
    running = founding_node(
        boot,
        parts,
        identity=identity_of(boot, parts),
        subject=section.service_subject_name,
        validity_days=section.initial_service_certificate_validity_days,
        secrets=LedgerSecrets([(1, LedgerSecret.generate(parts.entropy))]),
        cose_claims=CoseClaims(
            section.cose_signatures.issuer, section.cose_signatures.subject
        ),
    )
    running.sealing.keep(*running.tail.secrets.latest)
    parts.outbox.info(f"Created new node {running.identity.node_id}")
    return running


def create_service(running: RunningNode) -> None:
    """Order the create transaction and sign it.

    Raises:
        ConfigurationRefused: the configured service is not valid.
    """
    section = running.configuration.start
    assert section is not None, "the boot checked it"
    running.admit_members()
    claims_digest = running.parts.app.create_claims(_constitution_of(section))
    replication = running.replication
    replication.begin()
    tx = running.begin(read_only=False)
    try:
        genesis.create(
            tx,
            genesis.CreateInfo(
                service_certificate=running.service_identity.certificate.pem,
                create_txid=TxId(FIRST_VIEW, 1),
                node=first_node(running),
                service_data=json_of(running.configuration.service_data),
                genesis=_genesis(section),
            ),
        )
    except (Refused, Malformed, VerificationFailed) as error:
        raise ConfigurationRefused(str(error)) from error
    replication.commit(tx, claims_digest)
    running.outbox.info("Created service")
    running.become_part_of_network()
    running.sign()


def _constitution_of(section: StartConfiguration) -> str:
    """Return the source of the service's first constitution.

    Raises:
        ConfigurationRefused: it is not text.
    """
    return text_of(section.constitution, "the constitution")


def _genesis(section: StartConfiguration) -> genesis.GenesisInfo:
    given = section.service_configuration
    return genesis.GenesisInfo(
        members=tuple(
            NewMember(
                cert=text_of(member.certificate, "a member's certificate"),
                encryption_pub_key=(
                    text_of(member.encryption_public_key, "a member's encryption key")
                    if member.encryption_public_key is not None
                    else None
                ),
                member_data=json_of(member.data),
                recovery_role=(
                    RecoveryRole(member.recovery_role) if member.recovery_role else None
                ),
            )
            for member in section.members
        ),
        configuration=ServiceConfiguration(
            recovery_threshold=given.recovery_threshold,
            maximum_node_certificate_validity_days=(
                given.maximum_node_certificate_validity_days
            ),
            maximum_service_certificate_validity_days=(
                given.maximum_service_certificate_validity_days
            ),
            recent_cose_proposals_window_size=given.recent_cose_proposals_window_size,
        ),
        constitution=_constitution_of(section),
    )


_MAY_BE_GIVEN_UP = frozenset(
    {ServiceStatus.RECOVERING, ServiceStatus.WAITING_FOR_RECOVERY_SHARES}
)
"""States of a service in which its recovery can still start again."""


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
        """Begin to look for a snapshot."""
        self._fetching.start(self._running.time.monotonic_ms)

    def tick(self, now_ms: int) -> None:
        """Advance the clock of the current phase."""
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
    """Become part of the network with the primary's answer.

    If the service is in recovery and has only its public state, this node takes part in
    the recovery of the private state.

    Raises:
        VerificationFailed: the snapshot does not decrypt under the ledger secrets.
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
    # The snapshot's state is final, so the hooks of its tables run now.
    tail.store.compact(after)
    running.admit_members()
    running.become_part_of_network(is_public_only=joined.is_public_only)
    reach = "public only" if joined.is_public_only else "all domains"
    running.outbox.info(
        f"Node has now joined the network as node {running.node_id}: {reach}"
    )
