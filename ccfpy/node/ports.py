"""The running node as its parts see it, and a part as the running node sees it.

The parts stand below the running node, and the recovery of a private state above it.
"""

from typing import Protocol

from ccfpy.base.ids import Seqno, TxId
from ccfpy.kv.tx import Tx


class Primary(Protocol):
    """The running node, as far as its own transactions need it (`RunningNode`)."""

    @property
    def is_primary(self) -> bool:
        """Whether this node orders transactions."""
        ...

    def begin(self, *, read_only: bool) -> Tx:
        """Open a transaction on the latest state."""
        ...

    def commit(self, tx: Tx, claims_digest: bytes | None) -> TxId | None:
        """Order a transaction."""
        ...


class Recovery(Protocol):
    """A node's part in bringing back a lost service's private state.

    It is `ccfpy.node.recovery.private_recovery.PrivateRecovery`.
    """

    @property
    def progress(self) -> tuple[Seqno, Seqno] | None:
        """The seqno to be reached and the one reached, while the ledger is read."""
        ...

    def restore_secrets(self, tx: Tx) -> None:
        """Open the old secrets with the submitted shares; send them to every node.

        Raises:
            CcfpyError: the shares do not open them, or are too few.
        """
        ...

    def unseal_secrets(self, tx: Tx) -> bool:
        """Do the same with a secret sealed to this platform, if one is of use."""
        ...

    def work(self) -> None:
        """Do what is due; for the end of every step.

        Raises:
            RecoveryFailed: the private state cannot be brought back.
        """
        ...

    def opened(self) -> None:
        """Note that the service is open, for good."""
        ...
