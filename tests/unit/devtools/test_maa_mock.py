"""The stand-in for Azure Attestation: it looks, and says what it saw."""

from datetime import UTC, datetime

import pytest

from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.maa import AttestationType, MaaToken, keys_of, verify_maa_token
from ccfpy.crypto.jwk import decode_base64url, encode_base64url
from ccfpy.crypto.rsa import RsaKeyPair, private_key_der
from ccfpy.devtools.maa_mock import OE_QUOTE_HEADER, POLICY, TOKEN_LIFE_S, MaaMock
from ccfpy.devtools.token_signer import TokenSigner
from ccfpy.testing.entropy import SeededEntropy
from tests.damage import with_a_bit_changed
from tests.unit.attestation.hardware import NOW_S, chain_of, recorded, report_of

ISSUER = "https://127.0.0.1:1"
MOCK = MaaMock(
    ISSUER,
    TokenSigner(
        RsaKeyPair.from_der(private_key_der()),
        subject="mock",
        not_before=datetime(2025, 1, 1, tzinfo=UTC),
        entropy=SeededEntropy(1),
    ),
)
QUOTE = recorded("sgx_node.quote")
HELD = QUOTE[-80:]
"""What Open Enclave put after the quote is what its report data is the digest of."""


def b64(data: bytes) -> str:
    return encode_base64url(data)


def ask(path: str, request: JsonObject) -> JsonObject:
    answer = MOCK.post(path, json.dumps(request), unix_time_s=NOW_S)
    assert (answer.status, list(answer.body)) == (200, ["token"])
    return answer.body


def verified(answer: JsonObject, *, takes_debugged: bool = False) -> MaaToken:
    keys = keys_of(json.dumps(MOCK.get("/certs", unix_time_s=NOW_S).body))
    token = answer["token"]
    assert isinstance(token, str)
    return verify_maa_token(
        token,
        issuer=ISSUER,
        keys=keys,
        unix_time_s=NOW_S,
        takes_debugged=takes_debugged,
    )


@pytest.mark.parametrize(
    ("path", "name", "prefix"),
    [
        ("/attest/SgxEnclave", "quote", b""),
        (
            "/attest/OpenEnclave",
            "report",
            OE_QUOTE_HEADER + len(QUOTE).to_bytes(8, "little"),
        ),
    ],
)
def test_a_real_quote_gets_a_token_that_we_verify(
    path: str, name: str, prefix: bytes
) -> None:
    request: JsonObject = {
        name: b64(prefix + QUOTE),
        "runtimeData": {"data": b64(HELD), "dataType": "Binary"},
        "nonce": "of ours",
    }
    token = verified(ask(path, request))
    assert token.kind is AttestationType.SGX
    assert token.said("measurement") == recorded("sgx_node.quote")[112:144].hex()
    assert token.said("product") == token.said("svn") == 1
    assert token.claims["nonce"] == "of ours"
    assert decode_base64url(str(token.claims["x-ms-sgx-ehd"])) == HELD
    assert token.expires_at - token.not_before == TOKEN_LIFE_S


def test_a_debugged_enclave_gets_one_that_says_so() -> None:
    quote = recorded("sgx_debugged.quote")
    refused = MOCK.post(
        "/attest/SgxEnclave", json.dumps({"quote": b64(quote)}), unix_time_s=NOW_S
    )
    assert refused.status == 400


def test_a_real_report_gets_a_token_too() -> None:
    wrapped = {
        "SnpReport": b64(report_of("milan")),
        "VcekCertChain": b64(chain_of("milan")),
    }
    token = verified(ask("/attest/SevSnpVm", {"report": b64(json.dumps(wrapped))}))
    assert token.kind is AttestationType.SNP
    assert token.said("host_data") == report_of("milan")[0x0C0:0x0E0].hex()


def test_tokens_differ() -> None:
    request: JsonObject = {"quote": b64(QUOTE)}
    tokens = [verified(ask("/attest/SgxEnclave", request)).claims for _ in range(2)]
    assert tokens[0]["jti"] != tokens[1]["jti"]


def test_json_behind_the_report_data_is_told_as_json() -> None:
    """Nobody holds a quote about such JSON here; the digest decides first."""
    request: JsonObject = {
        "quote": b64(QUOTE),
        "runtimeData": {"data": b64(b"{}"), "dataType": "JSON"},
    }
    refused = MOCK.post("/attest/SgxEnclave", json.dumps(request), unix_time_s=NOW_S)
    assert refused.body["error"] == {
        "code": "AttestationFailed",
        "message": "the report data is not the digest of runtimeData",
    }


@pytest.mark.parametrize(
    ("path", "request_", "code"),
    [
        ("/attest/SgxEnclave", {}, "InvalidParameter"),
        ("/attest/SgxEnclave", {"quote": "AAAA"}, "InvalidParameter"),
        ("/attest/SgxEnclave", {"quote": "?"}, "InvalidParameter"),
        ("/attest/OpenEnclave", {"report": b64(QUOTE)}, "InvalidParameter"),
        ("/attest/SevSnpVm", {"report": b64(b"{}")}, "InvalidParameter"),
        (
            "/attest/SgxEnclave",
            {"quote": b64(QUOTE), "runtimeData": 1},
            "InvalidParameter",
        ),
        (
            "/attest/SgxEnclave",
            {"quote": b64(with_a_bit_changed(QUOTE, 500))},
            "AttestationFailed",
        ),
        ("/attest/Tpm", {}, "ResourceNotFound"),
        ("/other", {}, "ResourceNotFound"),
    ],
)
def test_what_it_cannot_believe_it_refuses(
    path: str, request_: JsonObject, code: str
) -> None:
    answer = MOCK.post(path, json.dumps(request_), unix_time_s=NOW_S)
    error: Json = answer.body["error"]
    assert isinstance(error, dict)
    assert error["code"] == code
    assert answer.status == (404 if code == "ResourceNotFound" else 400)


def test_what_it_says_of_itself() -> None:
    metadata = MOCK.get("/.well-known/openid-configuration", unix_time_s=NOW_S)
    assert metadata.body["jwks_uri"] == f"{ISSUER}/certs"
    policy = MOCK.get("/policies/SgxEnclave", unix_time_s=NOW_S)
    text = str(policy.body["token"]).split(".")[1]
    stored = json.loads_object(decode_base64url(text))["x-ms-policy"]
    body = json.loads_object(decode_base64url(str(stored).split(".")[1]))
    assert decode_base64url(str(body["AttestationPolicy"])).decode() == POLICY
    assert MOCK.get("/nothing", unix_time_s=NOW_S).status == 404
    assert MOCK.get("/policies/Other", unix_time_s=NOW_S).status == 404
