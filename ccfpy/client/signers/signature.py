"""Signatures from other tools, parsed and checked before they are used.

ECDSA signatures come as DER or as ``r || s`` (*raw*), each as bytes or in base64. The
caller names the form; it is never guessed, because some bytes are valid in both forms.
If the named form does not yield a signature of the certificate's key, the error names a
form that does.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.client.vocabulary import SignatureForm
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, PublicKey, der_signature, raw_signature

ALGORITHMS = {
    Curve.SECP256R1: "ES256",
    Curve.SECP384R1: "ES384",
    Curve.SECP521R1: "ES512",
}
"""The curves' algorithms by the names that JOSE and most vaults have for them."""


def hash_name(key: PublicKey) -> str:
    """Name the hash under which a key signs, as ``hashlib`` and OpenSSL do."""
    return key.curve.hash.name


def digest_of(key: PublicKey, to_be_signed: bytes) -> bytes:
    """Return the digest that a key signs."""
    return hashlib.new(hash_name(key), to_be_signed).digest()


def read_base64(text: bytes) -> bytes:
    """Read base64 of either alphabet, in lines or not, with its padding or without.

    Raises:
        Malformed: it is none.
    """
    joined = b"".join(text.split()).rstrip(b"=")
    plain = joined.translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise Malformed(f"not base64: {error}") from error


def read_signature(
    given: bytes,
    form: SignatureForm,
    *,
    certificate: Certificate,
    to_be_signed: bytes,
) -> bytes:
    """Read a signature and check it; give ``r || s``.

    Raises:
        VerificationFailed: it is none of the certificate's key over these bytes, or of
            another form; the text says which.
    """
    key = certificate.public_key
    try:
        return _checked(given, form, key, to_be_signed)
    except (Malformed, VerificationFailed) as error:
        fitting = next(_forms_that_fit(given, key, to_be_signed), None)
        if fitting is not None:
            raise VerificationFailed(
                f"the signature is not {form}: it is {fitting}, so say "
                f"--signature-format {fitting}"
            ) from error
        raise VerificationFailed(
            f"not a signature of the key of the certificate {certificate.subject}: "
            f"another key made it, or it is not over the {hash_name(key)} digest that "
            f"was given ({error})"
        ) from error


def _forms_that_fit(
    given: bytes, key: PublicKey, to_be_signed: bytes
) -> Iterator[SignatureForm]:
    for form in SignatureForm:
        try:
            _checked(given, form, key, to_be_signed)
        except (Malformed, VerificationFailed):
            continue
        yield form


def _checked(
    given: bytes, form: SignatureForm, key: PublicKey, to_be_signed: bytes
) -> bytes:
    signature = read_base64(given) if form.is_text else given
    der = der_signature(key.curve, signature) if form.is_raw else signature
    key.verify(der, to_be_signed)
    return raw_signature(key.curve, der)
