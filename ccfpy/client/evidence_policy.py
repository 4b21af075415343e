"""The file in which a caller writes down what evidence must say.

The file is JSON with an entry for each platform that is taken:

    {
      "snp": {
        "measurements": ["…"],
        "uvm_endorsements": [{"did": "did:x509:…", "feed": "…", "svn": 103}],
        "host_data": ["…"],
        "minimum_tcb": {"00a00f11": "db18000000000004"}
      },
      "simulated": {
        "vendors": ["…"],
        "signers": ["…"], "product_id": 1, "security_version": 3,
        "measurements": ["…"],
        "host_data": ["…"],
        "minimum_tcb": "0101010101010101"
      }
    }

Digests are in hex. Unknown fields are refused: a misspelt condition would otherwise be
none. A file cannot take virtual nodes or enclaves that can be debugged: these are for
options that a person types.
"""

from dataclasses import dataclass, field, replace
from typing import Annotated, TypeAlias

from ccfpy.attestation.fields import Digest, hexadecimal
from ccfpy.attestation.identity import Number
from ccfpy.attestation.simulated import QUOTE, SimulatedReport, TcbVersion
from ccfpy.attestation.snp_report import SnpReport
from ccfpy.attestation.statements import Statement
from ccfpy.attestation.uvm import UvmEndorsement, verify_uvm_endorsements
from ccfpy.base import json
from ccfpy.base.annotations import U64, closed
from ccfpy.base.errors import Malformed
from ccfpy.base.json import JsonObject
from ccfpy.base.ports import Attestation
from ccfpy.base.schema import fields_of, parse_json
from ccfpy.client.attested import FORMAT as SNP
from ccfpy.client.attested import SIMULATED, Expected, SnpPolicy
from ccfpy.crypto.certs import Certificate

SNP_MEASUREMENT_BYTES = 48
Measurement: TypeAlias = Annotated[bytes, hexadecimal(SNP_MEASUREMENT_BYTES)]


@closed
@dataclass(frozen=True, slots=True, kw_only=True)
class _Release:
    did: str
    feed: str
    svn: U64


@closed
@dataclass(frozen=True, slots=True, kw_only=True)
class _Snp:
    measurements: list[Measurement] = field(default_factory=list)
    uvm_endorsements: list[_Release] = field(default_factory=list)
    host_data: list[Digest] = field(default_factory=list)
    minimum_tcb: dict[str, str] = field(default_factory=dict)


@closed
@dataclass(frozen=True, slots=True, kw_only=True)
class _Simulated:
    vendors: list[Digest] = field(default_factory=list)
    signers: list[Digest] = field(default_factory=list)
    product_id: Number | None = None
    security_version: Number = 0
    measurements: list[Digest] | None = None
    host_data: list[Digest] | None = None
    minimum_tcb: TcbVersion | None = None


@closed
@dataclass(frozen=True, slots=True, kw_only=True)
class _Policy:
    snp: _Snp | None = None
    simulated: _Simulated | None = None


def read_policy(text: bytes) -> Expected:
    """Read a policy's file.

    Raises:
        Malformed: it is none, or lacks what evidence of a platform must be held to.
    """
    try:
        written = parse_json(_Policy, text)
        expected = Expected() if written.simulated is None else _on(written.simulated)
        if written.snp is not None:
            expected = replace(expected, snp=_of(written.snp))
    except Malformed as error:
        raise Malformed(f"no policy of evidence: {error}") from error
    if expected.takes_nothing:
        raise Malformed(
            "the policy of evidence names no platform; add an entry 'snp' or "
            "'simulated'"
        )
    return expected


def _of(written: _Snp) -> SnpPolicy:
    releases = tuple(
        UvmEndorsement(did=each.did, feed=each.feed, svn=str(each.svn))
        for each in written.uvm_endorsements
    )
    return whole(
        SnpPolicy(
            measurements=written.measurements,
            uvm_endorsements=releases,
            host_data=written.host_data,
            minimum_tcb=written.minimum_tcb,
        )
    )


def whole(policy: SnpPolicy) -> SnpPolicy:
    """Return a policy for SEV-SNP that names all that it must.

    Raises:
        Malformed: it names no measurement and nobody who endorses one, no host data or
            no firmware, so that it could take nothing.
    """
    for lacking, name in (
        (
            not policy.measurements and not policy.uvm_endorsements,
            "measurement, and nobody who endorses one",
        ),
        (not policy.host_data, "host data"),
        (not policy.minimum_tcb, "least version of the firmware"),
    ):
        if lacking:
            raise Malformed(f"for SEV-SNP no {name} is named; name one")
    return policy


def _on(written: _Simulated) -> Expected:
    if not written.vendors:
        raise Malformed("for simulated machines no vendor is named; name one")
    if not written.signers and not written.measurements:
        raise Malformed(
            "for simulated machines no measurement and no signer is named; name one"
        )
    return Expected(
        vendor_ids=written.vendors,
        signer_ids=written.signers,
        product_id=written.product_id,
        security_version=written.security_version,
        unique_ids=written.measurements,
        host_data=written.host_data,
        minimum_tcb=written.minimum_tcb,
    )


def policy_like(evidence: Attestation) -> JsonObject:
    """Return the policy that takes guests and enclaves like that of some evidence.

    Nothing of the evidence is verified: who writes a policy compares its values with
    what was built.

    Raises:
        Malformed: the evidence cannot be read, or proves nothing, as a virtual node's.
        VerificationFailed: the endorsements of its measurement are not by their signer.
    """
    if evidence.format == SNP:
        return {"snp": fields_of(_snp_like(evidence))}
    if evidence.format == SIMULATED:
        report = SimulatedReport.read(Statement.read(evidence.quote, QUOTE).content)
        written = _Simulated(
            vendors=[_vendor_of(evidence.endorsements)],
            measurements=[report.identity.unique_id],
            host_data=[report.host_data],
            minimum_tcb=report.tcb_version,
        )
        return {"simulated": fields_of(written)}
    raise Malformed(f"no policy can be written for evidence of {evidence.format!r:.80}")


def _snp_like(evidence: Attestation) -> _Snp:
    report = SnpReport.parse(evidence.quote)
    releases = []
    if evidence.uvm_endorsements is not None:
        it = verify_uvm_endorsements(
            evidence.uvm_endorsements, report.measurement, None
        )
        releases = [_Release(did=it.did, feed=it.feed, svn=int(it.svn))]
    return _Snp(
        measurements=[] if releases else [report.measurement],
        uvm_endorsements=releases,
        host_data=[report.host_data],
        minimum_tcb={report.processor.hex: report.reported_tcb[::-1].hex()},
    )


def _vendor_of(endorsements: bytes) -> bytes:
    pem = json.loads_object(endorsements).get("vendor_certificate")
    if not isinstance(pem, str):
        raise Malformed("endorsements without a vendor's certificate")
    return bytes.fromhex(Certificate.from_pem(pem).digest_hex)
