"""The state that a node takes from a snapshot instead of the ledger before it.

A snapshot comes from a disk or from another node, and neither is trusted. A snapshot is
used only if

1. its receipt holds, and leads to the identity of the service that is joined or
   recovered (`ccfpy.ledger.snapshot.Snapshot.verify`);
2. its parts fit: the signature at its seqno signs the root of the tree that it holds,
   in the view that its history says;
3. the node's ledger, if there is one, continues where the snapshot ends.

The snapshot's public part says at which seqno the node starts. The node tells this
seqno to the primary when it asks to join. The private part decrypts once the answer has
brought the ledger secrets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.consensus.configurations import Configuration
from ccfpy.consensus.history import ViewHistory
from ccfpy.crypto.certs import Certificate
from ccfpy.kv.snapshot import MapSnapshot
from ccfpy.kv.store import Store
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.receipt import ReceiptRefused, ReceiptStep
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.signature import NodeSignature
from ccfpy.ledger.snapshot import Snapshot
from ccfpy.ledger.tables import SIGNATURES
from ccfpy.service.tables import nodes


class SnapshotRefused(VerificationFailed):
    """A snapshot that a node must not start from, and why.

    Attributes:
        is_of_another_service: the snapshot is consistent, but no accepted service
            endorsed the node that signed its receipt.
    """

    def __init__(self, reason: str, *, is_of_another_service: bool = False) -> None:
        super().__init__(reason)
        self.is_of_another_service = is_of_another_service


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingPoint:
    """A verified snapshot, from which consensus and the ledger continue.

    Attributes:
        last: the signature at which the state was taken.
        starts: the first seqno of each view up to then, from view 1.
        configurations: the nodes trusted then, since the seqno that last changed one.
        signature: the record of that signature.
    """

    snapshot: Snapshot
    last: TxId
    starts: tuple[Seqno, ...]
    configurations: tuple[Configuration, ...]
    signature: NodeSignature

    @classmethod
    def read(
        cls,
        data: bytes,
        identities: Sequence[Certificate],
        *,
        ledger_first: Seqno | None = None,
    ) -> Self:
        """Read and verify a snapshot's file.

        Args:
            data: the whole file.
            identities: the certificates of the service, present and perhaps earlier;
                one of them must vouch for the snapshot.
            ledger_first: the first entry of the ledger that will be replayed onto it,
                if one is at hand.

        Raises:
            SnapshotRefused: for one of the reasons of this module.
        """
        try:
            snapshot = Snapshot.parse(data)
        except Malformed as error:
            raise SnapshotRefused(f"the snapshot is damaged: {error}") from error
        _check_identity(snapshot, identities)
        if ledger_first is not None and ledger_first > snapshot.seqno + 1:
            raise SnapshotRefused(
                f"the snapshot at seqno {snapshot.seqno} is older than the ledger, "
                f"which starts at seqno {ledger_first}"
            )
        try:
            return cls._of(snapshot)
        except CcfpyError as error:
            raise SnapshotRefused(
                f"the parts of the snapshot at seqno {snapshot.seqno} do not fit "
                f"together: {error}"
            ) from error

    @classmethod
    def _of(cls, snapshot: Snapshot) -> Self:
        value = snapshot.value(SIGNATURES)
        if value is None:
            raise Malformed("it holds no signature")
        signature = NodeSignature.parse(value)
        if signature.txid.seqno != snapshot.seqno:
            raise Malformed(f"its last signature is {signature.txid}")
        if snapshot.tree().root(snapshot.seqno) != signature.root:
            raise VerificationFailed(f"{signature.txid} signs another tree's root")
        starts = snapshot.public.view_history
        is_ordered = all(a <= b for a, b in pairwise(starts))
        view = ViewHistory(starts).view_of(snapshot.seqno)
        if not is_ordered or view != len(starts) or view != signature.txid.view:
            raise Malformed(f"{signature.txid} has no place in the views {starts}")
        return cls(
            snapshot=snapshot,
            last=signature.txid,
            starts=starts,
            configurations=tuple(_configurations(snapshot.public.maps)),
            signature=signature,
        )

    @property
    def seqno(self) -> Seqno:
        """Where the node starts; the next entry has one more."""
        return self.last.seqno

    def tree(self) -> MerkleTree:
        """Rebuild the tree, up to and with the entry at ``seqno``."""
        return self.snapshot.tree()

    def install(self, store: Store, secrets: LedgerSecrets | None) -> None:
        """Install the state in an empty store.

        Local hooks run at once; global ones when the store is compacted next, for which
        ``store.compact(store.version)`` is enough.

        Args:
            store: the node's, or the one that a recovery sets apart.
            secrets: the service's; without them private maps are left out.

        Raises:
            SnapshotRefused: it does not open under these secrets, or holds what a node
                could not act upon.
        """
        maps: list[MapSnapshot] = list(self.snapshot.public.maps)
        if secrets is not None:
            maps += self._private_maps(secrets)
        try:
            store.install(self.seqno, maps)
        except (Malformed, VerificationFailed) as error:
            raise SnapshotRefused(
                f"the snapshot at seqno {self.seqno} cannot be taken up: {error}"
            ) from error

    def install_private(self, store: Store, secrets: LedgerSecrets) -> None:
        """Install the private state alone in an empty store, in a recovery.

        Raises:
            SnapshotRefused: it does not open under these secrets.
        """
        store.install(self.seqno, self._private_maps(secrets))

    def _private_maps(self, secrets: LedgerSecrets) -> tuple[MapSnapshot, ...]:
        try:
            return self.snapshot.private_maps(secrets)
        except CcfpyError as error:
            raise SnapshotRefused(
                f"the private part of the snapshot at seqno {self.seqno} cannot "
                f"be read: {error}"
            ) from error


def _check_identity(snapshot: Snapshot, identities: Sequence[Certificate]) -> None:
    refusals: list[CcfpyError] = []
    for identity in identities:
        try:
            snapshot.verify(identity)
        except (Malformed, VerificationFailed) as error:
            refusals.append(error)
        else:
            return
    assert refusals, "there is a service that the snapshot must be of"
    refusal = refusals[0]
    where = f"the snapshot at seqno {snapshot.seqno}"
    if isinstance(refusal, ReceiptRefused) and refusal.step is ReceiptStep.ENDORSEMENT:
        raise SnapshotRefused(
            f"{where} is of another service: {refusal}", is_of_another_service=True
        ) from refusal
    raise SnapshotRefused(f"{where} is not vouched for: {refusal}") from refusal


def _configurations(maps: Sequence[MapSnapshot]) -> Sequence[Configuration]:
    for name, version, entries in maps:
        if name == nodes.INFO.name:
            infos = nodes.INFO.decode_writes({key: value for key, _, value in entries})
            trusted = frozenset(
                node
                for node, info in infos.items()
                if info is not None and info.status is NodeStatus.TRUSTED
            )
            return [Configuration(seqno=version, nodes=trusted)]
    raise Malformed("it holds no nodes")
