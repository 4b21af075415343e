"""No step after the first that fails is shown as good."""

from dataclasses import replace

import pytest

from ccfpy.base.ids import TxId
from ccfpy.client.explained import MEANINGS, Explanation, Holds, explain
from ccfpy.client.receipt_forms import NAMES_NOTHING
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.receipt import Receipt, ReceiptStep
from tests.unit.client.conftest import RECEIPT_TXID


def _held(explained: Explanation) -> list[Holds]:
    return [told.holds for told in explained.steps]


def test_a_receipt_that_holds_says_what_it_proves(
    receipt: Receipt, service_pem: str
) -> None:
    explained = explain(receipt, Certificate.from_pem(service_pem))
    assert explained.transaction == RECEIPT_TXID
    assert _held(explained) == [Holds.YES] * 5
    assert all(told.computed for told in explained.steps)
    assert explained.verdict.startswith(f"{RECEIPT_TXID} is in the ledger")


def test_steps_after_one_that_fails_are_not_reached(
    receipt: Receipt, service_pem: str
) -> None:
    broken = replace(receipt, signature=b"\x30" + receipt.signature[1:-1])
    explained = explain(broken, Certificate.from_pem(service_pem))
    assert explained.transaction is None
    yes, no, later = Holds.YES, Holds.NO, Holds.NOT_REACHED
    assert _held(explained) == [yes, yes, yes, no, later]
    assert explained.steps[3].computed == ""
    assert "do not rely on it" in explained.verdict


def test_another_transaction_is_not_the_one_that_was_asked_for(
    receipt: Receipt, service_pem: str
) -> None:
    service = Certificate.from_pem(service_pem)
    explained = explain(receipt, service, txid=TxId(2, 16))
    assert explained.transaction is None
    assert _held(explained)[0] is Holds.NO
    assert "2.15, not 2.16" in explained.reason


def test_a_digest_in_place_of_a_leaf_proves_no_transaction(
    receipt: Receipt, service_pem: str
) -> None:
    hidden = replace(receipt, leaf=receipt.root())
    explained = explain(hidden, Certificate.from_pem(service_pem))
    assert explained.transaction is None
    assert NAMES_NOTHING in explained.reason


@pytest.mark.parametrize("step", list(ReceiptStep))
def test_each_step_has_its_meaning(step: ReceiptStep) -> None:
    assert MEANINGS[step].endswith(":")
    assert list(MEANINGS) == list(ReceiptStep)
