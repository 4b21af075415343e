"""Tokens of Microsoft Azure Attestation: whose word is taken, and for what."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.json import Json, JsonObject
from ccfpy.client import maa
from ccfpy.client.maa import (
    KEYS_MAX,
    TOKEN_BYTES_MAX,
    AttestationType,
    MaaStep,
    MaaToken,
    keys_of,
    verify_maa_token,
)
from ccfpy.crypto.jwk import encode_base64url
from ccfpy.crypto.rsa import RsaKeyPair, private_key_der
from ccfpy.devtools.token_signer import TokenSigner
from ccfpy.testing.entropy import SeededEntropy

ISSUER = "https://shared.example.attest.azure.net"
NOW_S = 1_750_000_000
SIGNER = TokenSigner(
    RsaKeyPair.from_der(private_key_der()),
    subject="issuer",
    not_before=datetime(2025, 1, 1, tzinfo=UTC),
    entropy=SeededEntropy(1),
)
JWKS = json.dumps({"keys": [SIGNER.jwk]})
SGX: JsonObject = {
    "iss": ISSUER,
    "nbf": NOW_S,
    "exp": NOW_S + 60,
    "x-ms-attestation-type": "sgx",
    "x-ms-sgx-is-debuggable": False,
    "x-ms-sgx-mrenclave": "ab" * 32,
    "x-ms-runtime": {"keys": []},
}
SNP: JsonObject = {
    "x-ms-attestation-type": "sevsnpvm",
    "x-ms-sevsnpvm-is-debuggable": False,
    "x-ms-sevsnpvm-launchmeasurement": "cd" * 48,
    "x-ms-sevsnpvm-hostdata": "ef" * 32,
}


def verify(
    changes: JsonObject | None = None,
    *,
    now_s: int = NOW_S,
    takes_debugged: bool = False,
    taken: list[str] | None = None,
    issuer: str = ISSUER,
) -> MaaToken:
    payload = SGX | (changes or {})
    token = SIGNER.sign({k: v for k, v in payload.items() if v is not None})
    return verify_maa_token(
        token,
        issuer=issuer,
        keys=keys_of(JWKS),
        unix_time_s=now_s,
        takes_debugged=takes_debugged,
        took=([] if taken is None else taken).append,
    )


def test_an_issuers_word_is_taken_for_an_enclave() -> None:
    taken: list[str] = []
    token = verify(taken=taken)
    assert taken == list(MaaStep)
    assert (token.kind, token.issuer) == (AttestationType.SGX, ISSUER)
    assert token.said("measurement") == "ab" * 32
    assert token.said("host_data") is None
    assert token.claims["x-ms-runtime"] == {"keys": []}


@pytest.mark.parametrize("inner", [True, False])
def test_and_for_a_guest_whichever_way_it_is_said(inner: bool) -> None:
    said: JsonObject = {"x-ms-isolation-tee": dict(SNP)} if inner else dict(SNP)
    outer: JsonObject = {"x-ms-attestation-type": "azurevm"} if inner else {}
    token = verify(outer | said)
    assert token.kind is AttestationType.SNP
    assert token.said("measurement") == "cd" * 48
    assert token.said("host_data") == "ef" * 32


@pytest.mark.parametrize(
    ("changes", "step", "reason"),
    [
        ({"iss": "https://other.example"}, MaaStep.ISSUER, "the token is by"),
        ({"iss": ISSUER + "/"}, MaaStep.ISSUER, "the token is by"),
        ({"nbf": None}, MaaStep.TIME, "from when on"),
        ({"nbf": NOW_S + 1}, MaaStep.TIME, "the token is good from"),
        ({"exp": NOW_S}, MaaStep.TIME, "the token is good from"),
        ({"x-ms-attestation-type": "tpm"}, MaaStep.KIND, "of the kind .tpm."),
        ({"x-ms-attestation-type": None}, MaaStep.KIND, "of the kind None"),
        ({"x-ms-attestation-type": ["sgx"]}, MaaStep.KIND, "of the kind"),
        ({"x-ms-sgx-is-debuggable": True}, MaaStep.DEBUG, "debugging"),
        ({"x-ms-sgx-is-debuggable": None}, MaaStep.DEBUG, "debugging"),
        ({"x-ms-sgx-is-debuggable": "false"}, MaaStep.DEBUG, "debugging"),
        ({"x-ms-sgx-is-debuggable": 0}, MaaStep.DEBUG, "debugging"),
    ],
)
def test_each_claim_must_be_as_it_is_wanted(
    changes: JsonObject, step: MaaStep, reason: str
) -> None:
    taken: list[str] = []
    with pytest.raises(VerificationFailed, match=reason):
        verify(changes, taken=taken)
    assert list(MaaStep)[len(taken)] is step


def test_the_last_second_counts_and_the_next_does_not() -> None:
    verify(now_s=NOW_S + 59)
    with pytest.raises(VerificationFailed, match="the token is good from"):
        verify(now_s=NOW_S + 60)


def test_what_is_debugged_is_taken_if_that_is_wanted() -> None:
    debugged: JsonObject = {"x-ms-sgx-is-debuggable": True}
    assert verify(debugged, takes_debugged=True).said("debugged") is True
    with pytest.raises(VerificationFailed):
        verify({"x-ms-sgx-is-debuggable": None}, takes_debugged=True)


def test_no_algorithm_or_key_is_the_senders_choice() -> None:
    payload = encode_base64url(json.dumps(SGX))
    for algorithm in ("none", "HS256", "ES256", "RS512"):
        header = {"alg": algorithm, "kid": SIGNER.key_id}
        token = f"{encode_base64url(json.dumps(header))}.{payload}.AAAA"
        with pytest.raises(CcfpyError):
            verify_maa_token(
                token, issuer=ISSUER, keys=keys_of(JWKS), unix_time_s=NOW_S
            )
    own = TokenSigner(
        RsaKeyPair.from_der(private_key_der()),
        subject="issuer",
        not_before=datetime(2025, 1, 1, tzinfo=UTC),
        entropy=SeededEntropy(2),
    )
    carried: JsonObject = {"jwk": own.jwk, "jku": "https://attacker.example/certs"}
    as_ours: JsonObject = {**carried, "kid": SIGNER.key_id}
    for known in (carried, as_ours):
        with pytest.raises(VerificationFailed, match=r"no RSA key|does not match"):
            verify_maa_token(
                own.sign(SGX, known),
                issuer=ISSUER,
                keys=keys_of(JWKS),
                unix_time_s=NOW_S,
            )


TOKEN = SIGNER.sign(SGX)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("Aa0-_.="))
def test_no_character_of_a_token_can_be_changed(at: int, other: str) -> None:
    if TOKEN[at] == other:
        return
    with pytest.raises(CcfpyError):
        verify_maa_token(
            TOKEN[:at] + other + TOKEN[at + 1 :],
            issuer=ISSUER,
            keys=keys_of(JWKS),
            unix_time_s=NOW_S,
        )


def test_a_token_is_not_read_beyond_its_bound() -> None:
    for size, reason in (
        (TOKEN_BYTES_MAX + 1, "too long"),
        (TOKEN_BYTES_MAX, "3 parts"),
    ):
        with pytest.raises(Malformed, match=reason):
            verify_maa_token("a" * size, issuer="", keys={}, unix_time_s=0)


def test_keys_may_be_numbers_or_certificates() -> None:
    (key,) = keys_of(JWKS).values()
    numbers = RsaKeyPair.from_der(private_key_der()).library_key.public_key()
    n = numbers.public_numbers().n.to_bytes(256, "big")
    jwk = {"kid": "n", "kty": "RSA", "n": encode_base64url(n), "e": "AQAB"}
    assert keys_of(json.dumps({"keys": [jwk]}))["n"].algorithm == key.algorithm


@pytest.mark.parametrize(
    "keys",
    [
        None,
        {},
        [1],
        [{}],
        [{"kid": 1}],
        [{"kid": "k"}],
        [{"kid": "k", "x5c": []}],
        [{"kid": "k", "x5c": "AAAA"}],
        [{"kid": "k", "x5c": ["?"]}],
        [{"kid": "k", "x5c": ["AAAA"]}],
        [{"kid": "k", "n": "AQAB", "e": "AQAB"}],
        [{"kid": "k"}] * (KEYS_MAX + 1),
    ],
)
def test_what_is_no_set_of_keys_is_refused(keys: Json) -> None:
    with pytest.raises(Malformed):
        keys_of(json.dumps({"keys": keys}))


def test_a_key_that_signs_no_tokens_is_refused() -> None:
    certificate = base64.b64encode(SIGNER.certificate_der).decode()
    whole = [{"kid": "k", "x5c": [certificate]}] * KEYS_MAX
    assert list(keys_of(json.dumps({"keys": whole}))) == ["k"]
    assert maa.RUNTIME == "x-ms-runtime"
