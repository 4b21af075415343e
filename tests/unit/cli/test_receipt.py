"""``ccfpy receipt`` on files: each form, each step, each way to fail."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccfpy.base.ids import TxId
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.receipt import (
    ReceiptInput,
    claimed,
    parse_txid,
    read_file,
    unwrapped,
)
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.receipt import Receipt
from ccfpy.ledger.tx_receipt import (
    ReceiptForm,
    SignatureTransaction,
    TxReceipt,
    endorsements_json,
    write,
)
from tests.attacks import attack
from tests.unit.cli.conftest import Command
from tests.unit.client.test_receipt_forms import ENDORSEMENT, PROOF, inner_node
from tests.unit.ledger.made import FIRST, SECOND, small_ledger

CLAIMS = b"what the application claims"
STEPS = ["evidence", "leaf", "root", "signature", "endorsement"]


@dataclass(frozen=True)
class Files:
    """A transaction's proof in every form, and certificates."""

    folder: Path
    proof: TxReceipt

    def path(self, form: str) -> Path:
        return self.folder / form

    @property
    def service(self) -> Path:
        return self.folder / "service_cert.pem"

    @property
    def later_service(self) -> Path:
        return self.folder / "later.pem"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    ledger = small_ledger()
    ledger.put({"public:log": {b"1": b"claim"}}, claims=sha256(CLAIMS))
    ledger.sign()
    signed = SignatureTransaction.of(
        Transaction.parse(ledger.entries[11].data).domain.write_set
    )
    proof = TxReceipt.of(
        Transaction.parse(ledger.entries[10].data),
        signed,
        ledger.tree,
        commit_evidence=ledger.entries[10].commit_evidence,
    )
    made = Files(tmp_path_factory.mktemp("receipts"), proof)
    for form in (
        ReceiptForm.V1,
        ReceiptForm.V2,
        ReceiptForm.COSE,
        ReceiptForm.PROOF,
        ReceiptForm.SIGNATURE,
    ):
        made.path(form).write_bytes(write(proof, form) or b"")
    receipt = proof.json_receipt.withhold_claims()
    made.path("withheld").write_text(json.dumps(receipt.to_json()))
    own = write(TxReceipt.of_signature(signed), ReceiptForm.V1)
    made.path("of-signature").write_bytes(own or b"")
    chain = endorsements_json([ENDORSEMENT])
    made.path("endorsements").write_text(json.dumps(chain))
    made.path("claims").write_bytes(CLAIMS)
    made.service.write_text(FIRST.certificate.pem)
    made.later_service.write_text(SECOND.certificate.pem)
    return made


@pytest.mark.parametrize("form", ["v1", "v2", "cose"])
def test_receipts_of_every_form_verify(
    command: Command, files: Files, form: str
) -> None:
    words = ("receipt", "verify", files.path(form), "--cacert", files.service)
    ended = command(*words)
    assert ended == (0, "The receipt of 2.11 verifies.\n", "")
    told = json.loads(command(*words, "--json").out)
    assert (told["verified"], told["transaction"]) == (True, "2.11")
    steps = [each["step"] for each in told["steps"]]
    assert steps == STEPS[: 4 if form == "cose" else 5]


def test_a_proof_needs_the_signature_beside_it(command: Command, files: Files) -> None:
    words = ("receipt", "verify", files.path("proof"), "--common", files.folder)
    ended = command(*words)
    assert ended.code == 1
    assert "proves nothing without the COSE signature" in ended.err
    ended = command(*words, "--signature", files.path("signature"))
    assert ended.out == "The receipt of 2.11 verifies.\n"


def test_a_signatures_receipt_names_no_transaction(
    command: Command, files: Files
) -> None:
    words = ("receipt", "verify", files.path("of-signature"), "--common", files.folder)
    ended = command(*words)
    assert (ended.code, ended.out) == (1, "")
    assert "it names no transaction: it proves that a digest was signed" in ended.err
    told = command(*words, "--json")
    fields = json.loads(told.out)
    assert (told.code, fields["verified"], fields["failed"]) == (1, False, "evidence")
    assert [each["step"] for each in fields["steps"]] == STEPS
    explained = command("receipt", "explain", *words[2:])
    assert explained.code == 1
    assert "✓ 5. endorsement" in explained.out
    assert "✗" not in explained.out
    assert "is in the ledger" not in explained.out
    assert "it names no transaction" in explained.err


@attack("ledger: an inner node of the tree, given as a leaf")
def test_an_inner_node_as_a_leaf_proves_no_transaction(
    command: Command, files: Files, tmp_path: Path
) -> None:
    receipt = inner_node(files.proof.json_receipt)
    file = tmp_path / "receipt"
    file.write_text(json.dumps(receipt.to_json()))
    for more in ((), ("--transaction", "2.11")):
        ended = command("receipt", "verify", file, "--common", files.folder, *more)
        assert (ended.code, ended.out) == (1, "")
        assert "it names no transaction" in ended.err


def test_explaining_shows_what_each_step_computed(
    command: Command, files: Files
) -> None:
    ended = command("receipt", "explain", files.path("v1"), "--common", files.folder)
    assert ended.code == 0
    for number, step in enumerate(STEPS, 1):
        assert f"✓ {number}. {step}" in ended.out
    assert "So 2.11 is in the ledger of this service" in ended.out


def test_a_receipt_of_an_earlier_service_needs_its_endorsements(
    command: Command, files: Files
) -> None:
    words = ("receipt", "explain", files.path("cose"), "--cacert", files.later_service)
    ended = command(*words)
    assert ended.code == 1
    assert "✗ 4. signature" in ended.out
    ended = command(*words, "--endorsements", files.path("endorsements"))
    # It lies after the epoch that the endorsement is for.
    assert "✗ 5. endorsement" in ended.out
    assert "2.11 is not in the epoch of the key that signed" in ended.err
    assert ended.code == 1


def test_claims_are_given_as_they_were_or_hashed(
    command: Command, files: Files
) -> None:
    words = ("receipt", "verify", files.path("withheld"), "--common", files.folder)
    assert command(*words).code == 1, "without them it does not verify"
    digest = sha256(CLAIMS).hex()
    assert command(*words, "--claims-digest", digest).code == 0
    assert command(*words, "--claims", files.path("claims")).code == 0
    assert command(*words, "--claims", files.path("v1")).code == 1
    both = command(*words, "--claims", files.path("claims"), "--claims-digest", digest)
    assert both.code == 2
    for text in ("xyz", "00", "0" * 63):
        assert command(*words, "--claims-digest", text).code == 2


def test_the_transaction_may_be_said_beforehand(command: Command, files: Files) -> None:
    words = ("receipt", "verify", files.path("cose"), "--common", files.folder)
    assert command(*words, "--transaction", "2.11").code == 0
    ended = command(*words, "--transaction", "2.12")
    assert (ended.code, ended.out) == (1, "")
    assert "it proves transaction 2.11, not 2.12" in ended.err
    assert command(*words, "--transaction", "eleven").code == 2


def changed(receipt: Receipt, **fields: object) -> str:
    return json.dumps({**receipt.to_json(), **fields})


def test_the_first_step_that_fails_is_named(
    command: Command, files: Files, tmp_path: Path
) -> None:
    file = tmp_path / "receipt"
    file.write_text(changed(files.proof.json_receipt, node_id="0" * 64))
    words = (file, "--common", files.folder)
    ended = command("receipt", "verify", *words)
    assert (ended.code, ended.out) == (1, "")
    assert "does not verify: signature step: the certificate is not that" in ended.err
    told = command("receipt", "verify", *words, "--json")
    assert told.code == 1
    fields = json.loads(told.out)
    assert (fields["verified"], fields["failed"]) == (False, "signature")
    assert [each["step"] for each in fields["steps"]] == STEPS[:3]
    explained = command("receipt", "explain", *words)
    assert explained.code == 1
    assert "✓ 3. root" in explained.out
    assert "✗ 4. signature" in explained.out


@pytest.mark.parametrize("content", [b"{", b"", b"\xd2", b"\xff", b"{}"])
def test_what_is_no_receipt_is_said_to_be_none(
    command: Command, files: Files, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "receipt"
    file.write_bytes(content)
    ended = command("receipt", "verify", file, "--common", files.folder)
    assert ended.code == 1
    assert "holds no receipt" in ended.err


def test_files_that_are_not_there_or_hold_something_else(
    command: Command, files: Files, tmp_path: Path
) -> None:
    absent = tmp_path / "absent"
    receipt, common = files.path("cose"), ("--common", files.folder)
    for words in (
        (absent, *common),
        (receipt, "--cacert", absent),
        (receipt, "--cacert", receipt),
        (receipt, *common, "--endorsements", absent),
        (receipt, *common, "--endorsements", receipt),
        (receipt, *common, "--signature", absent),
        (receipt, *common, "--signature", receipt),
        (receipt, *common, "--claims", absent),
    ):
        ended = command("receipt", "verify", *words)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.count("\n") == 1, "one sentence"


def test_what_makes_no_sense_to_fetch(command: Command, files: Files) -> None:
    for words in (
        ("nonsense",),
        ("2.11", "--form", "proof"),
        ("2.11", "--form", "v1", "--from", "/app/receipt"),
        ("2.11", "--from", "app/receipt"),
        ("2.11", "--form", "picture"),
    ):
        ended = command("receipt", "get", *words, "--common", files.folder)
        assert (ended.code, ended.out) == (2, "")


class Stdin:
    """Standard input, of which commands take the bytes."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_a_receipt_may_come_through_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for form in (ReceiptForm.V1, ReceiptForm.COSE):
        data = write(PROOF, form)
        assert data is not None
        monkeypatch.setattr(sys, "stdin", Stdin(data))
        given = ReceiptInput.read(Path("-"), signature=None, endorsements=None)
        given = given.expecting("2.4", None)
        proved, steps = given.prove(FIRST.certificate)
        assert given.txid == proved == TxId(2, 4)
        assert steps


def test_a_receipt_is_taken_out_of_what_an_app_says_beside_it() -> None:
    data = write(PROOF, ReceiptForm.V1)
    assert data is not None
    assert unwrapped(b'{"msg": "hello", "receipt": %b}' % data) == data
    for other in (data, b"\xd2\x84", b'{"receipt": "text"}', b"[]"):
        assert unwrapped(other) == other


def test_claims_become_a_digest(tmp_path: Path) -> None:
    file = tmp_path / "claims"
    file.write_bytes(b"claims")
    assert claimed(None, None) is None
    assert claimed(None, file) == claimed(sha256(b"claims").hex(), None)
    with pytest.raises(Misused):
        claimed("00" * 32, file)
    with pytest.raises(Misused):
        claimed("00" * 31, None)


def test_ids_and_files_that_are_none(tmp_path: Path) -> None:
    assert parse_txid("2.15") == TxId(2, 15)
    with pytest.raises(Misused, match="such as"):
        parse_txid("15")
    with pytest.raises(CommandFailed, match="no such file"):
        read_file(tmp_path / "absent")
