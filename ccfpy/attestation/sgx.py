"""Intel SGX: whether a quote is to be believed, by the collateral that came with it.

The quoting enclave signs with a key of its own, which its report vouches for; that
report is signed by the processor's key (PCK), whose certificate leads to Intel's root,
pinned here. What Intel says beside it tells whether the certificate was revoked, the
quoting enclave is Intel's, and both are recent. CCF up to 4 ran on SGX; such quotes are
in ledgers of that time.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ccfpy.attestation.sgx_collateral import SgxCollateral, SignedJson
from ccfpy.attestation.sgx_quote import REPORT_DATA_CLAIM, SgxQuote
from ccfpy.attestation.sgx_tcb import (
    UP_TO_DATE,
    PckClaims,
    enclave_status,
    platform_status,
)
from ccfpy.attestation.steps import Took, as_datetime, untold, verify_chain
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.crypto.certs import Certificate, parse_bundle
from ccfpy.crypto.crl import RevocationList
from ccfpy.crypto.ec import Curve, PublicKey
from ccfpy.crypto.hashing import sha256, sha256_hex

ROOT_KEY = "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e"
"""The digest of Intel's root key, as SubjectPublicKeyInfo."""

_CHAIN_CERTIFICATES = 3
_SIGNER_CERTIFICATES = 2
_DIGEST_BYTES = 32


class SgxStep(StrEnum):
    """What is checked, in this order."""

    FORM = "form"
    ROOT = "root"
    CHAIN = "chain"
    REVOCATION = "revocation"
    QUOTING_ENCLAVE = "quoting enclave"
    ATTESTATION_KEY = "attestation key"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    DEBUG = "debug"
    COLLATERAL = "collateral"
    ENCLAVE_LEVEL = "enclave level"
    PLATFORM_LEVEL = "platform level"
    CURRENCY = "currency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is taken, beyond what must hold in any case.

    Attributes:
        root_key: the digest of the root key that is believed.
        statuses: of processor and quoting enclave.
        takes_debugged: whether enclaves whose memory the host may read are taken.
        takes_stale: whether collateral is taken after its next update was due; Azure
            served the same for years to those who asked for a baseline.
    """

    root_key: str = ROOT_KEY
    statuses: Collection[str] = (UP_TO_DATE,)
    takes_debugged: bool = False
    takes_stale: bool = False


STRICT = Policy()


def verify_sgx_quote(
    raw: bytes,
    endorsements: bytes,
    *,
    unix_time_s: int,
    policy: Policy = STRICT,
    took: Took = untold,
) -> SgxQuote:
    """Check a quote by its collateral.

    Args:
        raw: the quote, with Open Enclave's custom claims after it.
        endorsements: the collateral in Open Enclave's form.
        unix_time_s: when certificates and lists must be valid.
        policy: which quotes are accepted.
        took: called with each `SgxStep` that succeeded.

    Raises:
        Malformed: the quote or the collateral cannot be read.
        VerificationFailed: a check failed; the text says which.
    """
    now = as_datetime(unix_time_s)
    quote, collateral = SgxQuote.parse(raw), SgxCollateral.parse(endorsements)
    took(SgxStep.FORM)
    chain = _certificates(quote)
    pck, intermediate, root = chain
    _verify_root(root, policy)
    took(SgxStep.ROOT)
    _verify_chain(chain, now)
    took(SgxStep.CHAIN)
    signers = collateral.list_signers
    if [s.public_key_der for s in signers] != [
        intermediate.public_key_der,
        root.public_key_der,
    ]:
        raise VerificationFailed(
            "SGX: the list of revoked certificates is by another than the issuer"
        )
    _verify_not_revoked(pck, collateral.pck_list, intermediate, now)
    _verify_not_revoked(intermediate, collateral.root_list, root, now)
    took(SgxStep.REVOCATION)
    _verify_quote(quote, pck, policy, took)
    for said in (collateral.tcb_info, collateral.qe_identity):
        _verify_said(said, root, collateral.root_list, now)
    took(SgxStep.COLLATERAL)
    enclave = enclave_status(collateral.qe_identity.content, quote.qe_report)
    _verify_status("quoting enclave", enclave, policy)
    took(SgxStep.ENCLAVE_LEVEL)
    processor = PckClaims.of(pck)
    platform = platform_status(collateral.tcb_info.content, processor)
    _verify_status("processor", platform, policy)
    took(SgxStep.PLATFORM_LEVEL)
    if not policy.takes_stale:
        for said in (collateral.tcb_info, collateral.qe_identity):
            _verify_current(said, now)
    took(SgxStep.CURRENCY)
    return quote


def verify_sgx_quote_alone(
    raw: bytes, *, unix_time_s: int, policy: Policy = STRICT
) -> SgxQuote:
    """Check what a quote proves by itself: Intel's root vouches for its signature.

    Whether the processor's certificate was revoked, or its firmware is recent, only the
    collateral tells.

    Raises:
        Malformed: it is no quote.
        VerificationFailed: it is not to be believed.
    """
    quote = SgxQuote.parse(raw)
    chain = _certificates(quote)
    _verify_root(chain[-1], policy)
    _verify_chain(chain, as_datetime(unix_time_s))
    _verify_quote(quote, chain[0], policy, untold)
    return quote


def node_report_data(quote: SgxQuote) -> bytes:
    """Return a node's report data from the custom claims: the digest of its key."""
    return quote.claims.get(REPORT_DATA_CLAIM, quote.report.report_data)


def _certificates(quote: SgxQuote) -> list[Certificate]:
    chain = parse_bundle(quote.chain)
    if len(chain) != _CHAIN_CERTIFICATES:
        raise Malformed(f"SGX: expected 3 certificates but got {len(chain)}")
    return chain


def _verify_root(root: Certificate, policy: Policy) -> None:
    found = sha256_hex(root.public_key_der)
    if found != policy.root_key:
        raise VerificationFailed(
            f"SGX: the root key is not Intel's: {found} != {policy.root_key}"
        )


def _verify_chain(chain: list[Certificate], now: datetime) -> None:
    try:
        verify_chain(chain, now, "then")
    except CcfpyError as error:
        raise VerificationFailed(
            f"SGX: the chain of certificates is broken: {error}"
        ) from error


def _verify_not_revoked(
    certificate: Certificate,
    revoked: RevocationList,
    issuer: Certificate,
    now: datetime,
) -> None:
    try:
        revoked.verify_signed_by(issuer)
    except VerificationFailed as error:
        raise VerificationFailed(f"SGX: {error}") from error
    until = revoked.not_after
    if now < revoked.not_before or (until is not None and now > until):
        raise VerificationFailed(
            f"SGX: the list of certificates that {issuer} revoked is not valid then"
        )
    if revoked.revokes(certificate):
        raise VerificationFailed(f"SGX: {certificate} was revoked")


def _verify_quote(
    quote: SgxQuote, pck: Certificate, policy: Policy, took: Took
) -> None:
    """Check what the quote itself says, from the processor's key to the claims."""
    qe = quote.qe_report
    _verify_signed(pck.public_key, quote.qe_signature, qe.raw, "quoting enclave")
    took(SgxStep.QUOTING_ENCLAVE)
    bound = sha256(quote.key + quote.qe_data).ljust(len(qe.report_data), b"\0")
    if qe.report_data != bound:
        raise VerificationFailed(
            "SGX: the quoting enclave does not vouch for the attestation key"
        )
    took(SgxStep.ATTESTATION_KEY)
    key = PublicKey.from_coordinates(
        Curve.SECP256R1,
        int.from_bytes(quote.key[:_DIGEST_BYTES], "big"),
        int.from_bytes(quote.key[_DIGEST_BYTES:], "big"),
    )
    _verify_signed(key, quote.signature, quote.signed, "quote")
    took(SgxStep.SIGNATURE)
    if quote.claims_bytes:
        digest = sha256(quote.claims_bytes).ljust(2 * _DIGEST_BYTES, b"\0")
        if quote.report.report_data != digest:
            raise VerificationFailed(
                "SGX: the custom claims are not those of the report"
            )
    took(SgxStep.CLAIMS)
    if not quote.report.is_initialised:
        raise VerificationFailed("SGX: the enclave was not initialised")
    if quote.report.is_debugged and not policy.takes_debugged:
        raise VerificationFailed("SGX: debugging must not be enabled")
    took(SgxStep.DEBUG)


def _verify_signed(key: PublicKey, signature: bytes, data: bytes, what: str) -> None:
    if key.curve is not Curve.SECP256R1:
        raise VerificationFailed(f"SGX: the key of the {what} is not on P-256")
    try:
        key.verify_raw(signature, data)
    except CcfpyError as error:
        raise VerificationFailed(
            f"SGX: the signature of the {what} does not match"
        ) from error


def _verify_said(
    said: SignedJson, root: Certificate, root_list: RevocationList, now: datetime
) -> None:
    """Check that Intel said this, by a key that leads to the same root."""
    if len(said.signers) != _SIGNER_CERTIFICATES or (
        said.signers[-1].public_key_der != root.public_key_der
    ):
        raise VerificationFailed("SGX: collateral that does not lead to the same root")
    _verify_chain(said.signers, now)
    signer = said.signers[0]
    if root_list.revokes(signer):
        raise VerificationFailed(f"SGX: {signer} was revoked")
    _verify_signed(signer.public_key, said.signature, said.signed, "collateral")
    if said.not_before > now:
        raise VerificationFailed("SGX: collateral that was issued later")


def _verify_status(what: str, status: str, policy: Policy) -> None:
    if status not in policy.statuses:
        raise VerificationFailed(f"SGX: the {what} is {status}")


def _verify_current(said: SignedJson, now: datetime) -> None:
    if now > said.not_after:
        raise VerificationFailed(
            f"SGX: the next update of the collateral was due on {said.not_after:%F}"
        )
