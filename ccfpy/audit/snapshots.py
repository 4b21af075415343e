"""A snapshot as the beginning of a ledger whose first files are not at hand."""

from ccfpy.audit.auditor import AuditState
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.signature import NodeSignature
from ccfpy.ledger.snapshot import Snapshot
from ccfpy.ledger.tables import SIGNATURES
from ccfpy.ledger.trust import TABLES, LedgerTrust


def service_of(snapshot: Snapshot) -> Certificate:
    """Return the certificate of the service that a snapshot says it is of.

    Raises:
        Malformed: it says nothing.
    """
    service = _trust(snapshot).service
    assert service is not None, "a state has one"
    return service


def state_of(snapshot: Snapshot) -> AuditState:
    """Return the state from which an audit goes on after a snapshot.

    The caller must have verified the snapshot's receipt.

    Raises:
        Malformed: something is missing in it.
        VerificationFailed: its parts do not fit together.
    """
    value = snapshot.value(SIGNATURES)
    if value is None:
        raise Malformed("the snapshot holds no signature")
    signature = NodeSignature.parse(value)
    tree = snapshot.tree()
    if signature.txid.seqno != snapshot.seqno:
        raise Malformed(f"the snapshot's last signature is {signature.txid}")
    if tree.root(snapshot.seqno) != signature.root:
        raise VerificationFailed(f"{signature.txid} signs another tree's root")
    return AuditState(
        trust=_trust(snapshot),
        tree=tree.serialise(snapshot.seqno),
        view=signature.txid.view,
        signatures=1,
        last_signed=signature.txid,
        last_root=signature.root,
        signature_at=("", 0),
        signed_end=("", 0),
    )


def _trust(snapshot: Snapshot) -> LedgerTrust:
    return LedgerTrust.resume(
        {
            name: {key: value for key, _, value in entries}
            for name, _, entries in snapshot.public.maps
            if name in TABLES
        }
    )
