"""Messages that the page signs, read by what nodes read them with."""

import base64
from datetime import UTC, datetime

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from ccfpy.client.keyfiles import OsEntropy, member_id
from ccfpy.client.signers.detached import destination
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate, node_self_signed
from ccfpy.crypto.ec import Curve, KeyPair
from tests.e2e.console.modules import run

OPEN = NoEncryption()
PASSPHRASE = BestAvailableEncryption(b"open sesame")
PAYLOAD = "é" * 40_000
SIGNS = """\
import { base64 } from "./der";
import { loadKey, signed, text } from "./signing";
async function compute(key: string, certificate: string, message: any) {
  const loaded = await loadKey(key, certificate);
  const made = await signed(loaded, { ...message, payload: text(message.payload) });
  return { ...loaded, extractable: loaded.key.extractable, made: base64(made) };
}
"""
BALLOT = {
    "type": "ballot",
    "payload": PAYLOAD,
    "proposalId": "ab" * 32,
    "createdAt": 1_700_000_000,
}
Form = PrivateFormat


def _member(curve: Curve) -> tuple[KeyPair, Certificate]:
    entropy = OsEntropy()
    key = KeyPair.generate(entropy, curve)
    certificate = node_self_signed(
        key,
        subject=f"CN=on {curve},O=an authority",
        sans=(),
        not_before=datetime.now(tz=UTC),
        validity_days=1,
        entropy=entropy,
    )
    return key, certificate


def _pem(
    key: KeyPair, form: PrivateFormat, how: KeySerializationEncryption = OPEN
) -> str:
    return key.library_key.private_bytes(Encoding.PEM, form, how).decode()


def test_a_node_reads_what_each_curve_signs() -> None:
    """Of keys in PKCS#8 and in SEC1."""
    forms = (Form.PKCS8, Form.TraditionalOpenSSL)
    members = [(*_member(curve), form) for curve in Curve for form in forms]
    given = [[_pem(key, form), cert.pem, BALLOT] for key, cert, form in members]
    for made, (_, certificate, _) in zip(run(SIGNS, given), members, strict=True):
        assert made["memberId"] == member_id(certificate)
        assert made["name"].startswith("on ")
        assert made["extractable"] is False
        message = cose.parse(base64.b64decode(made["made"]))
        message.verify(certificate.public_key)
        assert message.payload == PAYLOAD.encode()
        assert message.unprotected == {}
        assert message.protected["ccf.gov.msg.created_at"] == 1_700_000_000
        assert destination(message).endswith(f"/ballots/{made['memberId']}:submit")


def test_files_that_sign_nothing_are_refused_in_a_sentence() -> None:
    key, certificate = _member(Curve.SECP256R1)
    other, larger = _member(Curve.SECP256R1), _member(Curve.SECP384R1)
    plain, public = _pem(key, Form.PKCS8), key.public_key.pem
    encrypted = (
        _pem(key, Form.PKCS8, PASSPHRASE),
        _pem(key, Form.TraditionalOpenSSL, PASSPHRASE),
    )
    wrong = [
        *((pem, certificate.pem, "ccfpy console --as MEMBER") for pem in encrypted),
        (plain, other[1].pem, "the key is not the certificate's"),
        (plain, larger[1].pem, "no key on P-384"),
        (plain, plain, "the file holds no certificate"),
        (certificate.pem, certificate.pem, "the file holds no private key"),
        (public, certificate.pem, "the file holds no private key"),
        (plain.replace("EC ", ""), "", "the file holds no certificate"),
        (plain.replace("MI", "!!"), certificate.pem, "this is no base64"),
    ]
    given = [[pem, cert, BALLOT] for pem, cert, _ in wrong]
    for answer, (_, _, words) in zip(run(SIGNS, given), wrong, strict=True):
        assert words in answer["error"]
