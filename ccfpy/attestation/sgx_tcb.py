"""How Intel rates a processor and its quoting enclave by their security versions.

Levels are listed from the newest down, each with a status; that of the first level
which every part reaches is the platform's (Intel PCS API, TCB info and QE identity,
versions 2 and 3).

What the certificate of a processor's quoting key (PCK) says of the processor.

Intel's extension 1.2.840.113741.1.13.1 is a list of pairs of identifier and value
(Intel SGX PCK Certificate and CRL Profile). The few elements of DER that it uses are
read here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from ccfpy.attestation.sgx_quote import Report
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto.certs import Certificate, raw_extension

EXTENSION_OID = "1.2.840.113741.1.13.1"
_PREFIX = bytes.fromhex("2a864886f84d010d01")
"""The same as DER writes it."""
_TCB, _PCE_ID, _FMSPC = b"\x02", b"\x03", b"\x04"
_PCE_SVN = 17
COMPONENTS = 16

_INTEGER, _OCTETS, _OID, _SEQUENCE = 0x02, 0x04, 0x06, 0x30
_LONG_FORM = 0x80
_LENGTH_BYTES_MAX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PckClaims:
    """A processor as its certificate describes it.

    Attributes:
        fmspc: its family, model, stepping, platform and custom SKU, 6 bytes.
        pce_id: the enclave that certifies, 2 bytes.
        components: the security versions of its parts, 16 of them.
        pce_svn: the security version of that enclave.
    """

    fmspc: bytes
    pce_id: bytes
    components: tuple[int, ...]
    pce_svn: int

    @classmethod
    def of(cls, certificate: Certificate) -> Self:
        """Read them.

        Raises:
            Malformed: the certificate does not have them.
        """
        extension = raw_extension(certificate, EXTENSION_OID)
        if extension is None:
            raise Malformed("the certificate is not of an SGX processor's quoting key")
        fields = dict(_pairs(_only(extension, _SEQUENCE)))
        try:
            versions = {
                key[-1]: _number(value)
                for key, value in _pairs(fields[_TCB])
                if key[-1] <= _PCE_SVN
            }
            return cls(
                fmspc=fields[_FMSPC],
                pce_id=fields[_PCE_ID],
                components=tuple(versions[at + 1] for at in range(COMPONENTS)),
                pce_svn=versions[_PCE_SVN],
            )
        except KeyError as error:
            raise Malformed(
                "the certificate of an SGX processor's quoting key says too little"
            ) from error


def _pairs(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each pair in a sequence: what follows Intel's prefix, and the value."""
    for tag, pair in _elements(data):
        parts = list(_elements(pair)) if tag == _SEQUENCE else []
        if len(parts) != 2:  # noqa: PLR2004  # a pair
            raise Malformed("an SGX extension that is not made of pairs")
        (key_tag, key), (_, value) = parts
        if key_tag != _OID or not key.startswith(_PREFIX) or key == _PREFIX:
            raise Malformed("an SGX extension of unknown identifiers")
        yield key[len(_PREFIX) :], value


def _only(data: bytes, wanted: int) -> bytes:
    elements = list(_elements(data))
    if len(elements) != 1 or elements[0][0] != wanted:
        raise Malformed("an SGX extension of another form")
    return elements[0][1]


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each element of DER."""
    at = 0
    while at < len(data):
        header = data[at : at + 2]
        if len(header) != 2:  # noqa: PLR2004  # tag and length
            raise Malformed("DER that ends too early")
        tag, length = header
        at += 2
        if length >= _LONG_FORM:
            count = length - _LONG_FORM
            if not 0 < count <= _LENGTH_BYTES_MAX:
                raise Malformed("DER of a length that is not read here")
            long = data[at : at + count]
            if len(long) != count:
                raise Malformed("DER that ends too early")
            length = int.from_bytes(long, "big")
            at += count
        content = data[at : at + length]
        if len(content) != length:
            raise Malformed("DER that ends too early")
        at += length
        yield tag, content


def _number(content: bytes) -> int:
    if not content or content[0] >= _LONG_FORM:
        raise Malformed("a security version that is no number")
    return int.from_bytes(content, "big")


UP_TO_DATE = "UpToDate"
STATUSES = (
    UP_TO_DATE,
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "Revoked",
)
"""What Intel may say of a level."""


def platform_status(tcb_info: JsonObject, processor: PckClaims) -> str:
    """Return the status of a processor.

    Raises:
        Malformed: this is no TCB info.
        VerificationFailed: it is of other processors, or knows no such level.
    """
    for name, found in (("fmspc", processor.fmspc), ("pceId", processor.pce_id)):
        said = _hex(tcb_info, name)
        if said != found:
            raise VerificationFailed(
                f"TCB info is of {name} {said.hex()}, the processor of {found.hex()}"
            )
    for level, status in _levels(tcb_info):
        components = _components(level)
        reached = zip(processor.components, components, strict=True)
        if processor.pce_svn >= _count(level, "pcesvn") and all(
            has >= least for has, least in reached
        ):
            return status
    raise VerificationFailed("TCB info knows no level that the processor reaches")


def enclave_status(identity: JsonObject, report: Report) -> str:
    """Return the status of the quoting enclave, which must be Intel's.

    Raises:
        Malformed: this is no such identity.
        VerificationFailed: the report is of another enclave, or of no known level.
    """
    for name, found in (
        ("miscselect", report.misc_select),
        ("attributes", report.attributes),
    ):
        mask = _hex(identity, f"{name}Mask")
        if _masked(found, mask) != _hex(identity, name):
            raise VerificationFailed(f"the quoting enclave has other {name}")
    if report.signer != _hex(identity, "mrsigner"):
        raise VerificationFailed("the quoting enclave is not signed by Intel")
    if report.product_id != _count(identity, "isvprodid"):
        raise VerificationFailed("the quoting enclave is another product")
    for level, status in _levels(identity):
        if report.security_version >= _count(level, "isvsvn"):
            return status
    raise VerificationFailed("the quoting enclave is of no known level")


def _levels(described: JsonObject) -> Iterator[tuple[JsonObject, str]]:
    levels = described.get("tcbLevels")
    if not isinstance(levels, list):
        raise Malformed("SGX collateral without levels")
    for entry in levels:
        level = entry.get("tcb") if isinstance(entry, dict) else None
        status = entry.get("tcbStatus") if isinstance(entry, dict) else None
        if not isinstance(level, dict) or status not in STATUSES:
            raise Malformed("SGX collateral of unreadable levels")
        yield level, str(status)


def _components(level: JsonObject) -> Sequence[int]:
    listed = level.get("sgxtcbcomponents")
    if listed is None:  # version 2 names each
        return [_count(level, f"sgxtcbcomp{at + 1:02}svn") for at in range(COMPONENTS)]
    if not isinstance(listed, list) or len(listed) != COMPONENTS:
        raise Malformed("SGX collateral of unreadable levels")
    return [
        _count(part, "svn") if isinstance(part, dict) else _count({}, "svn")
        for part in listed
    ]


def _count(fields: JsonObject, name: str) -> int:
    value: Json = fields.get(name)
    if type(value) is not int or value < 0:
        raise Malformed(f"SGX collateral whose {name} is no number")
    return value


def _hex(fields: JsonObject, name: str) -> bytes:
    value = fields.get(name)
    try:
        if isinstance(value, str):
            return bytes.fromhex(value)
    except ValueError:
        pass
    raise Malformed(f"SGX collateral whose {name} is no hex")


def _masked(value: bytes, mask: bytes) -> bytes:
    if len(value) != len(mask):
        raise Malformed("SGX collateral whose mask has another length")
    return bytes(a & b for a, b in zip(value, mask, strict=True))
