"""What a node's own transactions need of the node."""

from typing import Protocol

from ccfpy.base.ids import TxId
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
