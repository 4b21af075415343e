"""The layout of Intel SGX's quote, and of what Open Enclave puts after it.

A quote of version 3 is a header, an enclave's report and what proves them: a signature
by a key that the quoting enclave made, that enclave's own report, and the certificates
of the key that signed it (Intel SGX ECDSA QuoteLibReference, appendix A.4). Open
Enclave appends *custom claims*, whose digest is the report's data. Numbers have their
least significant byte first. Nothing here is verified.
"""

import struct
from dataclasses import dataclass
from typing import Self

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import KIB

QUOTE_BYTES_MAX = 64 * KIB
VERSION = 3
ECDSA_P256 = 2
INTEL_QE = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
"""The vendor of the quoting enclave."""
PEM_CHAIN = 5
"""The kind of certification data that is certificates as PEM."""
REPORT_DATA_CLAIM = "sgx_report_data"

_HEADER_BYTES = 48
_REPORT_BYTES = 384
_KEY_BYTES = 64
_SIGNATURE_BYTES = 64
_CLAIMS_VERSION = 1
_CLAIMS_MAX = 16

_INITIALISED = 1
_DEBUG = 2


@dataclass(frozen=True, slots=True)
class Report:
    """What the processor says of an enclave; ``raw`` is all of it."""

    raw: bytes

    @property
    def misc_select(self) -> bytes:
        """Which optional features are saved on an exit, 4 bytes."""
        return self.raw[16:20]

    @property
    def attributes(self) -> bytes:
        """How the enclave runs, 16 bytes."""
        return self.raw[48:64]

    @property
    def measurement(self) -> bytes:
        """Of the code and its layout (MRENCLAVE), 32 bytes."""
        return self.raw[64:96]

    @property
    def signer(self) -> bytes:
        """The digest of the key that signed the enclave (MRSIGNER), 32 bytes."""
        return self.raw[128:160]

    @property
    def product_id(self) -> int:
        """The product, by its signer's numbers."""
        return int.from_bytes(self.raw[256:258], "little")

    @property
    def security_version(self) -> int:
        """The product's security version."""
        return int.from_bytes(self.raw[258:260], "little")

    @property
    def report_data(self) -> bytes:
        """What the enclave wanted said, 64 bytes."""
        return self.raw[320:384]

    @property
    def is_initialised(self) -> bool:
        """Whether the enclave was whole when it spoke."""
        return bool(self.attributes[0] & _INITIALISED)

    @property
    def is_debugged(self) -> bool:
        """Whether the host may read the enclave's memory."""
        return bool(self.attributes[0] & _DEBUG)


@dataclass(frozen=True, slots=True, kw_only=True)
class SgxQuote:
    """A quote, taken apart.

    Attributes:
        signed: header and report, which the signature covers.
        report: of the enclave in question.
        signature: over ``signed``, as ``r || s``.
        key: x and y of the key that signed it, on P-256.
        qe_report: of the quoting enclave, which made that key.
        qe_signature: over it, by the certified key.
        qe_data: what the quoting enclave bound beside the key.
        chain: PEM certificates of the certified key, the key's own first.
        claims_bytes: what follows the quote; its digest is the report's data.
        claims: the same, by name.
    """

    signed: bytes
    report: Report
    signature: bytes
    key: bytes
    qe_report: Report
    qe_signature: bytes
    qe_data: bytes
    chain: bytes
    claims_bytes: bytes
    claims: dict[str, bytes]

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a quote.

        Raises:
            Malformed: it is none, or of a kind that is not read here.
        """
        if len(raw) > QUOTE_BYTES_MAX:
            raise Malformed(f"an SGX quote of {len(raw)} bytes is too long")
        cursor = Cursor(raw)
        header = cursor.take(_HEADER_BYTES)
        version, key_type = struct.unpack_from("<HH", header)
        if version != VERSION:
            raise Malformed(f"an SGX quote of version {version}, expected {VERSION}")
        if key_type != ECDSA_P256:
            raise Malformed(f"an SGX quote by a key of kind {key_type}")
        if header[12:28] != INTEL_QE:
            raise Malformed("an SGX quote by an enclave that is not Intel's")
        report = cursor.take(_REPORT_BYTES)
        proof = Cursor(cursor.counted("<I"))
        signature, key = proof.take(_SIGNATURE_BYTES), proof.take(_KEY_BYTES)
        qe_report = proof.take(_REPORT_BYTES)
        qe_signature = proof.take(_SIGNATURE_BYTES)
        qe_data = proof.counted("<H")
        (kind,) = struct.unpack("<H", proof.take(2))
        if kind != PEM_CHAIN:
            raise Malformed(f"an SGX quote with certification data of kind {kind}")
        chain = proof.counted("<I").removesuffix(b"\0")
        proof.end()
        claims = cursor.rest()
        return cls(
            signed=header + report,
            report=Report(report),
            signature=signature,
            key=key,
            qe_report=Report(qe_report),
            qe_signature=qe_signature,
            qe_data=qe_data,
            chain=chain,
            claims_bytes=claims,
            claims=_claims(claims),
        )


class Cursor:
    """Reads bytes from the front.

    Args:
        data: what is read.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return the next ``count`` bytes.

        Raises:
            Malformed: there are not so many.
        """
        end = self._at + count
        if end > len(self._data):
            raise Malformed("SGX evidence that ends too early")
        taken, self._at = self._data[self._at : end], end
        return taken

    def counted(self, form: str) -> bytes:
        """Return bytes that are preceded by their number.

        Raises:
            Malformed: there are not so many.
        """
        (count,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return self.take(count)

    def rest(self) -> bytes:
        """Return the bytes that are left."""
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            Malformed: something is.
        """
        if self._at != len(self._data):
            raise Malformed("SGX evidence with something after its end")


def _claims(data: bytes) -> dict[str, bytes]:
    """Read Open Enclave's custom claims; a bare quote has none."""
    if not data:
        return {}
    cursor = Cursor(data)
    version, count = struct.unpack("<QQ", cursor.take(16))
    if version != _CLAIMS_VERSION or count > _CLAIMS_MAX:
        raise Malformed("custom claims of a form that is not known")
    claims: dict[str, bytes] = {}
    for _ in range(count):
        name_bytes, value_bytes = struct.unpack("<QQ", cursor.take(16))
        name = cursor.take(name_bytes).removesuffix(b"\0")
        try:
            claims[name.decode("ascii")] = cursor.take(value_bytes)
        except UnicodeDecodeError as error:
            raise Malformed("custom claims of an unreadable name") from error
    cursor.end()
    return claims
