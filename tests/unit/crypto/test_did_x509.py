"""Messages by the signer that a ``did:x509`` names."""

import pytest

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.limits import DID_CHAIN_CERTIFICATES_MAX
from ccfpy.crypto import cbor, cose, did_x509
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.attestation.hardware import recorded

DATA = recorded("int_svn.cose")
MESSAGE = cose.parse(DATA)
DID = str(MESSAGE.protected["iss"])
CHAIN = [Certificate.from_der(der) for der in MESSAGE.protected[did_x509.X5CHAIN]]
KEY = KeyPair.generate(SeededEntropy(b"signer"), Curve.SECP256R1)


def signed(**changes: object) -> bytes:
    """Sign a message with these headers by a key that is in no certificate."""
    names: dict[str, cose.Label] = {"chain": did_x509.X5CHAIN, "iss": "iss"}
    headers: dict[cose.Label, object] = {
        did_x509.X5CHAIN: [each.der for each in CHAIN],
        "iss": DID,
    }
    headers.update({names[name]: value for name, value in changes.items()})
    return cose.sign(KEY, protected=headers, payload=b"x")


def test_a_message_is_by_whom_it_names() -> None:
    named = did_x509.verify(DATA)
    assert named.did == DID
    assert named.message == MESSAGE


def test_a_signature_by_another_key_does_not_hold() -> None:
    with pytest.raises(CcfpyError):
        did_x509.verify(signed())
    parts = [MESSAGE.protected_bytes, {}, b"other", MESSAGE.signature]
    changed = cbor.encode(cbor.Tag(cose.SIGN1_TAG, parts))
    with pytest.raises(VerificationFailed, match="does not hold"):
        did_x509.verify(changed)


@pytest.mark.parametrize(
    ("did", "error"),
    [
        ("", Malformed),
        ("did:x509:0:sha256:abc", Malformed),
        (DID.replace(":0:", ":1:"), Malformed),
        (DID.replace("sha256", "sha512"), Malformed),
        (DID.replace("I__iuL", "I__iuM"), VerificationFailed),
        (DID + ".7", VerificationFailed),
        (DID + "::subject:CN:x", Malformed),
        (DID.replace("eku", "san"), Malformed),
    ],
)
def test_a_name_that_the_chain_does_not_bear_out_is_refused(
    did: str, error: type[CcfpyError]
) -> None:
    with pytest.raises(error):
        did_x509.check_name(did, CHAIN)


def test_the_chain_must_hold_from_end_to_end() -> None:
    did_x509.check_name(DID, CHAIN)
    with pytest.raises(VerificationFailed):
        did_x509.check_name(DID, [CHAIN[0], CHAIN[2]])
    with pytest.raises(VerificationFailed, match="pinned authority"):
        did_x509.check_name(DID, CHAIN[:2])


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": 7},
        {"chain": None},
        {"chain": []},
        {"chain": [CHAIN[0].der]},
        {"chain": [CHAIN[0].der, 7]},
        {"chain": [CHAIN[0].der, b"nonsense"]},
        {"chain": [CHAIN[0].der] * (DID_CHAIN_CERTIFICATES_MAX + 1)},
    ],
)
def test_a_message_without_name_or_chain_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        did_x509.verify(signed(**changes))
