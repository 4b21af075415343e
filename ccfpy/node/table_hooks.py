"""What a running node does when the tables that it acts upon change.

What these tables may hold is checked before (`replication.guards`), because a hook must
not fail.
"""

from typing import TYPE_CHECKING

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.crypto.certs import Certificate
from ccfpy.node.replication.guards import Guards
from ccfpy.service.tables import nodes, recovery, service

if TYPE_CHECKING:
    from ccfpy.base.ids import Seqno
    from ccfpy.kv.changes import Writes
    from ccfpy.node.running import RunningNode


class TableHooks:
    """The hooks of one node on its store."""

    def __init__(self, running: "RunningNode") -> None:
        self._running = running

    def watch(self) -> None:
        """React to the tables from now on; called once."""
        running = self._running
        store = running.tail.store
        Guards(store, running.node_id, running.identity.encryption_key.unwrap).watch()
        running.address_book.watch(store)
        running.snapshots.watch(store)
        running.jwt_refresh.watch(store, running.wake_flag)
        running.app_code.watch(store)
        replication = running.replication
        replication.before_compaction(running.snapshots.on_commit)
        replication.on_rollback(running.snapshots.on_rollback)
        replication.on_commit(self._on_commit)
        store.on_global(service.INFO.name, self._on_service)
        store.on_global(nodes.ENDORSED_CERTIFICATES.name, self._on_endorsement)
        store.on_local(recovery.ENCRYPTED_LEDGER_SECRETS.name, self._on_rekey)

    def _on_commit(self, seqno: "Seqno") -> None:
        running = self._running
        running.wake_flag.set()
        tx_id = running.replication.raft.log.tx_id(seqno)
        running.commit_waits.committed(tx_id)
        running.commit_watches.committed(tx_id)

    def _on_service(self, _: "Seqno", writes: "Writes") -> None:
        info = service.INFO.decode_writes(writes)
        if info is None:
            return
        running = self._running
        certificate = Certificate.from_pem(info.cert)
        if certificate.public_key != running.service_identity.key.public_key:
            # A service that this one recovered.
            return
        running.renew_service_certificate(certificate)
        if info.status is ServiceStatus.OPEN:
            running.open_service()

    def _on_endorsement(self, _: "Seqno", writes: "Writes") -> None:
        running = self._running
        pem = nodes.ENDORSED_CERTIFICATES.decode_writes(writes).get(running.node_id)
        if pem is None:
            return
        try:
            certificate = Certificate.from_pem(pem)
            running.channels.identify(
                service_certificate=running.service_identity.certificate,
                node_certificate=certificate,
            )
        except (Malformed, VerificationFailed) as error:
            # Only this node can tell, so it takes the entry and keeps what it has.
            running.outbox.fail(f"Kept the endorsed certificate: {error}")
            return
        running.renew_endorsement(certificate)
        running.admit_members()
        if certificate.validity_s != running.identity.self_signed.validity_s:
            self._renew_self_signed(certificate)

    def _renew_self_signed(self, endorsed: Certificate) -> None:
        """Renew this node's own certificate, if any can hold as long as the service's.

        The service's is by members, or by a primary that says what it likes.
        """
        running = self._running
        try:
            running.identity.renew_self_signed(endorsed, running.entropy)
        except CcfpyError as error:
            running.outbox.fail(f"Kept the self-signed certificate: {error}")
        else:
            running.certificates.self_signed()

    def _on_rekey(self, seqno: "Seqno", writes: "Writes") -> None:
        """Use the ledger secret that this transaction sent every trusted node.

        What a recovery sends are secrets of the past, which have their versions.
        """
        running = self._running
        tail = running.tail
        sent = recovery.ENCRYPTED_LEDGER_SECRETS.decode_writes(writes)
        for secret in (sent or {}).get(running.node_id, ()):
            if secret.version is None:
                tail.rekey(
                    running.identity.encryption_key.unwrap(secret.encrypted_secret),
                    at=seqno,
                )
                running.sealing.keep(seqno + 1, tail.secrets.at(seqno + 1))
