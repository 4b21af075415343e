"""Messages that the page signs, read by what nodes read them with."""

import base64

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from ccfpy.base.json import loads_object
from ccfpy.client.governance import REJECT, bound_ballot, text_digest
from ccfpy.client.signers.detached import destination
from ccfpy.crypto import cose
from ccfpy.crypto.ec import Curve
from tests.e2e.console.modules import run
from tests.e2e.console.page_keys import PKCS8, SEC1, key_pem, member

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
BALLOTS = """\
import { ballot, textDigest } from "./ballots";
async function compute(proposal: string) {
  const read = await textDigest(proposal);
  return [read, ballot(read, true), ballot(read, false)];
}
"""


def test_a_node_reads_what_each_curve_signs() -> None:
    """Of keys in PKCS#8 and in SEC1."""
    signers = [(member(curve), form) for curve in Curve for form in (PKCS8, SEC1)]
    given = [
        [key_pem(person.key, form), person.certificate.pem, BALLOT]
        for person, form in signers
    ]
    for made, (person, _) in zip(run(SIGNS, given), signers, strict=True):
        assert (made["memberId"], made["name"]) == (person.id, person.name)
        assert made["extractable"] is False
        message = cose.parse(base64.b64decode(made["made"]))
        message.verify(person.certificate.public_key)
        assert message.payload == PAYLOAD.encode()
        assert message.unprotected == {}
        assert message.protected["ccf.gov.msg.created_at"] == 1_700_000_000
        assert destination(message).endswith(f"/ballots/{person.id}:submit")


def test_files_that_sign_nothing_are_refused_in_a_sentence() -> None:
    person = member(Curve.SECP256R1)
    other, larger = member(Curve.SECP256R1), member(Curve.SECP384R1)
    certificate = person.certificate.pem
    plain, public = key_pem(person.key, PKCS8), person.key.public_key.pem
    encrypted = (key_pem(person.key, form, PASSPHRASE) for form in (PKCS8, SEC1))
    wrong = [
        *((pem, certificate, "ccfpy console --as MEMBER") for pem in encrypted),
        (plain, other.certificate.pem, "the key is not the certificate's"),
        (plain, larger.certificate.pem, "no key on P-384"),
        (plain, plain, "the file holds no certificate"),
        (certificate, certificate, "the file holds no private key"),
        (public, certificate, "the file holds no private key"),
        (plain.replace("\nM", "\n!"), certificate, "this is no base64"),
    ]
    given = [[pem, cert, BALLOT] for pem, cert, _ in wrong]
    for answer, (_, _, words) in zip(run(SIGNS, given), wrong, strict=True):
        assert words in answer["error"]


def test_ballots_are_those_of_the_command_line() -> None:
    proposals = ['{"actions": []}', "é\u202e", ""]
    for proposal, (read, yes, no) in zip(
        proposals, run(BALLOTS, [[each] for each in proposals]), strict=True
    ):
        assert read == text_digest(proposal.encode())
        assert loads_object(yes) == {"ballot": bound_ballot(proposal.encode())}
        assert loads_object(no) == {"ballot": REJECT}
