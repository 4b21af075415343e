"""Values that scripts make and take, checked against the library that made them."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, hmac, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from ccfpy.js.extensions.converters import ConvertersExtension
from ccfpy.js.extensions.crypto import CryptoExtension
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.js.conftest import Evaluate

HASHES = {
    "SHA-256": hashes.SHA256(),
    "SHA-384": hashes.SHA384(),
    "SHA-512": hashes.SHA512(),
}
DATA = b"what is signed"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEYS = {
    "secp256r1": ec.generate_private_key(ec.SECP256R1()),
    "secp384r1": ec.generate_private_key(ec.SECP384R1()),
}
ED_KEY = ed25519.Ed25519PrivateKey.generate()
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), b"label")
Call = Callable[..., object]


@pytest.fixture
def call(evaluate: Evaluate) -> Call:
    """Call a function of ``ccf.crypto``; buffers come back as bytes."""

    def run(name: str, *arguments: object) -> object:
        names = ", ".join(f"args[{i}]" for i in range(len(arguments)))
        body = f"""
            const value = ccf.crypto.{name}({names});
            return value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value;
        """
        value = evaluate(body, [CryptoExtension(0, SeededEntropy(1))], *arguments)
        return bytes(value) if isinstance(value, list) else value

    return run


def private(key: PrivateKey, form: str = "PKCS8") -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        getattr(serialization.PrivateFormat, form),
        serialization.NoEncryption(),
    ).decode()


def public(key: PrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
        .decode()
    )


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
@pytest.mark.parametrize("name", HASHES)
@pytest.mark.parametrize("curve", EC_KEYS)
def test_ecdsa(call: Call, curve: str, name: str, form: str) -> None:
    key, algorithm = EC_KEYS[curve], {"name": "ECDSA", "hash": name}
    signed = call("sign", algorithm, private(key, form), DATA)
    assert isinstance(signed, bytes)
    half = len(signed) // 2
    r, s = int.from_bytes(signed[:half], "big"), int.from_bytes(signed[half:], "big")
    signature = utils.encode_dss_signature(r, s)
    key.public_key().verify(signature, DATA, ec.ECDSA(HASHES[name]))


@pytest.mark.parametrize("curve", EC_KEYS)
def test_ecdsa_of_others(call: Call, curve: str) -> None:
    key = EC_KEYS[curve]
    width = key.curve.key_size // 8
    r, s = utils.decode_dss_signature(key.sign(DATA, ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(width, "big") + s.to_bytes(width, "big")
    algorithm = {"name": "ECDSA", "hash": "SHA-256"}
    verify = ("verifySignature", algorithm, public(key), signature)
    assert call(*verify, DATA) is True
    assert call(*verify, DATA + b"!") is False


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
@pytest.mark.parametrize("salt", [None, 0, 32])
@pytest.mark.parametrize("name", HASHES)
def test_rsa_pss(call: Call, name: str, salt: int | None, form: str) -> None:
    algorithm: dict[str, object] = {"name": "RSA-PSS", "hash": name}
    if salt is not None:
        algorithm["saltLength"] = salt
    signed = call("sign", algorithm, private(RSA_KEY, form), DATA)
    assert isinstance(signed, bytes)
    scheme = padding.PSS(padding.MGF1(HASHES[name]), salt or 0)
    RSA_KEY.public_key().verify(signed, DATA, scheme, HASHES[name])


@pytest.mark.parametrize("salt", [0, 32])
def test_rsa_pss_of_others(call: Call, salt: int) -> None:
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
    signature = RSA_KEY.sign(DATA, scheme, hashes.SHA256())
    algorithm = {"name": "RSA-PSS", "hash": "SHA-256", "saltLength": salt}
    verify = ("verifySignature", algorithm, public(RSA_KEY), signature)
    assert call(*verify, DATA) is True
    assert call(*verify, DATA + b"!") is False


def test_eddsa(call: Call) -> None:
    signed = call("sign", {"name": "EdDSA"}, private(ED_KEY), DATA)
    assert signed == ED_KEY.sign(DATA)
    verify = ("verifySignature", {"name": "EdDSA"}, public(ED_KEY), signed)
    assert call(*verify, DATA) is True
    assert call(*verify, DATA + b"!") is False


@pytest.mark.parametrize("name", HASHES)
def test_hmac(call: Call, name: str) -> None:
    expected = hmac.HMAC(b"key", HASHES[name])
    expected.update(DATA)
    algorithm = {"name": "HMAC", "hash": name}
    assert call("sign", algorithm, "key", DATA) == expected.finalize()


def test_rsa_oaep(evaluate: Evaluate) -> None:
    body = """
        const oaep = { name: "RSA-OAEP", label: ccf.strToBuf("label") };
        const wrapped = ccf.crypto.wrapKey(args[0], ccf.strToBuf(args[1]), oaep);
        const opened = ccf.crypto.unwrapKey(args[2], ccf.strToBuf(args[3]), oaep);
        return [wrapped, opened].map((b) => [...new Uint8Array(b)]);
    """
    theirs = RSA_KEY.public_key().encrypt(DATA, OAEP)
    extensions = [ConvertersExtension(), CryptoExtension(0, SeededEntropy(1))]
    arguments = (DATA, public(RSA_KEY), theirs, private(RSA_KEY))
    both = evaluate(body, extensions, *arguments)
    assert isinstance(both, list)
    wrapped, opened = both
    assert RSA_KEY.decrypt(bytes(wrapped), OAEP) == DATA
    assert bytes(opened) == DATA


@pytest.mark.parametrize("length", [1, 8, 16, 33])
@pytest.mark.parametrize("width", [16, 24, 32])
def test_aes_kwp(call: Call, width: int, length: int) -> None:
    wrapping, key = b"w" * width, b"k" * length
    wrapped = call("wrapKey", key, wrapping, {"name": "AES-KWP"})
    assert wrapped == keywrap.aes_key_wrap_with_padding(wrapping, key)
    assert call("unwrapKey", wrapped, wrapping, {"name": "AES-KWP"}) == key


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_rsa_oaep_aes_kwp(call: Call, bits: int) -> None:
    algorithm = {"name": "RSA-OAEP-AES-KWP", "aesKeySize": bits}
    wrapping = public(RSA_KEY).encode()
    wrapped = call("wrapKey", DATA, wrapping, algorithm)
    assert isinstance(wrapped, bytes)
    width = RSA_KEY.key_size // 8
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    aes_key = RSA_KEY.decrypt(wrapped[:width], oaep)
    assert len(aes_key) * 8 == bits
    assert keywrap.aes_key_unwrap_with_padding(aes_key, wrapped[width:]) == DATA
    assert call("unwrapKey", wrapped, private(RSA_KEY).encode(), algorithm) == DATA


def test_keys_that_scripts_make_are_keys(call: Call) -> None:
    pairs = [
        call("generateRsaKeyPair", 2048),
        call("generateEcdsaKeyPair", "secp256r1"),
        call("generateEcdsaKeyPair", "secp384r1"),
        call("generateEddsaKeyPair", "curve25519"),
        call("generateEddsaKeyPair", "x25519"),
    ]
    for pair in pairs:
        assert isinstance(pair, dict)
        key = serialization.load_pem_private_key(pair["privateKey"].encode(), None)
        assert public(key) == pair["publicKey"]  # type: ignore[arg-type]
