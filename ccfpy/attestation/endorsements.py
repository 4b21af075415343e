"""Where the certificates of a SEV-SNP chip are found, and how answers are read.

Three kinds of server have these certificates, under addresses made of the chip's id and
its firmware's version. Azure also leaves them in a file beside a guest
(``include/ccf/pal/attestation_sev_snp_endorsements.h``). The servers need not be
trusted: certificates that do not lead to AMD's root are of no use.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ccfpy.attestation.snp_report import LAYOUTS, SnpReport
from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.json import JsonObject
from ccfpy.crypto.certs import Certificate

HTTPS_PORT = "443"
HTTP_PORT = "80"
AZURE_API = "2020-10-15-preview"


class ServerKind(StrEnum):
    """Who serves certificates."""

    AZURE = "Azure"
    AMD = "AMD"
    THIM = "THIM"


class CertificateEncoding(StrEnum):
    """How an answer is written."""

    PEM = "PEM"
    DER = "DER"
    THIM = "THIM"
    """JSON with the chip's certificate and those above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndorsementEndpoint:
    """One request of those that a chain is gathered by.

    Attributes:
        parameters: of the query, in alphabetical order.
        is_tls: whether it is HTTPS.
    """

    host: str
    port: str
    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    form: CertificateEncoding = CertificateEncoding.PEM
    headers: Mapping[str, str] = field(default_factory=dict)
    is_tls: bool = True

    @property
    def query(self) -> str:
        """The parameters as they are sent."""
        return "&".join(
            f"{name}={value}" for name, value in sorted(self.parameters.items())
        )

    @property
    def url(self) -> str:
        """The whole address, as logs tell it."""
        query = f"?{self.query}" if self.parameters else ""
        return f"{self}{self.path}{query}"

    def __str__(self) -> str:
        """Name the server."""
        return f"http{'s' * self.is_tls}://{self.host}:{self.port}"

    def read(self, body: bytes) -> bytes:
        """Return the certificates in an answer, as PEM.

        Raises:
            Malformed: it is none.
        """
        match self.form:
            case CertificateEncoding.DER:
                return Certificate.from_der(body).pem.encode()
            case CertificateEncoding.THIM:
                return _vcek_first(json.loads_object(body))
            case CertificateEncoding.PEM:
                return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server, and what to ask it, one after the other.

    Attributes:
        retries_max: how often it is asked again before the next server is.
    """

    endpoints: tuple[EndorsementEndpoint, ...]
    retries_max: int

    @property
    def host(self) -> str:
        """Where it is."""
        return self.endpoints[0].host


def servers_for(
    report: SnpReport, configured: Iterable[tuple[str, str, int]]
) -> tuple[Server, ...]:
    """Return the requests that fetch a report's certificates.

    Args:
        report: whose chip and firmware are meant.
        configured: kind, ``host`` or ``host:port``, and retries, the best first.

    Raises:
        Malformed: the report is of a processor that is not known.
    """
    return tuple(
        Server(
            endpoints=_endpoints(ServerKind(kind), url, report), retries_max=retries_max
        )
        for kind, url, retries_max in configured
    )


def from_file(text: bytes, report: SnpReport) -> bytes:
    """Read the file that Azure leaves, if it is for a report's firmware; give PEM.

    Raises:
        Malformed: it is no such file, or for another version.
    """
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("the file is not base64") from error
    fields = json.loads_object(raw)
    endorsed = _text(fields, "tcbm")
    reported = report.reported_tcb[::-1].hex().upper()
    if endorsed.upper() != reported:
        raise Malformed(
            f"it contained tcbm {endorsed}, which does not match reported TCB of "
            f"current attestation {reported}"
        )
    return _vcek_first(fields)


def _endpoints(
    kind: ServerKind, url: str, report: SnpReport
) -> tuple[EndorsementEndpoint, ...]:
    chip = report.chip_id.hex()
    # As CCF writes the number: without leading zeros.
    tcb = f"{int.from_bytes(report.reported_tcb, 'little'):x}"
    host, _, port = url.partition(":")
    match kind:
        case ServerKind.AZURE:
            return (
                EndorsementEndpoint(
                    host=host,
                    port=port or HTTPS_PORT,
                    path=f"/SevSnpVM/certificates/{chip}/{tcb}",
                    parameters={"api-version": AZURE_API},
                ),
            )
        case ServerKind.AMD:
            return _amd(host, port or HTTPS_PORT, report)
        case ServerKind.THIM:
            return (
                EndorsementEndpoint(
                    host=host,
                    port=port or HTTP_PORT,
                    path="/metadata/THIM/amd/certification",
                    parameters={"tcbVersion": tcb, "platformId": chip},
                    form=CertificateEncoding.THIM,
                    headers={"Metadata": "true"},
                    is_tls=False,
                ),
            )


def _amd(host: str, port: str, report: SnpReport) -> tuple[EndorsementEndpoint, ...]:
    """Ask AMD's own server: for the chip's certificate, then for those above it."""
    product = report.product
    names = {
        "boot_loader": "blSPL",
        "tee": "teeSPL",
        "snp": "snpSPL",
        "microcode": "ucodeSPL",
        "fmc": "fmcSPL",
    }
    versions = {
        names[part]: str(report.reported_tcb[at])
        for part, at in LAYOUTS[product].items()
    }
    line = f"/vcek/v1/{product}"
    return (
        EndorsementEndpoint(
            host=host,
            port=port,
            path=f"{line}/{report.chip_id.hex()}",
            parameters=versions,
            form=CertificateEncoding.DER,
        ),
        EndorsementEndpoint(host=host, port=port, path=f"{line}/cert_chain"),
    )


def _vcek_first(fields: JsonObject) -> bytes:
    chain = (_text(fields, "vcekCert"), _text(fields, "certificateChain"))
    return "".join(chain).encode()


def _text(fields: JsonObject, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is missing")
    return value
