"""``ccf.crypto``: keys, signatures, wrapping and JSON Web Keys."""

import pytest

from ccfpy.base.limits import GUEST_RSA_BITS_MAX
from ccfpy.js.engine import JsException
from ccfpy.js.extensions.crypto import CryptoExtension
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.js.conftest import Evaluate

PAIRS = {
    "RSA-PSS": "ccf.crypto.generateRsaKeyPair(1024)",
    "ECDSA": "ccf.crypto.generateEcdsaKeyPair('secp384r1')",
    "EdDSA": "ccf.crypto.generateEddsaKeyPair('curve25519')",
}
BYTES = "const bytes = (text) => Uint8Array.from(text, (c) => c.charCodeAt(0)).buffer;"
SAME = """
    const text = (buffer) => new Uint8Array(buffer).toString();
    const same = (a, b) => text(a) === text(b);
"""


@pytest.fixture
def crypto() -> list[CryptoExtension]:
    return [CryptoExtension(0, SeededEntropy(b"crypto"))]


@pytest.mark.parametrize("name", PAIRS)
def test_what_a_key_signs_its_other_half_verifies(
    evaluate: Evaluate, crypto: list[CryptoExtension], name: str
) -> None:
    body = f"""
        const {{ privateKey, publicKey }} = {PAIRS[name]};
        const algorithm = {{ name: "{name}", hash: "SHA-256", saltLength: 32 }};
        const signature = ccf.crypto.sign(algorithm, privateKey, args[0]);
        return [args[0], args[1]].map((data) =>
            ccf.crypto.verifySignature(algorithm, publicKey, signature, data));
    """
    assert evaluate(body, crypto, b"data", b"other") == [True, False]


@pytest.mark.parametrize(("name", "bytes_"), [("256", 32), ("384", 48), ("512", 64)])
def test_hmac_takes_its_key_as_text(
    evaluate: Evaluate, crypto: list[CryptoExtension], name: str, bytes_: int
) -> None:
    algorithm = f"{{ name: 'HMAC', hash: 'SHA-{name}' }}"
    body = f"return ccf.crypto.sign({algorithm}, 'secret', args[0]).byteLength"
    assert evaluate(body, crypto, b"data") == bytes_


@pytest.mark.parametrize(
    "algorithm",
    [
        "{ name: 'RSA-OAEP' }",
        "{ name: 'RSA-OAEP', label: bytes('label') }",
        "{ name: 'RSA-OAEP', label: undefined }",
        "{ name: 'RSA-OAEP-AES-KWP', aesKeySize: 256 }",
        "{ name: 'RSA-OAEP-AES-KWP', aesKeySize: 128, label: bytes('label') }",
    ],
)
def test_a_wrapped_key_is_unwrapped_by_the_other_half(
    evaluate: Evaluate, crypto: list[CryptoExtension], algorithm: str
) -> None:
    body = f"""
        {BYTES} {SAME}
        const {{ privateKey, publicKey }} = ccf.crypto.generateRsaKeyPair(1024, 65537);
        const key = ccf.crypto.generateAesKey(256);
        const algorithm = {algorithm};
        const wrapped = ccf.crypto.wrapKey(key, bytes(publicKey), algorithm);
        return same(key, ccf.crypto.unwrapKey(wrapped, bytes(privateKey), algorithm));
    """
    assert evaluate(body, crypto) is True


def test_aes_wraps_aes(evaluate: Evaluate, crypto: list[CryptoExtension]) -> None:
    body = f"""
        {SAME}
        const [key, outer] = [128, 192].map((n) => ccf.crypto.generateAesKey(n));
        const wrapped = ccf.crypto.wrapKey(key, outer, {{ name: "AES-KWP" }});
        const back = ccf.crypto.unwrapKey(wrapped, outer, {{ name: "AES-KWP" }});
        return [key.byteLength, outer.byteLength, same(key, back)];
    """
    assert evaluate(body, crypto) == [16, 24, True]


@pytest.mark.parametrize(
    ("pair", "public", "private"),
    [
        (PAIRS["ECDSA"], "pub", ""),
        (PAIRS["RSA-PSS"], "pubRsa", "rsa"),
        (PAIRS["EdDSA"], "pubEddsa", "eddsa"),
        ("ccf.crypto.generateEddsaKeyPair('x25519')", "pubEddsa", "eddsa"),
    ],
)
def test_every_kind_of_key_has_both_forms(
    evaluate: Evaluate,
    crypto: list[CryptoExtension],
    pair: str,
    public: str,
    private: str,
) -> None:
    def names(kind: str) -> tuple[str, str]:
        return (f"{kind}PemToJwk", f"{kind}JwkToPem") if kind else _PRIVATE_EC

    (to_public, from_public), (to_private, from_private) = names(public), names(private)
    body = f"""
        const {{ privateKey, publicKey }} = {pair};
        const c = ccf.crypto;
        const jwk = c.{to_private}(privateKey, "name");
        return [c.{from_public}(c.{to_public}(publicKey)) === publicKey,
                c.{from_private}(jwk) === privateKey,
                jwk.kid, "kid" in c.{to_public}(publicKey), "d" in jwk];
    """
    assert evaluate(body, crypto) == [True, True, "name", False, True]


_PRIVATE_EC = ("pemToJwk", "jwkToPem")
EMPTY = "new ArrayBuffer(0)"
NOTHING = f"'', {EMPTY}, {EMPTY}"
NO_RSA = "InternalError: Failed to generate RSA key pair: "
NO_HASH = "RangeError: Unsupported hash algorithm, supported: "
NO_SIGNING = "RangeError: Unsupported signing algorithm, supported: "
NO_JWK = "InternalError: Failed to convert jwk to pem: "
WRAPPING = "algorithm, supported: RSA-OAEP, AES-KWP, RSA-OAEP-AES-KWP"


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("generateAesKey()", "TypeError: Passed 0 arguments, but expected 1"),
        (
            "generateAesKey(100)",
            "RangeError: invalid key size (not one of 128, 192, 256)",
        ),
        (
            "generateRsaKeyPair()",
            "TypeError: Passed 0 arguments, but expected 1 or 2",
        ),
        (
            "generateRsaKeyPair(4097)",
            f"{NO_RSA}an RSA key of 4097 bits, expected 1024 to {GUEST_RSA_BITS_MAX}",
        ),
        (
            "generateRsaKeyPair(2048, 3)",
            f"{NO_RSA}the exponent must be 65537",
        ),
        (
            "generateEcdsaKeyPair('secp521r1')",
            "RangeError: Unsupported curve id, supported: secp256r1, secp384r1",
        ),
        (
            "generateEddsaKeyPair('ed448')",
            "RangeError: Unsupported curve id, supported: curve25519, x25519",
        ),
        (
            f"sign({{ name: 'ECDSA', hash: 'SHA-1' }}, '', {EMPTY})",
            f"{NO_HASH}SHA-256, SHA-384, SHA-512",
        ),
        (
            f"sign({{ name: 'RSA', hash: 'SHA-256' }}, '', {EMPTY})",
            f"{NO_SIGNING}RSA-PSS, ECDSA, EdDSA, HMAC",
        ),
        (
            f"sign({{ name: 'ECDSA', hash: 'SHA-256' }}, 'x', {EMPTY})",
            "InternalError: Failed to sign: could not parse PEM",
        ),
        (
            f"sign({{ name: 'EdDSA' }}, 'x', {EMPTY})",
            "InternalError: Failed to sign with EdDSA pair: could not parse PEM",
        ),
        (
            "sign({ name: 'EdDSA' }, 'x', 'x')",
            "TypeError: ArrayBuffer object expected",
        ),
        (
            f"verifySignature({{ name: 'ECDSA', hash: 'SHA-384' }}, {NOTHING})",
            f"{NO_HASH}SHA-256",
        ),
        (
            f"verifySignature({{ name: 'HMAC', hash: 'SHA-256' }}, {NOTHING})",
            f"{NO_SIGNING}RSA-PSS, ECDSA, EdDSA",
        ),
        (
            f"verifySignature({{ name: 'ECDSA', hash: 'SHA-256' }}, {NOTHING})",
            "InternalError: Failed to verify signature: could not parse PEM",
        ),
        (
            f"verifySignature({{ name: 'EdDSA' }}, '', {EMPTY}, {EMPTY})",
            "RangeError: Failed to verify EdDSA signature: could not parse PEM",
        ),
        (
            f"wrapKey({EMPTY}, {EMPTY}, {{ name: 'AES' }})",
            f"RangeError: unsupported key wrapping {WRAPPING}",
        ),
        (
            f"unwrapKey({EMPTY}, {EMPTY}, {{ name: 'AES' }})",
            f"RangeError: unsupported key unwrapping {WRAPPING}",
        ),
        (
            f"wrapKey({EMPTY}, {EMPTY}, {{ name: 'RSA-OAEP' }})",
            "InternalError: Failed to wrap key: could not parse PEM",
        ),
        (
            f"unwrapKey({EMPTY}, new ArrayBuffer(16), {{ name: 'AES-KWP' }})",
            "InternalError: Failed to unwrap key: not wrapped with this key",
        ),
        (
            "pemToJwk('x')",
            "InternalError: Failed to convert pem to jwk: could not parse PEM",
        ),
        (
            "pubJwkToPem({ kty: 'RSA' })",
            f"{NO_JWK}a JWK of another type than EC",
        ),
    ],
)
def test_what_cannot_be_done_throws_in_ccfs_words(
    evaluate: Evaluate, crypto: list[CryptoExtension], call: str, reason: str
) -> None:
    with pytest.raises(JsException) as caught:
        evaluate(f"return ccf.crypto.{call}", crypto)
    assert caught.value.reason == reason


@pytest.mark.parametrize("salt", ["1e300", "Infinity", "-1", "1 << 16"])
def test_a_salt_beyond_all_bounds_is_refused(
    evaluate: Evaluate, crypto: list[CryptoExtension], salt: str
) -> None:
    body = f"""
        const {{ privateKey }} = ccf.crypto.generateRsaKeyPair(1024);
        const algorithm = {{ name: "RSA-PSS", hash: "SHA-256", saltLength: {salt} }};
        ccf.crypto.sign(algorithm, privateKey, {EMPTY});
    """
    with pytest.raises(JsException, match="salt"):
        evaluate(body, crypto)


def test_keys_follow_from_the_nodes_randomness(evaluate: Evaluate) -> None:
    body = "return ccf.crypto.generateEcdsaKeyPair('secp256r1').publicKey"
    made = [
        evaluate(body, [CryptoExtension(0, SeededEntropy(seed))])
        for seed in (b"a", b"a")
    ]
    assert made[0] == made[1]
    assert made[0] != evaluate(body, [CryptoExtension(0, SeededEntropy(b"b"))])
