"""A processor that does not exist: its makers' keys are the test's own."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ccfpy.attestation.snp import CHIP_ID_OID, TCB_OIDS
from ccfpy.attestation.snp_report import (
    HALF_BYTES,
    LAYOUTS,
    REPORT_BYTES,
    SIGNED_BYTES,
    Product,
)
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256_hex

CHIP_ID = bytes(range(64))
TCB = bytes([4, 0, 0, 0, 0, 0, 24, 219])
FROM, TO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC)
_CPUID = {Product.MILAN: (0x19, 0x01, 1), Product.GENOA: (0x19, 0x11, 1)}
_PSS = padding.PSS(padding.MGF1(hashes.SHA384()), 48)


class FakeProcessor:
    """One chip of one product line, with the chain of certificates that vouches for it.

    Args:
        product: the line.
        parts: versions that its certificate names; those of ``TCB`` if not said.
        leaf_extensions: whether its certificate names chip and versions at all.
    """

    def __init__(
        self,
        product: Product = Product.MILAN,
        *,
        parts: dict[str, int] | None = None,
        leaf_extensions: bool = True,
    ) -> None:
        self.product = product
        self._key = ec.generate_private_key(ec.SECP384R1())
        root_key, middle_key = _rsa(), _rsa()
        root = _certificate("ARK", root_key.public_key(), "ARK", root_key)
        middle = _certificate("ASK", middle_key.public_key(), "ARK", root_key)
        extensions = self._extensions(parts or {}) if leaf_extensions else []
        chip = _certificate(
            "VCEK", self._key.public_key(), "ASK", middle_key, extensions
        )
        self.certificates = [Certificate(c) for c in (chip, middle, root)]
        self.chain = "".join(c.pem for c in self.certificates).encode()
        self.roots = {product: sha256_hex(self.certificates[-1].public_key_der)}

    def _extensions(self, parts: dict[str, int]) -> list[x509.UnrecognizedExtension]:
        named = {name: TCB[at] for name, at in LAYOUTS[self.product].items()} | parts
        values = {TCB_OIDS[name]: _der(value) for name, value in named.items()}
        values[CHIP_ID_OID] = CHIP_ID
        return [
            x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), der)
            for oid, der in values.items()
        ]

    def report(self, changes: dict[int, bytes] | None = None) -> bytes:
        """Sign a report of an honest guest, changed at some offsets first."""
        report = bytearray(REPORT_BYTES)
        family, model, stepping = _CPUID[self.product]
        fields = {
            0x000: (3).to_bytes(4, "little"),
            0x008: (0x3001F).to_bytes(8, "little"),
            0x034: (1).to_bytes(4, "little"),
            0x038: TCB,
            0x090: b"\x6d" * 48,
            0x0C0: b"\x68" * 32,
            0x180: TCB,
            0x188: bytes([family, model, stepping]),
            0x1A0: CHIP_ID,
        }
        for offset, value in (*fields.items(), *(changes or {}).items()):
            report[offset : offset + len(value)] = value
        signature = self._key.sign(
            bytes(report[:SIGNED_BYTES]), ec.ECDSA(hashes.SHA384())
        )
        for at, half in enumerate(decode_dss_signature(signature)):
            start = SIGNED_BYTES + at * HALF_BYTES
            report[start : start + HALF_BYTES] = half.to_bytes(HALF_BYTES, "little")
        return bytes(report)


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _der(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
    return bytes([2, len(body)]) + body


def _certificate(
    subject: str,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    issuer: str,
    issuer_key: rsa.RSAPrivateKey,
    extensions: list[x509.UnrecognizedExtension] | None = None,
) -> x509.Certificate:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(FROM)
        .not_valid_after(TO)
    )
    if extensions is None:
        builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    for extension in extensions or []:
        builder = builder.add_extension(extension, False)
    return builder.sign(issuer_key, hashes.SHA384(), rsa_padding=_PSS)
