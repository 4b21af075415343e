"""``ccf.crypto``: keys, signatures, wrapped keys, JSON Web Keys, digests, certificates.

Names, texts and the order of checks are those of ``src/js/extensions/ccf/crypto.cpp``.
Seven functions are also on ``ccf`` itself. They were there before CCF 4, CCF's package
still declares them there, and constitutions of that time call them there.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.base.limits import JS_CHAIN_CERTIFICATES_MAX
from ccfpy.crypto import guest_keys, key_wrap
from ccfpy.crypto.certs import Certificate, parse_bundle
from ccfpy.crypto.ec import Curve
from ccfpy.crypto.guest_jwk import CONVERSIONS
from ccfpy.crypto.guest_keys import PemPair
from ccfpy.crypto.hashing import sha256
from ccfpy.js.extension import (
    ExtensionFunction,
    internal_error,
    or_throw,
    own_source,
    range_error,
    utf8,
)

if TYPE_CHECKING:
    from ccfpy.base.ports import Entropy


_AES_BITS = frozenset(key_wrap.AES_BITS)
_RSA_EXPONENT = 65537
_NO_HASH = "Unsupported hash algorithm, supported: "
_NO_SIGNING = "Unsupported signing algorithm, supported: "
_NO_WRAPPING = (
    "unsupported key {} algorithm, supported: RSA-OAEP, AES-KWP, RSA-OAEP-AES-KWP"
)


class CryptoExtension:
    """The extension ``ccf.crypto``.

    Attributes:
        unix_time_ms: the moment at which chains must be valid.

    Args:
        unix_time_ms: the same, for the first call.
        entropy: the randomness that keys are made of.
    """

    source: Final = own_source(__name__)

    def __init__(self, unix_time_ms: int, entropy: "Entropy") -> None:
        self._entropy = entropy
        self.unix_time_ms = unix_time_ms

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {
            "sign": _sign,
            "verify": _verify,
            "aesKey": self._aes_key,
            "rsaPair": self._rsa_pair,
            "ecdsaPair": self._ecdsa_pair,
            "eddsaPair": self._eddsa_pair,
            "wrap": self._wrap,
            "unwrap": _unwrap,
            "toJwk": _to_jwk,
            "toPem": _to_pem,
            "sha256": sha256,
            "isValidBundle": _is_valid_bundle,
            "isValidChain": self._is_valid_chain,
        }

    # Keys

    def _aes_key(self, bits: float) -> bytes:
        if bits not in _AES_BITS:
            raise range_error("invalid key size (not one of 128, 192, 256)")
        return self._entropy.random_bytes(int(bits) // 8)

    def _rsa_pair(self, bits: float, exponent: float) -> str:
        failure = "Failed to generate RSA key pair"
        if exponent != _RSA_EXPONENT:
            raise internal_error(f"{failure}: the exponent must be {_RSA_EXPONENT}")
        return _pair(
            or_throw(lambda: guest_keys.rsa_pair(self._entropy, int(bits)), failure)
        )

    def _ecdsa_pair(self, curve: str) -> str:
        known = _EC_CURVES.get(curve)
        if known is None:
            raise range_error("Unsupported curve id, supported: secp256r1, secp384r1")
        return _pair(guest_keys.ec_pair(self._entropy, known))

    def _eddsa_pair(self, curve: str) -> str:
        make = _ED_CURVES.get(curve)
        if make is None:
            raise range_error("Unsupported curve id, supported: curve25519, x25519")
        return _pair(make(self._entropy))

    def _wrap(
        self,
        algorithm: str,
        key: bytes,
        wrapping: bytes,
        label: bytes | None,
        aes_bits: float,
    ) -> bytes:
        match algorithm:
            case "RSA-OAEP":
                wrap = partial(key_wrap.wrap_rsa, wrapping, key, label or None)
            case "AES-KWP":
                wrap = partial(key_wrap.wrap_aes, wrapping, key)
            case "RSA-OAEP-AES-KWP":
                wrap = partial(
                    key_wrap.wrap_rsa_aes,
                    wrapping,
                    key,
                    label or None,
                    aes_bits=int(aes_bits),
                    entropy=self._entropy,
                )
            case _:
                raise range_error(_NO_WRAPPING.format("wrapping"))
        return or_throw(wrap, "Failed to wrap key")

    # Certificates

    def _is_valid_chain(self, chain: str, trusted: str) -> bool:
        """Return whether the first certificate of ``chain`` leads to a trusted one.

        The other certificates of ``chain`` may stand in any order. Trusted certificates
        must be authorities, but need not be roots. Path lengths and name constraints
        are not checked.
        """
        now = datetime.fromtimestamp(self.unix_time_ms / 1000, UTC)
        try:
            target, *helpers = parse_bundle(utf8(chain))
            anchors = parse_bundle(utf8(trusted))
        except CcfpyError:
            return False
        if len(helpers) + len(anchors) > JS_CHAIN_CERTIFICATES_MAX:
            return False
        if not all(anchor.is_authority for anchor in anchors):
            return False
        anchors = [anchor for anchor in anchors if _is_current(anchor, now)]
        helpers = [c for c in helpers if c.is_authority and _is_current(c, now)]
        return _is_current(target, now) and _leads_to(target, helpers, anchors)


def _leads_to(
    certificate: Certificate, helpers: list[Certificate], anchors: list[Certificate]
) -> bool:
    """Return whether issuers lead to an anchor; visit each issuer once."""
    unused = list(helpers)
    reached = [certificate]
    while reached:
        current = reached.pop()
        if any(current == a or _is_issued_by(current, a) for a in anchors):
            return True
        issuers = [helper for helper in unused if _is_issued_by(current, helper)]
        unused = [helper for helper in unused if helper not in issuers]
        reached += issuers
    return False


def _is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_signed_by(issuer)
    except VerificationFailed:
        return False
    return True


def _is_current(certificate: Certificate, now: datetime) -> bool:
    return certificate.not_before <= now <= certificate.not_after


def _is_valid_bundle(pem: str) -> bool:
    """Return whether the text is one or more certificates in PEM."""
    try:
        return len(parse_bundle(utf8(pem))) > 0
    except CcfpyError:
        return False


_EC_CURVES = {"secp256r1": Curve.SECP256R1, "secp384r1": Curve.SECP384R1}
_ED_CURVES: "Mapping[str, Callable[[Entropy], PemPair]]" = {
    "curve25519": guest_keys.ed25519_pair,
    "x25519": guest_keys.x25519_pair,
}


def _pair(pair: PemPair) -> str:
    return _text({"privateKey": pair.private, "publicKey": pair.public})


def _unwrap(
    algorithm: str, wrapped: bytes, unwrapping: bytes, label: bytes | None, _: float
) -> bytes:
    match algorithm:
        case "RSA-OAEP":
            unwrap = partial(key_wrap.unwrap_rsa, unwrapping, wrapped, label or None)
        case "AES-KWP":
            unwrap = partial(key_wrap.unwrap_aes, unwrapping, wrapped)
        case "RSA-OAEP-AES-KWP":
            unwrap = partial(
                key_wrap.unwrap_rsa_aes, unwrapping, wrapped, label or None
            )
        case _:
            raise range_error(_NO_WRAPPING.format("unwrapping"))
    return or_throw(unwrap, "Failed to unwrap key")


def _sign(algorithm: str, hash_name: str, key: str, data: bytes, salt: float) -> bytes:
    pem = utf8(key)
    if algorithm == "EdDSA":
        return or_throw(
            lambda: guest_keys.sign_eddsa(pem, data),
            "Failed to sign with EdDSA pair",
        )
    if hash_name not in guest_keys.HASHES:
        raise range_error(f"{_NO_HASH}{', '.join(guest_keys.HASHES)}")
    match algorithm:
        case "ECDSA":
            sign = partial(guest_keys.sign_ecdsa, pem, data, hash_name)
        case "RSA-PSS":
            sign = partial(
                guest_keys.sign_rsa_pss, pem, data, hash_name, _salt_bytes(salt)
            )
        case "HMAC":
            sign = partial(guest_keys.sign_hmac, pem, data, hash_name)
        case _:
            raise range_error(f"{_NO_SIGNING}RSA-PSS, ECDSA, EdDSA, HMAC")
    return or_throw(sign, "Failed to sign")


def _verify(
    algorithm: str, hash_name: str, key: str, signature: bytes, data: bytes, salt: float
) -> bool:
    pem = utf8(key)
    if algorithm == "EdDSA":
        try:
            return guest_keys.is_eddsa(pem, data, signature)
        except CcfpyError as error:
            reason = f"Failed to verify EdDSA signature: {error}"
            raise range_error(reason) from None
    if hash_name != "SHA-256":
        raise range_error(f"{_NO_HASH}SHA-256")
    match algorithm:
        case "ECDSA":
            verify = partial(guest_keys.is_ecdsa, pem, data, signature)
        case "RSA-PSS":
            verify = partial(
                guest_keys.is_rsa_pss, pem, data, signature, _salt_bytes(salt)
            )
        case _:
            raise range_error(f"{_NO_SIGNING}RSA-PSS, ECDSA, EdDSA")
    return or_throw(verify, "Failed to verify signature")


def _salt_bytes(salt: float) -> int:
    """Return a salt's length; a script may have passed infinity."""
    return int(salt) if abs(salt) < _SALT_BYTES_CEILING else -1


_SALT_BYTES_CEILING = 1 << 16
"""More bytes than the largest key has; no salt is as long."""


def _to_jwk(kind: str, pem: str, kid: str | None) -> str:
    jwk = or_throw(
        partial(CONVERSIONS[kind].to_jwk, utf8(pem)), "Failed to convert pem to jwk"
    )
    if kid is not None:
        jwk = {**jwk, "kid": kid}
    return _text(jwk)


def _to_pem(kind: str, jwk: str) -> str:
    return or_throw(
        lambda: CONVERSIONS[kind].to_pem(json.loads_object(jwk)),
        "Failed to convert jwk to pem",
    )


def _text(value: json.JsonObject) -> str:
    return json.dumps(value).decode()
