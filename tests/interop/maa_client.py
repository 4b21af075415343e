"""Ask an attestation service by Azure's own client; print what it was told, as JSON.

Run on the client's Python: ENDPOINT TLS_CERTIFICATE QUOTE CLAIMS. The client itself
verifies each token by the service's certificates, and its issuer.
"""

import json
import sys
from pathlib import Path
from typing import Any

from azure.core import credentials, exceptions  # type: ignore[import-not-found]
from azure.security import attestation  # type: ignore[import-not-found]


class Nobody:
    """A credential: the stand-in asks for none."""

    def get_token(self, *_scopes: str, **_more: object) -> Any:  # noqa: ANN401
        return credentials.AccessToken("none", 4_000_000_000)


def main(endpoint: str, certificate: str, quote: str, claims: str) -> None:
    quote_bytes, held = Path(quote).read_bytes(), Path(claims).read_bytes()
    options = {
        "connection_verify": certificate,
        "validate_issuer": True,
        "issuer": endpoint,
    }
    told: dict[str, Any] = {}
    with attestation.AttestationClient(endpoint, Nobody(), **options) as client:
        result, token = client.attest_sgx_enclave(quote_bytes, runtime_data=held)
        told["sgx"] = {
            "mr_enclave": result.mr_enclave,
            "mr_signer": result.mr_signer,
            "product_id": result.product_id,
            "svn": result.svn,
            "is_debuggable": result.is_debuggable,
            "verifier_type": result.verifier_type,
            "held": result.enclave_held_data.hex(),
        }
        told["token"] = token.to_jwt_string()
        told["issued"] = int(token.issued.timestamp())
        size = len(quote_bytes).to_bytes(8, "little")
        report = bytes.fromhex("0100000002000000") + size + quote_bytes
        result, _ = client.attest_open_enclave(report, runtime_data=held)
        told["open_enclave"] = result.mr_enclave
        told["signers"] = len(client.get_signing_certificates())
        told["metadata"] = client.get_open_id_metadata()
        try:
            client.attest_sgx_enclave(quote_bytes, runtime_data=b"other")
        except exceptions.HttpResponseError as error:
            told["refused"] = [error.status_code, error.error.code]
    with attestation.AttestationAdministrationClient(
        endpoint, Nobody(), **options
    ) as admin:
        policy, _ = admin.get_policy("SgxEnclave")
        told["policy"] = policy
    sys.stdout.write(json.dumps(told))


main(*sys.argv[1:])
