"""The bank's proofs: statements from the ledger, and receipts for transfers."""

import pytest

from ccfpy.base.ids import TxId
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.receipts import verify_receipt
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.ledger.receipt import Receipt, ReceiptRefused
from ccfpy.testing.apps import Answer
from tests.apps.banks import Consortium, fresh_reference, sources

TX_ID = "x-ms-ccf-transaction-id"


@pytest.fixture(scope="module", params=["typescript", "python"])
def bank(request: pytest.FixtureRequest) -> Consortium:
    return Consortium.open(sources()[request.param])


def accounts(bank: Consortium, name: str) -> tuple[str, str]:
    """Open two accounts for a test alone, Ann's at aurora with 100, and Bob's."""
    hers, his = f"ann-{name}", f"bob-{name}"
    bank.open_account(hers, bank="aurora", owner="ann").raise_for_error()
    bank.open_account(his, bank="borealis", owner="bob").raise_for_error()
    bank.cash(hers, 100, bank="aurora").raise_for_error()
    return hers, his


def replayed(entries: list[JsonObject]) -> int:
    """Add up the amounts of a statement, and check each balance."""
    signs = {"opened": 0, "deposit": 1, "received": 1, "withdrawal": -1, "sent": -1}
    balance = 0
    for entry in entries:
        amount = entry["amount"]
        assert isinstance(amount, int)
        balance += signs[str(entry["kind"])] * amount
        assert entry["balance"] == balance
    return balance


def test_a_statement_tells_everything_that_happened(bank: Consortium) -> None:
    hers, his = accounts(bank, "all")
    reference = fresh_reference()
    bank.cash(hers, -10, bank="aurora").raise_for_error()
    sent = bank.send(bank.caller("ann"), hers, his, 30, reference)
    bank.send(bank.caller("bob"), his, hers, 5).raise_for_error()
    refused = bank.send(bank.caller("bob"), his, hers, 1000)
    assert refused.error == "InsufficientFunds", "and so it is not told"

    entries = bank.statement(bank.caller("ann"), hers)
    assert [(entry["kind"], entry["amount"]) for entry in entries] == [
        ("opened", 0),
        ("deposit", 100),
        ("withdrawal", 10),
        ("sent", 30),
        ("received", 5),
    ]
    assert replayed(entries) == 65
    assert entries[3] == {
        "transaction_id": str(sent.txid),
        "kind": "sent",
        "amount": 30,
        "balance": 60,
        "reference": reference,
        "other": his,
    }
    mirrored = bank.statement(bank.caller("bob"), his)[1]
    assert (mirrored["transaction_id"], mirrored["other"]) == (str(sent.txid), hers)


def test_bank_and_regulator_read_the_same_statement(bank: Consortium) -> None:
    hers, _ = accounts(bank, "seen")
    told = [
        bank.statement(bank.caller(who), hers) for who in ("ann", "aurora", "inspector")
    ]
    assert told[0]
    assert told[0] == told[1] == told[2]


def test_a_statement_may_begin_and_end_anywhere(bank: Consortium) -> None:
    hers, _ = accounts(bank, "part")
    for _ in range(3):
        bank.cash(hers, 1, bank="aurora").raise_for_error()
    ann = bank.caller("ann")
    whole = bank.statement(ann, hers)
    seqnos = [TxId.parse(str(entry["transaction_id"])).seqno for entry in whole]
    part = f"?from_seqno={seqnos[1]}&to_seqno={seqnos[3]}"
    assert bank.statement(ann, hers, part) == whole[1:4]
    between = f"?from_seqno={seqnos[-1] + 1}"
    assert bank.statement(ann, hers, between) == []


def test_a_long_statement_comes_in_pages(bank: Consortium) -> None:
    hers, _ = accounts(bank, "long")
    for _ in range(220):
        bank.cash(hers, 1, bank="aurora").raise_for_error()
    bank.service.wait_committed()
    first = bank.caller("ann").get_past(f"/app/accounts/{hers}/statement")
    assert "@nextLink" in first.object()
    entries = bank.statement(bank.caller("ann"), hers)
    assert len(entries) == 222
    assert replayed(entries) == 320


def test_every_entry_is_proved_by_its_transactions_receipt(bank: Consortium) -> None:
    hers, his = accounts(bank, "proved")
    bank.send(bank.caller("ann"), hers, his, 1).raise_for_error()
    for entry in bank.statement(bank.caller("ann"), hers):
        bank.service.receipt(TxId.parse(str(entry["transaction_id"])))


def proof_of(bank: Consortium, transfer: Answer) -> tuple[str, Receipt]:
    """Fetch the proof of a transfer: its record, and a receipt."""
    name, txid = transfer.object()["transfer_id"], bank.service.wait_committed(transfer)
    proof = bank.service.anybody.get_past(
        f"/app/transfers/{name}/receipt", headers={TX_ID: str(txid)}
    )
    told = proof.raise_for_error().object()
    record, receipt = told["record"], told["receipt"]
    assert isinstance(record, str)
    assert isinstance(receipt, dict)
    fields = {name: receipt[name] for name in receipt if name not in NOT_IN_RECEIPTS}
    return record, Receipt.from_json(fields)


NOT_IN_RECEIPTS = {"is_signature_transaction"}


def verify(bank: Consortium, receipt: Receipt, record: str, transfer: Answer) -> None:
    verify_receipt(
        receipt,
        service_certificate=bank.service.certificate,
        txid=transfer.txid,
        claims_digest=sha256(record.encode()),
    )


def test_a_receipt_proves_the_record_of_a_transfer(bank: Consortium) -> None:
    hers, his = accounts(bank, "receipt")
    reference = fresh_reference()
    transfer = bank.send(bank.caller("ann"), hers, his, 30, reference)
    record, receipt = proof_of(bank, transfer)
    assert receipt.is_withholding_claims
    verify(bank, receipt, record, transfer)
    with pytest.raises(ReceiptRefused):
        verify(bank, receipt, record.replace("30", "31"), transfer)

    details = f"{hers}\n{his}\n30\n{reference}"
    public: dict[str, Json] = {
        "amount": 30,
        "from_bank": "aurora",
        "to_bank": "borealis",
        "transfer_id": sha256_hex(details.encode()),
    }
    read = bank.service.anybody.get(f"/app/transfers/{public['transfer_id']}")
    assert read.object() == public
    assert (
        record.encode()
        == bank.service.ledger.table("public:banking.transfers")[
            str(public["transfer_id"]).encode()
        ]
    )


def test_another_transaction_does_not_prove_it(bank: Consortium) -> None:
    hers, his = accounts(bank, "other")
    transfer = bank.send(bank.caller("ann"), hers, his, 30)
    other = bank.send(bank.caller("ann"), hers, his, 30)
    bank.service.wait_committed()
    answer = bank.service.anybody.get_past(
        f"/app/transfers/{transfer.object()['transfer_id']}/receipt",
        headers={TX_ID: str(other.txid)},
    )
    assert (answer.status, answer.error) == (404, "TransferNotFound")
