"""``ccf.node``: proposals' effects on the service."""

import pytest

from ccfpy.base.errors import CcfpyError
from ccfpy.js.engine import JsException
from ccfpy.js.extensions.node import NodeExtension
from tests.unit.js.conftest import Evaluate


class Effects:
    """Remembers what it was asked, or refuses everything."""

    def __init__(self, refusal: str | None = None) -> None:
        self.asked: list[object] = []
        self.refusal = refusal

    def _ask(self, what: object) -> None:
        if self.refusal:
            raise CcfpyError(self.refusal)
        self.asked.append(what)

    def open_service(self, *, previous_identity: str | None, identity: str) -> None:
        self._ask((previous_identity, identity))

    def rekey_ledger(self) -> None:
        self._ask("rekey")

    def refresh_recovery_shares(self) -> None:
        self._ask("shares")

    def request_ledger_chunk(self) -> None:
        self._ask("chunk")

    def request_snapshot(self) -> None:
        self._ask("snapshot")


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
    assert evaluate(f"return ccf.node.{call}", [NodeExtension(effects)], b"pem") is None
    assert effects.asked == [CALLS[call][0]]


@pytest.mark.parametrize("call", CALLS)
def test_a_refusal_reaches_the_guest(evaluate: Evaluate, call: str) -> None:
    with pytest.raises(JsException) as caught:
        evaluate(f"ccf.node.{call}", [NodeExtension(Effects("not now"))], b"pem")
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
        evaluate(f"ccf.node.{call}", [NodeExtension(effects)], b"pem")
    assert caught.value.reason == reason
    assert not effects.asked
