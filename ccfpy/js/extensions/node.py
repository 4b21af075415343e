"""``ccf.node``: what an accepted proposal may ask of the service it governs."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from ccfpy.js.extension import (
    ExtensionFunction,
    StatelessExtension,
    or_throw,
    own_source,
)
from ccfpy.kv.tx import Tx


class NodeEffects(Protocol):
    """Changes to the service, each named as in JavaScript.

    Each writes through the proposal's transaction alone. A node that must remember
    something until that transaction commits ties it to the transaction. Each raises a
    ``CcfpyError`` that says why the change cannot be made, and then the proposal fails.
    """

    def transition_service_to_open(
        self, tx: Tx, *, previous_identity: str | None, next_identity: str
    ) -> None:
        """Open the service, or in a recovery go on to collect members' shares.

        `ccfpy.service.opening` holds the rules and the writes; the node adds its state
        and its keys.

        Args:
            tx: the proposal's transaction.
            previous_identity: the service's certificate before a recovery, as PEM.
            next_identity: the certificate that members believe they open, as PEM.

        Raises:
            CcfpyError: an identity does not match, shares cannot be issued, or the node
                is in no state to open a service.
        """
        ...

    def trigger_ledger_rekey(self, tx: Tx) -> None:
        """Write a new ledger secret for every trusted node, and new shares.

        Raises:
            CcfpyError: the service is not open, or shares cannot be issued.
        """
        ...

    def trigger_recovery_shares_refresh(self, tx: Tx) -> None:
        """Issue new shares of the current ledger secret.

        Raises:
            CcfpyError: members and threshold do not allow it.
        """
        ...

    def trigger_ledger_chunk(self, tx: Tx) -> None:
        """Close the ledger's chunk at the signature after this transaction."""
        ...

    def trigger_snapshot(self, tx: Tx) -> None:
        """Make a snapshot at the signature after this transaction."""
        ...


_SOURCE = own_source(__name__)


def node_extension(effects: NodeEffects, tx: Tx) -> StatelessExtension:
    """Return the extension ``ccf.node``, for one proposal's transaction."""

    def function(effect: Callable[[Tx], None], failure: str) -> ExtensionFunction:
        return partial(or_throw, partial(effect, tx), failure)

    return StatelessExtension(
        _SOURCE,
        {
            "transitionServiceToOpen": lambda previous, following: or_throw(
                lambda: effects.transition_service_to_open(
                    tx,
                    previous_identity=None if previous is None else _pem(previous),
                    next_identity=_pem(following),
                ),
                "Unable to open service",
            ),
            "triggerLedgerRekey": function(
                effects.trigger_ledger_rekey, "Failed to rekey ledger"
            ),
            "triggerRecoverySharesRefresh": function(
                effects.trigger_recovery_shares_refresh,
                "Unable to trigger recovery shares refresh",
            ),
            "triggerLedgerChunk": function(
                effects.trigger_ledger_chunk, "Unable to force ledger chunk"
            ),
            "triggerSnapshot": function(
                effects.trigger_snapshot, "Unable to request snapshot"
            ),
        },
    )


def _pem(data: bytes) -> str:
    return data.decode(errors="replace")
