"""``ccf.node``: proposals' effects on the service."""

import pytest

from ccfpy.base.errors import CcfpyError
from ccfpy.js.engine import JsException
from ccfpy.js.extensions.node import node_extension
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from tests.unit.js.conftest import Evaluate

TX = Store().begin()


class Effects:
    """Remembers what it was asked, or refuses everything."""

    def __init__(self, refusal: str | None = None) -> None:
        self.asked: list[object] = []
        self.refusal = refusal

    def _ask(self, what: object, tx: Tx) -> None:
        assert tx is TX
        if self.refusal:
            raise CcfpyError(self.refusal)
        self.asked.append(what)

    def transition_service_to_open(
        self, tx: Tx, *, previous_identity: str | None, next_identity: str
    ) -> None:
        self._ask((previous_identity, next_identity), tx)

    def trigger_ledger_rekey(self, tx: Tx) -> None:
        self._ask("rekey", tx)

    def trigger_recovery_shares_refresh(self, tx: Tx) -> None:
        self._ask("shares", tx)

    def trigger_ledger_chunk(self, tx: Tx) -> None:
        self._ask("chunk", tx)

    def trigger_snapshot(self, tx: Tx) -> None:
        self._ask("snapshot", tx)


CALLS = {
    "triggerLedgerRekey()": ("rekey", "Failed to rekey ledger"),
    "triggerRecoverySharesRefresh()": (
        "shares",
        "Unable to trigger recovery shares refresh",
    ),
    "triggerLedgerChunk()": ("chunk", "Unable to force ledger chunk"),
    "triggerSnapshot()": ("snapshot", "Unable to request snapshot"),
    "transitionServiceToOpen(undefined, args[0])": (
        (None, "pem"),
        "Unable to open service",
    ),
    "transitionServiceToOpen(args[0], args[0])": (
        ("pem", "pem"),
        "Unable to open service",
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_each_effect_is_asked_for(evaluate: Evaluate, call: str) -> None:
    effects = Effects()
    assert (
        evaluate(f"return ccf.node.{call}", [node_extension(effects, TX)], b"pem")
        is None
    )
    assert effects.asked == [CALLS[call][0]]


@pytest.mark.parametrize("call", CALLS)
def test_a_refusal_reaches_the_guest(evaluate: Evaluate, call: str) -> None:
    with pytest.raises(JsException) as caught:
        evaluate(f"ccf.node.{call}", [node_extension(Effects("not now"), TX)], b"pem")
    assert caught.value.reason == f"InternalError: {CALLS[call][1]}: not now"


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("triggerLedgerRekey(1)", "TypeError: Passed 1 arguments but expected none"),
        (
            "triggerRecoverySharesRefresh(1)",
            "TypeError: Passed 1 arguments but expected none",
        ),
        (
            "transitionServiceToOpen(1)",
            "TypeError: Passed 1 arguments but expected two",
        ),
        (
            "transitionServiceToOpen('p', args[0])",
            "TypeError: Previous service identity argument is not an array buffer",
        ),
        (
            "transitionServiceToOpen(args[0], undefined)",
            "InternalError: Proposal requires a service identity",
        ),
        (
            "transitionServiceToOpen(args[0], 'n')",
            "TypeError: Next service identity argument is not an array buffer",
        ),
    ],
)
def test_wrong_arguments_ask_for_nothing(
    evaluate: Evaluate, call: str, reason: str
) -> None:
    effects = Effects()
    with pytest.raises(JsException) as caught:
        evaluate(f"ccf.node.{call}", [node_extension(effects, TX)], b"pem")
    assert caught.value.reason == reason
    assert not effects.asked
