"""Forged receipts are forged as they should be."""

from dataclasses import replace

from ccfpy.base.ids import NodeId
from ccfpy.client.keys import OsEntropy
from ccfpy.crypto.certs import parse_time, service_certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.ledger.merkle import PathStep
from ccfpy.ledger.receipt import Receipt, RevealedLeaf
from tests.lab.attacks.receipts import forgeries

KEY = KeyPair.generate(OsEntropy(), Curve.SECP384R1)
CERTIFICATE = service_certificate(
    KEY,
    subject="CN=service",
    not_before=parse_time("20260101000000Z"),
    validity_days=10,
    entropy=OsEntropy(),
)
UNSIGNED = Receipt(
    leaf=RevealedLeaf(write_set_digest=sha256(b"w"), commit_evidence="ce:2.3:ab"),
    proof=(PathStep(True, sha256(b"1")), PathStep(False, sha256(b"2"))),
    signature=b"",
    node=NodeId(sha256_hex(KEY.public_key.der)),
    certificate=CERTIFICATE.pem,
)
RECEIPT = replace(UNSIGNED, signature=KEY.sign_digest(UNSIGNED.root()))


def test_every_forgery_leads_to_the_same_root() -> None:
    found = dict(forgeries(RECEIPT))
    assert len(found) == len(RECEIPT.proof)
    assert {forged.root() for forged in found.values()} == {RECEIPT.root()}
    assert all(forged != RECEIPT for forged in found.values())
