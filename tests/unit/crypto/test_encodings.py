"""Keys in each encoding, read back as they were written."""

import pytest
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from ccfpy.base.errors import Malformed
from ccfpy.crypto import encodings
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.testing.entropy import SeededEntropy

KEYS = [
    KeyPair.generate(SeededEntropy(1), Curve.SECP384R1).library_key,
    RsaKeyPair.generate(SeededEntropy(1)).library_key,
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_read_as_it_was_written(key: PrivateKeyTypes) -> None:
    public = key.public_key()
    assert encodings.load_public_der(encodings.public_der(public)) == public
    assert encodings.load_public_pem(encodings.public_pem(public)) == public
    for read in (
        encodings.load_private_der(encodings.private_der(key)),
        encodings.load_private_der(encodings.private_der(key), is_ours=True),
        encodings.load_private_pem(encodings.private_pem(key)),
        encodings.load_private_pem(encodings.private_pem(key).encode()),
    ):
        assert encodings.private_der(read) == encodings.private_der(key)


@pytest.mark.parametrize("text", [b"", b"-----BEGIN PUBLIC KEY-----", b"\x30\x03"])
def test_what_is_no_key_is_malformed(text: bytes) -> None:
    for load in (encodings.load_public_der, encodings.load_public_pem):
        with pytest.raises(Malformed, match="not a public key"):
            load(text)
    for load_private in (encodings.load_private_der, encodings.load_private_pem):
        with pytest.raises(Malformed, match="not an unencrypted private key"):
            load_private(text)
