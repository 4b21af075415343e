"""CCF's own package verifies the receipts that ccfpy gives, and refuses forged ones."""

import copy
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from ccfpy.base import json
from ccfpy.base.ids import TxId
from ccfpy.base.json import JsonObject
from ccfpy.client.cose_receipt import CoseReceipt, InclusionProof
from ccfpy.crypto.certs import Certificate, service_certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.identity_endorsement import Epoch, IdentityEndorsement
from ccfpy.ledger.receipt import Receipt, RevealedLeaf
from ccfpy.ledger.signature import CoseSignature
from ccfpy.ledger.tables import COSE_SIGNATURES, SINGLE_KEY
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.node import START_UNIX_US
from tests.damage import with_a_bit_changed
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


def _cose_question(
    receipt: bytes,
    claims_digest: bytes | None,
    certificate: str,
    endorsements: Sequence[bytes] = (),
) -> bytes:
    return json.dumps(
        {
            "receipt": b64encode(receipt).decode(),
            "claims_digest": (claims_digest or b"").hex(),
            "service_certificate": certificate,
            "endorsements": [b64encode(each).decode() for each in endorsements],
        }
    )


def test_a_cose_receipt_verifies(made: MadeService, tools: Tools) -> None:
    receipt, leaf = _cose_receipt(made)
    certificate, claims = made.service_certificates[0], leaf.claims_digest
    program = "check_cose_receipt.py"
    question = _cose_question(receipt, claims, certificate)
    assert tools.answer(program, stdin=question).startswith(b"2.")
    forged = with_a_bit_changed(receipt)
    stranger = made.node.members[0].certificate.pem
    for refused in (
        _cose_question(forged, claims, certificate),
        _cose_question(receipt, b"\x11" * 32, certificate),
        _cose_question(receipt, claims, stranger),
    ):
        assert tools.program(program, stdin=refused).returncode != 0


def test_a_cose_receipt_of_an_earlier_service_verifies_by_endorsements(
    made: MadeService, tools: Tools
) -> None:
    receipt, leaf = _cose_receipt(made)
    later = KeyPair.generate(SeededEntropy(3), Curve.SECP384R1)
    certificate = service_certificate(
        later,
        subject="CN=later",
        not_before=datetime(2025, 1, 1, tzinfo=UTC),
        validity_days=90,
        entropy=SeededEntropy(4),
    ).pem
    key = Certificate.from_pem(made.service_certificates[0]).public_key
    epoch = Epoch(begin=TxId(2, 1), end=TxId(2, 10_000), last_root=bytes(32))
    chain = [
        IdentityEndorsement.make(later, key.der, epoch, issued_at=START_UNIX_US).data
    ]
    claims, program = leaf.claims_digest, "check_cose_receipt.py"
    question = _cose_question(receipt, claims, certificate, chain)
    assert tools.answer(program, stdin=question).startswith(b"2.")
    forged = [with_a_bit_changed(chain[0])]
    for refused in (
        _cose_question(receipt, claims, certificate),
        _cose_question(receipt, claims, certificate, forged),
    ):
        assert tools.program(program, stdin=refused).returncode != 0
