"""What governance asks of the node it runs on.

The node keeps the keys, the ledger and the clock. Every method that takes a transaction
writes only through it, so an effect becomes real when, and only if, the transaction
commits; a node that must remember something until then ties it to the transaction.
A refused effect raises ``EffectRefused``; its text reaches the members.
"""

from typing import Protocol

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno
from ccfpy.base.ports import Entropy
from ccfpy.js.engine import Engine
from ccfpy.kv.tx import Tx


class EffectRefused(CcfpyError):
    """The node cannot do what a proposal asks for, now or at all."""


class GovernanceNode(Protocol):
    """The node, as governance sees it."""

    @property
    def engine(self) -> Engine:
        """What runs constitutions and ballots."""
        ...

    @property
    def entropy(self) -> Entropy:
        """Randomness for guests' ``ccf.crypto`` and ``Math.random``."""
        ...

    def log(self, level: str, text: str) -> None:
        """Write a line to the node's log under the tag ``gov``.

        Everything governance logs is public.

        Args:
            level: ``debug``, ``info`` or ``fail``.
            text: the line.
        """
        ...

    # What proposals and acknowledgements are bound to

    def root_at(self, version: Seqno) -> bytes | None:
        """Give the Merkle root over the leaves up to and with ``version``.

        A proposal's id is made of it, which binds the proposal to the state its
        proposer's request met. ``None`` if the tree no longer reaches there.
        """
        ...

    # Effects of an accepted proposal

    def latest_ledger_secret_seqno(self, tx: Tx) -> Seqno:
        """Give the version of the latest ledger secret.

        It must read ``public:ccf.internal.encrypted_ledger_secrets`` through ``tx``, so
        that a rekey in the meantime makes the transaction conflict.
        """
        ...

    def endorse_node_certificate(
        self, request_pem: str, *, valid_from: str, validity_days: int
    ) -> str:
        """Sign a node's certificate request with the service key; give the PEM.

        Raises:
            EffectRefused: the request or the time is malformed.
        """
        ...

    def renew_service_certificate(self, *, valid_from: str, validity_days: int) -> str:
        """Make a certificate for the same service key; give the PEM.

        The node begins to use it when it finds it committed in the service's record.

        Raises:
            EffectRefused: the time is malformed.
        """
        ...

    def transition_service_to_open(
        self, tx: Tx, *, previous_identity: str | None, next_identity: str
    ) -> None:
        """Open the service, or in a recovery go on to collect members' shares.

        `ccfpy.service.opening` holds the rules and the writes; the node adds its state
        and its keys.

        Raises:
            EffectRefused: an identity does not match, shares cannot be issued, or the
                node is in no state to open a service.
        """
        ...

    def rekey_ledger(self, tx: Tx) -> None:
        """Write a new ledger secret for every trusted node, and new shares.

        Raises:
            EffectRefused: the service is not open, or shares cannot be issued.
        """
        ...

    def refresh_recovery_shares(self, tx: Tx) -> None:
        """Issue new shares of the current ledger secret.

        Raises:
            EffectRefused: members and threshold do not allow it.
        """
        ...

    def trigger_ledger_chunk(self, tx: Tx) -> None:
        """Close the ledger's chunk at the signature after this transaction."""
        ...

    def trigger_snapshot(self, tx: Tx) -> None:
        """Make a snapshot at the signature after this transaction."""
        ...

    # Recovery

    @property
    def is_reading_private_ledger(self) -> bool:
        """Whether shares were enough and the private state is being restored."""
        ...

    def submit_recovery_share(self, tx: Tx, member_id: str, share: bytes) -> int:
        """Keep a member's share, sealed; give how many members have handed in theirs.

        Raises:
            EffectRefused: it cannot be kept.
        """
        ...

    def initiate_private_recovery(self, tx: Tx) -> None:
        """Combine the submitted shares and send the old secrets to every node.

        Raises:
            EffectRefused: the shares do not open the ledger.
        """
        ...
