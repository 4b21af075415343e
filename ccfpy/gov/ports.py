"""What governance asks of the node it runs on.

The node keeps the keys, the ledger and the clock. Every method that takes a transaction
writes only through it, so an effect happens when the transaction commits, and only
then. A node that must remember something until then ties it to the transaction. A
refused effect raises a ``CcfpyError``, whose text reaches the members.
"""

from typing import Protocol

from ccfpy.base.ids import Seqno
from ccfpy.base.ports import Entropy
from ccfpy.js.extensions.network import ServiceAuthority
from ccfpy.js.extensions.node import NodeEffects
from ccfpy.js.quickjs import QuickJs
from ccfpy.kv.tx import Tx


class GovernanceNode(NodeEffects, ServiceAuthority, Protocol):
    """The node, as governance sees it.

    What an accepted proposal may ask of the node is declared where JavaScript asks for
    it: `ccfpy.js.extensions.node` and `ccfpy.js.extensions.network`.

    Attributes:
        engine: the engine that runs constitutions and ballots.
    """

    engine: QuickJs

    @property
    def entropy(self) -> Entropy:
        """The randomness for ``ccf.crypto`` and ``Math.random``."""
        ...

    def check_room_for_script(self) -> None:
        """Check that a script may be called for the member whose request this is.

        Raises:
            ApiError: 503, too many calls are slow, or of this member's.
        """
        ...

    def log(self, level: str, text: str) -> None:
        """Write a line to the node's log under the tag ``gov``.

        Everything governance logs is public.

        Args:
            level: ``debug``, ``info`` or ``fail``.
            text: the line.
        """
        ...

    # The state that proposals are bound to

    def root_at(self, version: Seqno) -> bytes | None:
        """Return the Merkle root over the leaves up to and including ``version``.

        A proposal's id contains the root, which binds the proposal to the state that
        the request met. ``None`` if the tree no longer has this version.
        """
        ...

    # Recovery

    @property
    def is_reading_private_ledger(self) -> bool:
        """Whether shares were enough and the private state is being restored."""
        ...

    def submit_recovery_share(self, tx: Tx, member_id: str, share: bytes) -> int:
        """Store a member's share, sealed; return how many members submitted a share.

        Raises:
            CcfpyError: the share cannot be stored.
        """
        ...

    def initiate_private_recovery(self, tx: Tx) -> None:
        """Combine the submitted shares and send the old secrets to every node.

        Raises:
            CcfpyError: the shares do not open the ledger.
        """
        ...
