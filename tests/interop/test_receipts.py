"""CCF's own package verifies the receipts that ccfpy gives, and refuses forged ones."""

import copy
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccfpy.base import json
from ccfpy.base.json import JsonObject
from ccfpy.ledger.cose_receipt import CoseReceipt, InclusionProof
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.receipt import Receipt, RevealedLeaf
from ccfpy.ledger.signature import CoseSignature
from ccfpy.ledger.tables import COSE_SIGNATURES, SINGLE_KEY
from ccfpy.testing.node import START_UNIX_US
from tests.interop.environments import Tools
from tests.interop.service import MadeService

LONG_BEFORE = "2020-01-01T00:00:00"


def _question(
    receipts: list[JsonObject], certificate: str, *, time: str | None = None
) -> bytes:
    then = datetime.fromtimestamp(START_UNIX_US / 1e6 + 60, tz=UTC)
    return json.dumps(
        {
            "receipts": list(receipts),
            "service_certificate": certificate,
            "time": then.replace(tzinfo=None).isoformat() if time is None else time,
        }
    )


def test_receipts_of_every_kind_verify_with_each_of_the_services_certificates(
    made: MadeService, tools: Tools
) -> None:
    receipts = list(made.receipts.values())
    assert any("leaf" in receipt for receipt in receipts), "a signature's own receipt"
    assert any(_claims(receipt) for receipt in receipts), "a receipt with claims"
    for certificate in made.service_certificates:
        tools.answer("check_receipts.py", stdin=_question(receipts, certificate))


def _claims(receipt: JsonObject) -> bool:
    parts = receipt.get("leaf_components")
    return isinstance(parts, dict) and bool(parts.get("claims_digest"))


@pytest.mark.parametrize("field", ["signature", "leaf", "proof"])
def test_a_forged_receipt_is_refused(
    made: MadeService, tools: Tools, field: str
) -> None:
    receipts = [r for r in made.receipts.values() if "leaf_components" in r]
    forged = copy.deepcopy(receipts[1])
    if field == "signature":
        forged["signature"] = receipts[-1]["signature"]
    elif field == "leaf":
        forged["leaf_components"] = receipts[-1]["leaf_components"]
    else:
        forged["proof"] = receipts[-1]["proof"]
    question = _question([forged], made.service_certificates[0])
    done = tools.program("check_receipts.py", stdin=question)
    assert done.returncode != 0
    assert b"InvalidSignature" in done.stderr


def test_a_receipt_does_not_verify_with_another_services_certificate(
    made: MadeService, tools: Tools
) -> None:
    stranger = made.node.members[0].certificate.pem
    question = _question(list(made.receipts.values()), stranger)
    assert tools.program("check_receipts.py", stdin=question).returncode != 0


def test_the_time_that_the_check_is_given_counts(
    made: MadeService, tools: Tools
) -> None:
    question = _question(
        list(made.receipts.values()), made.service_certificates[0], time=LONG_BEFORE
    )
    assert tools.program("check_receipts.py", stdin=question).returncode != 0


def _cose_receipt(made: MadeService) -> tuple[bytes, RevealedLeaf]:
    """Put a receipt's proof and the service's signature of the same root together."""
    receipt = next(
        Receipt.from_json(fields)
        for fields in made.receipts.values()
        if _claims(fields)
    )
    leaf = receipt.leaf
    assert isinstance(leaf, RevealedLeaf)
    for entry in made.node.host.entries:
        value = Transaction.parse(entry).domain.write_set.get(COSE_SIGNATURES)
        if value is None:
            continue
        data = b64decode(json.loads(value[SINGLE_KEY] or b"") or "")  # type: ignore[arg-type]  # a JSON string
        signature = CoseSignature.from_cose(data)
        if signature.txid.seqno > leaf.txid.seqno:
            proof = InclusionProof(leaf=leaf, path=receipt.proof)
            return CoseReceipt(signature=signature, proof=proof).serialise(), leaf
    pytest.fail("no signature after the transaction")


def test_a_cose_receipt_verifies(
    made: MadeService, tools: Tools, tmp_path: Path
) -> None:
    receipt, leaf = _cose_receipt(made)
    certificate = tmp_path / "service_cert.pem"
    certificate.write_text(made.service_certificates[0])
    claims = (leaf.claims_digest or b"").hex()
    program = "check_cose_receipt.py"
    txid = tools.answer(program, certificate, claims, stdin=receipt)
    assert txid.startswith(b"2.")
    forged = receipt[:-1] + bytes([receipt[-1] ^ 1])
    assert tools.program(program, certificate, claims, stdin=forged).returncode != 0
    other = "11" * 32
    assert tools.program(program, certificate, other, stdin=receipt).returncode != 0
