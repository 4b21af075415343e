"""Programs of SCITT's own clients, pyscitt and scitt-cose; prints JSON.

``live URL CACERT CERT KEY`` governs a service as its member and registers statements.
``offline`` reads keys and statements with receipts from its input, and verifies them by
both clients.
"""

import base64
import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import cbor2
import scitt_cose  # type: ignore[import-not-found]
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyscitt import client as service  # type: ignore[import-not-found]
from pyscitt import crypto, governance, local_key_sign_client, verify

EKU = "1.3.6.1.4.1.311.10.3.13"
LEGACY = None


def live(url: str, cacert: str, certificate: str, key: str) -> dict[str, Any]:
    """Use every call that the client has, and return what came of them."""
    member = local_key_sign_client.LocalKeySignClient(
        Path(certificate).read_text(), Path(key).read_text()
    )
    client = service.Client(url, cacert=cacert, member_auth=member, wait_time=0.1)
    signer, did = _signer()
    policy = f"export const apply = (phdr) => phdr.cwt.iss === '{did}' || 'stranger';"
    client.governance.propose(
        governance.set_scitt_configuration_proposal(
            {
                "policy": {"policyScript": policy},
                "authentication": {"allowUnauthenticated": True},
            }
        ),
        must_pass=True,
    )
    statement = crypto.sign_json_statement(
        signer, {"built": True}, feed="image", svn=1, cwt=True
    )
    waited = client.submit_signed_statement_wait_for_commit(statement)
    polled = client.submit_signed_statement_and_wait(statement)
    proved = client.submit_signed_statement_and_wait_for_receipt(statement)
    older = client.replace(api_version=LEGACY)
    operated = older.submit_signed_statement_and_wait(statement)
    keys = client.get_scitt_keys()
    store = verify.StaticTrustStore(cose_keys=keys)
    transparent = client.get_transparent_statement(waited.tx)
    for given in (transparent, polled.response_bytes, operated.response_bytes):
        verify.verify_transparent_statement(given, store, statement)
    return {
        "versions": [client.get_version()["version"]],
        "registered": [each.tx for each in (waited, polled, proved, operated)],
        "listed": list(client.enumerate_statements()),
        "issuers": [_issuer(waited.response_bytes), _issuer(proved.response_bytes)],
        "kids": [key["kid"] for key in client.get_jwks()["keys"]],
        "keys": [client.get_scitt_key(key[2])[2].decode() for key in keys],
        "refused": [_refusal(client, _stranger()), _refusal(client, b"no statement")],
    }


def offline(told: dict[str, Any]) -> dict[str, Any]:
    """Verify statements by both clients; return what each of them says of each."""
    keys = cbor2.loads(base64.b64decode(told["keys"]))
    store = verify.StaticTrustStore(cose_keys=keys)
    statements = [base64.b64decode(text) for text in told["statements"]]
    return {
        "keys": len(keys),
        "pyscitt": [_by_pyscitt(each, store) for each in statements],
        "scitt-cose": [_by_scitt_cose(each, store) for each in statements],
    }


def _by_pyscitt(transparent: bytes, store: Any) -> bool:  # noqa: ANN401
    try:
        verify.verify_transparent_statement(transparent, store, _bare(transparent))
    except Exception:  # noqa: BLE001 - of many kinds
        return False
    return True


def _by_scitt_cose(transparent: bytes, store: Any) -> bool:  # noqa: ANN401
    (receipt,) = cbor2.loads(transparent).value[1][394]
    key = store.get_key(receipt)
    result = scitt_cose.verify_receipt(
        receipt,
        leaf_entry_hex=sha256(_bare(transparent)).hexdigest(),
        log_public_key_pem=key.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ),
    )
    return bool(result.ok)


def _bare(transparent: bytes) -> bytes:
    """Return a statement without its receipts."""
    protected, _, payload, signature = cbor2.loads(transparent).value
    return cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature]))


def _signer() -> tuple[Any, str]:
    """Make a signer below an authority of its own."""
    root_key, _ = crypto.generate_keypair(kty="ec", ec_curve="P-384")
    root = crypto.generate_cert(root_key, ca=True)
    key, _ = crypto.generate_keypair(kty="ec", ec_curve="P-256")
    leaf = crypto.generate_cert(key, issuer=(root, root_key), add_eku=EKU)
    digest = crypto.get_cert_fingerprint_b64url(root)
    did = f"did:x509:0:sha256:{digest}::eku:{EKU}"
    return crypto.Signer(key, issuer=did, x5c=[leaf, root]), did


def _stranger() -> bytes:
    signer, _ = _signer()
    signed: bytes = crypto.sign_json_statement(signer, {}, feed="image", cwt=True)
    return signed


def _issuer(receipt: bytes) -> str:
    protected = cbor2.loads(cbor2.loads(receipt).value[0])
    return str(protected[15][1])


def _refusal(client: Any, statement: bytes) -> str:  # noqa: ANN401
    try:
        client.submit_signed_statement(statement)
    except service.ServiceError as error:
        return str(error.code)
    return "none"


def main() -> None:
    match sys.argv[1:]:
        case ["live", *words]:
            answer = live(*words)
        case _:
            answer = offline(json.load(sys.stdin))
    sys.stdout.write(json.dumps(answer))


main()
