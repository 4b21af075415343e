"""``ccf.network``: certificates and the ledger secret's seqno."""

import pytest

from ccfpy.base.errors import CcfpyError
from ccfpy.js.engine import JsException
from ccfpy.js.extensions.network import network_extension
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from tests.unit.js.conftest import Evaluate

TX = Store().begin()


class Authority:
    """Answers with what it was asked, or refuses."""

    def __init__(self, refusal: str | None = None) -> None:
        self.refusal = refusal

    def _check(self) -> None:
        if self.refusal:
            raise CcfpyError(self.refusal)

    def latest_ledger_secret_seqno(self, _: Tx) -> int:
        self._check()
        return 42

    def generate_endorsed_certificate(
        self, request_pem: str, *, valid_from: str, validity_days: int
    ) -> str:
        self._check()
        return f"{request_pem} {valid_from} {validity_days}"

    def generate_network_certificate(
        self, *, valid_from: str, validity_days: int
    ) -> str:
        self._check()
        return f"{valid_from} {validity_days}"


CALLS = {
    "getLatestLedgerSecretSeqno()": (
        42,
        "Failed to fetch latest ledger secret seqno: no",
    ),
    "generateEndorsedCertificate('csr', 'from', 3.9)": (
        "csr from 3",
        "Failed to create endorsed cert: no",
    ),
    "generateNetworkCertificate('from', '7')": ("from 7", "Error: no"),
}


@pytest.mark.parametrize("call", CALLS)
def test_each_question_is_answered(evaluate: Evaluate, call: str) -> None:
    body = f"return ccf.network.{call}"
    assert evaluate(body, [network_extension(Authority(), TX)]) == CALLS[call][0]


@pytest.mark.parametrize("call", CALLS)
def test_a_refusal_reaches_the_guest(evaluate: Evaluate, call: str) -> None:
    with pytest.raises(JsException) as caught:
        evaluate(f"ccf.network.{call}", [network_extension(Authority("no"), TX)])
    assert caught.value.reason == f"InternalError: {CALLS[call][1]}"


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (
            "getLatestLedgerSecretSeqno(1)",
            "TypeError: Passed 1 arguments but expected none",
        ),
        (
            "generateEndorsedCertificate(1)",
            "TypeError: Passed 1 arguments but expected 3",
        ),
        (
            "generateNetworkCertificate(1)",
            "TypeError: Passed 1 arguments but expected 2",
        ),
        (
            "generateNetworkCertificate('from', -1)",
            "RangeError: invalid array index",
        ),
    ],
)
def test_wrong_arguments_throw(evaluate: Evaluate, call: str, reason: str) -> None:
    with pytest.raises(JsException) as caught:
        evaluate(f"ccf.network.{call}", [network_extension(Authority(), TX)])
    assert caught.value.reason == reason
