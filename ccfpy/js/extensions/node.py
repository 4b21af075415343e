"""``ccf.node``: what an accepted proposal may ask of the service it governs."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ccfpy.base.errors import CcfpyError
from ccfpy.js.extension import ExtensionFunction, internal_error


class GovernanceEffects(Protocol):
    """Changes to the service, made in the proposal's own transaction.

    Each raises a ``CcfpyError`` that says why it cannot be done, and then fails the
    proposal.
    """

    def open_service(self, *, previous_identity: str | None, identity: str) -> None:
        """Open the service, or in recovery go on to collect shares.

        Both are PEM certificates of the service: the one before recovery, and the one
        that members believe they are opening.
        """
        ...

    def rekey_ledger(self) -> None:
        """Encrypt what follows with a new ledger secret."""
        ...

    def refresh_recovery_shares(self) -> None:
        """Share the current ledger secret anew."""
        ...

    def request_ledger_chunk(self) -> None:
        """End the ledger's current chunk at the next signature."""
        ...

    def request_snapshot(self) -> None:
        """Make a snapshot at the next signature."""
        ...


_SOURCE = """
(function (python, { arity, isBuffer, namespace }) {
  const none = " but expected none";
  namespace("node", {
    triggerLedgerRekey(...args) {
      arity(args, 0, none);
      python.rekeyLedger();
    },
    transitionServiceToOpen(...args) {
      arity(args, 2, " but expected two");
      const [previous, next] = args;
      if (previous !== undefined && !isBuffer(previous)) {
        throw new TypeError(
          "Previous service identity argument is not an array buffer");
      }
      if (next === undefined) {
        throw new InternalError("Proposal requires a service identity");
      }
      if (!isBuffer(next)) {
        throw new TypeError("Next service identity argument is not an array buffer");
      }
      python.openService(previous, next);
    },
    triggerRecoverySharesRefresh(...args) {
      arity(args, 0, none);
      python.refreshRecoveryShares();
    },
    triggerLedgerChunk() { python.requestLedgerChunk(); },
    triggerSnapshot() { python.requestSnapshot(); },
  });
})
"""


class NodeExtension:
    """The extension."""

    source: Final = _SOURCE

    def __init__(self, effects: GovernanceEffects) -> None:
        self._effects = effects

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Give the host functions."""
        effects = self._effects
        return {
            "openService": self._open_service,
            "rekeyLedger": _or_throw("Failed to rekey ledger", effects.rekey_ledger),
            "refreshRecoveryShares": _or_throw(
                "Unable to trigger recovery shares refresh",
                effects.refresh_recovery_shares,
            ),
            "requestLedgerChunk": _or_throw(
                "Unable to force ledger chunk", effects.request_ledger_chunk
            ),
            "requestSnapshot": _or_throw(
                "Unable to request snapshot", effects.request_snapshot
            ),
        }

    def _open_service(self, previous: bytes | None, identity: bytes) -> None:
        try:
            self._effects.open_service(
                previous_identity=None if previous is None else _pem(previous),
                identity=_pem(identity),
            )
        except CcfpyError as error:
            raise internal_error(f"Unable to open service: {error}") from None


def _pem(data: bytes) -> str:
    return data.decode(errors="replace")


def _or_throw(failure: str, effect: Callable[[], None]) -> ExtensionFunction:
    """Let a refused effect throw in the guest, with CCF's words in front."""

    def attempt() -> None:
        try:
            effect()
        except CcfpyError as error:
            raise internal_error(f"{failure}: {error}") from None

    return attempt
