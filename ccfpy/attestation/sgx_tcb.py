"""How Intel rates a processor and its quoting enclave by their security versions.

Levels are listed from the newest down, each with a status; that of the first level
which every part reaches is the platform's (Intel PCS API, TCB info and QE identity,
versions 2 and 3).
"""

from collections.abc import Iterator, Sequence

from ccfpy.attestation.sgx_pck import COMPONENTS, PckClaims
from ccfpy.attestation.sgx_quote import Report
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import Json, JsonObject

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
