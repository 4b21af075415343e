"""A maker of SGX processors that does not exist: quotes and collateral by its keys."""

import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ccfpy.attestation.sgx_quote import INTEL_QE
from ccfpy.attestation.sgx_tcb import EXTENSION_OID
from ccfpy.crypto.hashing import sha256, sha256_hex

NOW = datetime(2025, 6, 15, 12, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
DAY = timedelta(days=1)
SIGNER, FMSPC = b"\x8c" * 32, bytes.fromhex("00606a000000")
COMPONENTS = [7, 9, 3, 3, 255, 255, 1, *[0] * 9]
PCE_SVN = 13


def quoting_enclave() -> dict[str, Any]:
    """What the maker says of its quoting enclave."""
    return {
        "id": "QE",
        "version": 2,
        "issueDate": "2025-06-01T00:00:00Z",
        "nextUpdate": "2025-07-01T00:00:00Z",
        "miscselect": "00000000",
        "miscselectMask": "FFFFFFFF",
        "attributes": "11" + "00" * 15,
        "attributesMask": "FB" + "FF" * 7 + "00" * 8,
        "mrsigner": SIGNER.hex().upper(),
        "isvprodid": 1,
        "tcbLevels": [
            {"tcb": {"isvsvn": 5}, "tcbStatus": "UpToDate"},
            {"tcb": {"isvsvn": 4}, "tcbStatus": "OutOfDate"},
        ],
    }


def tcb_info(version: int = 2) -> dict[str, Any]:
    """What the maker says of its processors, in either version's form."""

    def level(components: list[int], pce_svn: int) -> dict[str, Any]:
        if version == 2:
            named = {f"sgxtcbcomp{n + 1:02}svn": v for n, v in enumerate(components)}
            return {**named, "pcesvn": pce_svn}
        return {"sgxtcbcomponents": [{"svn": v} for v in components], "pcesvn": pce_svn}

    return {
        "version": version,
        "issueDate": "2025-06-01T00:00:00Z",
        "nextUpdate": "2025-07-01T00:00:00Z",
        "fmspc": FMSPC.hex(),
        "pceId": "0000",
        "tcbLevels": [
            {
                "tcb": level([4, 4, 3, 3, 255, 255, *[0] * 10], 10),
                "tcbStatus": "UpToDate",
            },
            {"tcb": level([3] * 4 + [0] * 12, 5), "tcbStatus": "OutOfDate"},
        ],
    }


@dataclass(kw_only=True)
class Wanted:
    """What a quote and its collateral say; a test changes one thing of it."""

    attributes: bytes = b"\x05" + bytes(15)
    measurement: bytes = b"\x6d" * 32
    components: list[int] = field(default_factory=lambda: list(COMPONENTS))
    fmspc: bytes = FMSPC
    claims: bytes | None = None
    report_data: bytes | None = None
    qe_attributes: bytes = b"\x11" + bytes(15)
    qe_signer: bytes = SIGNER
    qe_product: int = 1
    qe_svn: int = 5
    qe_binds: bool = True
    identity: dict[str, Any] = field(default_factory=quoting_enclave)
    tcb: dict[str, Any] = field(default_factory=tcb_info)
    revoked: tuple[str, ...] = ()
    lists_until: datetime | None = NOW + 30 * DAY
    created: str = "2025-06-15T12:00:00Z"


class SgxMaker:
    """Keys and certificates of one maker, and of one processor."""

    def __init__(self) -> None:
        self._keys = {
            name: ec.generate_private_key(ec.SECP256R1())
            for name in ("root", "platform", "pck", "tcb", "qe")
        }
        self._root = self._certificate("root", "root")
        self._platform = self._certificate("platform", "root")
        self._tcb = self._certificate("tcb", "root")
        root_key = self._root.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.root_key = sha256_hex(root_key)

    def evidence(self, wanted: Wanted) -> tuple[bytes, bytes]:
        """Return a quote and its collateral."""
        pck = self._certificate("pck", "platform", _pck_extension(wanted))
        return self._quote(wanted, pck), self._collateral(wanted, pck)

    def _quote(self, wanted: Wanted, pck: x509.Certificate) -> bytes:
        key = self._keys["qe"].public_key().public_numbers()
        point = key.x.to_bytes(32, "big") + key.y.to_bytes(32, "big")
        claims = (
            wanted.claims if wanted.claims is not None else custom_claims(b"k" * 32)
        )
        data = wanted.report_data
        if data is None:
            data = sha256(claims) if claims else b"k" * 32
        header = struct.pack("<HHIHH", 3, 2, 0, 9, 14) + INTEL_QE + bytes(20)
        report = _report(wanted.attributes, wanted.measurement, bytes(32), data, (1, 1))
        bound = sha256(point + b"auth") if wanted.qe_binds else bytes(32)
        qe = _report(
            wanted.qe_attributes,
            bytes(32),
            wanted.qe_signer,
            bound,
            (wanted.qe_product, wanted.qe_svn),
        )
        chain = b"".join(map(_pem, (pck, self._platform, self._root))) + b"\0"
        proof = (
            self._sign("qe", header + report)
            + point
            + qe
            + self._sign("pck", qe)
            + struct.pack("<H", 4)
            + b"auth"
            + struct.pack("<HI", 5, len(chain))
            + chain
        )
        return header + report + struct.pack("<I", len(proof)) + proof + claims

    def _collateral(self, wanted: Wanted, pck: x509.Certificate) -> bytes:
        certificates = {"pck": pck, "platform": self._platform, "tcb": self._tcb}
        revoked = [certificates[name] for name in wanted.revoked]
        signers = _pem(self._tcb) + _pem(self._root)
        elements = [
            struct.pack("<I", 1),
            self._said("tcbInfo", wanted.tcb),
            signers,
            self._list("platform", self._platform, revoked, wanted),
            self._list("root", self._root, revoked, wanted),
            _pem(self._platform) + _pem(self._root),
            self._said("enclaveIdentity", wanted.identity),
            signers,
            wanted.created.encode(),
        ]
        return collateral_of([elements[0], *(e + b"\0" for e in elements[1:])])

    def _said(self, name: str, content: dict[str, Any]) -> bytes:
        text = json.dumps(content, separators=(",", ":")).encode()
        signature = self._sign("tcb", text).hex().encode()
        return b'{"%b":%b,"signature":"%b"}' % (name.encode(), text, signature)

    def _sign(self, name: str, data: bytes) -> bytes:
        signature = self._keys[name].sign(data, ec.ECDSA(hashes.SHA256()))
        return b"".join(h.to_bytes(32, "big") for h in decode_dss_signature(signature))

    def _list(
        self,
        name: str,
        issuer: x509.Certificate,
        revoked: list[x509.Certificate],
        wanted: Wanted,
    ) -> bytes:
        until = wanted.lists_until or NOW + DAY
        builder = x509.CertificateRevocationListBuilder(
            issuer_name=issuer.subject, last_update=NOW - DAY, next_update=until
        )
        for certificate in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(certificate.serial_number)
                .revocation_date(NOW - DAY)
                .build()
            )
        made = builder.sign(self._keys[name], hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM)

    def _certificate(
        self, name: str, issuer: str, extension: bytes | None = None
    ) -> x509.Certificate:
        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

        builder = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named(issuer))
            .public_key(self._keys[name].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 365 * DAY)
            .not_valid_after(NOW + 365 * DAY)
        )
        is_authority = name in ("root", "platform")
        builder = builder.add_extension(x509.BasicConstraints(is_authority, None), True)
        if extension is not None:
            oid = x509.ObjectIdentifier(EXTENSION_OID)
            builder = builder.add_extension(
                x509.UnrecognizedExtension(oid, extension), False
            )
        return builder.sign(self._keys[issuer], hashes.SHA256())


def custom_claims(value: bytes, name: bytes = b"sgx_report_data") -> bytes:
    """Write one claim as Open Enclave does."""
    head = struct.pack("<QQQQ", 1, 1, len(name) + 1, len(value))
    return head + name + b"\0" + value


def collateral_of(elements: list[bytes]) -> bytes:
    """Write elements as Open Enclave does."""
    starts, at = [], 0
    for element in elements:
        starts.append(at)
        at += len(element)
    count = len(elements)
    head = struct.pack(f"<IIII{count}I", 1, 2, at + 4 * count, count, *starts)
    return head + b"".join(elements)


def _report(
    attributes: bytes,
    measurement: bytes,
    signer: bytes,
    data: bytes,
    product: tuple[int, int],
) -> bytes:
    report = bytearray(384)
    for offset, value in (
        (48, attributes),
        (64, measurement),
        (128, signer),
        (256, struct.pack("<HH", *product)),
        (320, data),
    ):
        report[offset : offset + len(value)] = value
    return bytes(report)


def _pck_extension(wanted: Wanted) -> bytes:
    levels = [
        _pair(b"\x02" + bytes([n + 1]), _int(v))
        for n, v in enumerate(wanted.components)
    ]
    levels.append(_pair(b"\x02\x11", _int(PCE_SVN)))
    return _der(
        0x30,
        _pair(b"\x02", _der(0x30, b"".join(levels)))
        + _pair(b"\x03", _der(4, bytes(2)))
        + _pair(b"\x04", _der(4, wanted.fmspc)),
    )


def _pair(key: bytes, value: bytes) -> bytes:
    return _der(0x30, _der(6, bytes.fromhex("2a864886f84d010d01") + key) + value)


def _int(value: int) -> bytes:
    return _der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
