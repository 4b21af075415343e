"""The answers of a mock of Microsoft Azure Attestation.

The mock verifies quotes as the real service does, up to Intel's root, and reports of
SEV-SNP guests up to AMD's root. It leaves out checks that need Intel's current
statements. Its key is made when it starts, so its tokens are worth nothing elsewhere.
"""

from dataclasses import dataclass

from ccfpy.attestation import sgx
from ccfpy.attestation.sgx_quote import SgxQuote
from ccfpy.attestation.snp import verify_snp_report
from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.maa import ATTESTATION_TYPE, RUNTIME, AttestationType
from ccfpy.crypto.hashing import sha256
from ccfpy.crypto.jwk import decode_key_field, encode_base64url
from ccfpy.devtools.token_signer import TokenSigner

VERSION = "1.0"
TOKEN_LIFE_S = 8 * 60 * 60
OE_QUOTE_HEADER = bytes.fromhex("0100000002000000")
"""Before the size and a quote, in an Open Enclave report."""
_OE_HEADER_BYTES = 16
POLICY = "version= 1.0;authorizationrules{=> permit();};issuancerules{};"
_POLICIES = {"SgxEnclave", "OpenEnclave", "SevSnpVm", "Tpm"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back.

    Attributes:
        status: of HTTP.
        body: JSON.
    """

    status: int
    body: JsonObject


class MaaMock:
    """The service, without its connections.

    Args:
        issuer: its address, which its tokens name.
        signer: its key.
    """

    def __init__(self, issuer: str, signer: TokenSigner) -> None:
        self.issuer = issuer
        self._signer = signer
        self._tokens = 0

    def get(self, path: str, *, unix_time_s: int) -> Answer:
        """Answer a GET."""
        match path.strip("/").split("/"):
            case ["certs"]:
                return Answer(200, {"keys": [self._signer.jwk]})
            case [".well-known", "openid-configuration"]:
                return Answer(200, self._metadata())
            case ["policies", kind] if kind in _POLICIES:
                token = self._token({"x-ms-policy": _policy_text()}, unix_time_s)
                return Answer(200, {"token": token})
            case _:
                return _refusal(404, "ResourceNotFound", "There is nothing here.")

    def post(self, path: str, body: bytes, *, unix_time_s: int) -> Answer:
        """Answer a POST: look at evidence, and give a token for it."""
        try:
            request = json.loads_object(body)
            match path.strip("/").split("/"):
                case ["attest", "SgxEnclave"]:
                    quote = _bytes(request, "quote")
                    claims = self._sgx(quote, request, unix_time_s)
                case ["attest", "OpenEnclave"]:
                    quote = _unwrapped(_bytes(request, "report"))
                    claims = self._sgx(quote, request, unix_time_s)
                case ["attest", "SevSnpVm"]:
                    claims = self._snp(request, unix_time_s)
                case _:
                    return _refusal(404, "ResourceNotFound", "There is nothing here.")
        except Malformed as error:
            return _refusal(400, "InvalidParameter", str(error))
        except VerificationFailed as error:
            return _refusal(400, "AttestationFailed", str(error))
        nonce = request.get("nonce")
        if isinstance(nonce, str):
            claims["nonce"] = nonce
        return Answer(200, {"token": self._token(claims, unix_time_s)})

    def _sgx(self, raw: bytes, request: JsonObject, unix_time_s: int) -> JsonObject:
        quote = sgx.verify_sgx_quote_alone(raw, unix_time_s=unix_time_s)
        report = quote.report
        claims = _runtime(request, report.report_data)
        held = claims.pop("held", None)
        if held is not None:
            claims["x-ms-sgx-ehd"] = held
        return claims | {
            ATTESTATION_TYPE: AttestationType.SGX.value,
            "x-ms-sgx-is-debuggable": report.is_debugged,
            "x-ms-sgx-mrenclave": report.measurement.hex(),
            "x-ms-sgx-mrsigner": report.signer.hex(),
            "x-ms-sgx-product-id": report.product_id,
            "x-ms-sgx-svn": report.security_version,
            "x-ms-sgx-report-data": report.report_data.hex(),
            "x-ms-sgx-collateral": _collateral(raw, quote),
        }

    def _snp(self, request: JsonObject, unix_time_s: int) -> JsonObject:
        wrapped = json.loads_object(_bytes(request, "report"))
        report = verify_snp_report(
            _bytes(wrapped, "SnpReport"),
            _bytes(wrapped, "VcekCertChain"),
            unix_time_s=unix_time_s,
        )
        claims = _runtime(request, report.report_data)
        claims.pop("held", None)
        return claims | {
            ATTESTATION_TYPE: AttestationType.SNP.value,
            "x-ms-sevsnpvm-is-debuggable": report.is_debugged,
            "x-ms-sevsnpvm-launchmeasurement": report.measurement.hex(),
            "x-ms-sevsnpvm-hostdata": report.host_data.hex(),
            "x-ms-sevsnpvm-reportdata": report.report_data.hex(),
            "x-ms-sevsnpvm-vmpl": report.vmpl,
            "x-ms-sevsnpvm-guestsvn": report.u32(0x004),
        }

    def _token(self, claims: JsonObject, unix_time_s: int) -> str:
        self._tokens += 1
        policy_hash = encode_base64url(sha256(_policy_text().encode()))
        return self._signer.sign(
            {
                "iss": self.issuer,
                "iat": unix_time_s,
                "nbf": unix_time_s,
                "exp": unix_time_s + TOKEN_LIFE_S,
                "jti": sha256(f"{self._signer.key_id} {self._tokens}".encode()).hex(),
                "x-ms-ver": VERSION,
                "x-ms-policy-hash": policy_hash,
                **claims,
            },
            {"jku": f"{self.issuer}/certs"},
        )

    def _metadata(self) -> JsonObject:
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/certs",
            "response_types_supported": ["token", "none"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["iss", "iat", "exp", "nbf", ATTESTATION_TYPE, RUNTIME],
        }


def _policy_text() -> str:
    """Write the policy as the service keeps it: in a token that nobody signed."""
    body = {"AttestationPolicy": encode_base64url(POLICY.encode())}
    parts = [encode_base64url(json.dumps(part)) for part in ({"alg": "none"}, body)]
    return ".".join((*parts, ""))


def _runtime(request: JsonObject, report_data: bytes) -> JsonObject:
    """Check what is said to stand behind the report data; give the claims of it."""
    given = request.get("runtimeData")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Malformed("runtimeData is no object")
    data = _bytes(given, "data")
    if report_data[:32] != sha256(data):
        raise VerificationFailed("the report data is not the digest of runtimeData")
    if given.get("dataType") == "JSON":
        return {RUNTIME: json.loads(data)}
    return {"held": encode_base64url(data)}


def _collateral(raw: bytes, quote: SgxQuote) -> JsonObject:
    return {
        "quotehash": sha256(raw).hex(),
        "qeidcertshash": sha256(quote.chain).hex(),
    }


def _unwrapped(report: bytes) -> bytes:
    """Take a quote out of an Open Enclave report."""
    size = int.from_bytes(report[8:_OE_HEADER_BYTES], "little")
    quote = report[_OE_HEADER_BYTES:]
    if not report.startswith(OE_QUOTE_HEADER) or len(quote) != size:
        raise Malformed("not an Open Enclave report with a quote")
    return quote


def _bytes(fields: JsonObject, name: str) -> bytes:
    value: Json = fields.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is missing")
    return decode_key_field(value)


def _refusal(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}})
