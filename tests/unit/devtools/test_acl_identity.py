"""The mock of what stands around Azure Confidential Ledger: names, and tokens."""

from datetime import UTC, datetime

import pytest

from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.jwt import TokenKey, parse
from ccfpy.crypto.rsa import RsaKeyPair, private_key_der
from ccfpy.devtools.acl_identity import (
    ISSUER,
    RESOURCE,
    SECRET_HEADER,
    TOKEN_LIFE_S,
    TOKEN_PATH,
    AclIdentity,
)
from ccfpy.devtools.token_signer import TokenSigner
from ccfpy.testing.entropy import SeededEntropy

NOW_S = 1_750_000_000
OBJECT_ID = "7f3c2a10-0b1d-4c55-9d27-1f0e5a6b7c8d"
OTHER_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
SIGNER = TokenSigner(
    RsaKeyPair.from_der(private_key_der()),
    subject="mock",
    not_before=datetime(2025, 1, 1, tzinfo=UTC),
    entropy=SeededEntropy(1),
)
PUBLIC_KEY = Certificate.from_der(SIGNER.certificate_der).public_key_der
SHOWN = {SECRET_HEADER: "secret"}
IDENTITY = AclIdentity(
    certificate="PEM",
    ledger_ids=["emulated", "127"],
    signer=SIGNER,
    secret="secret",
    object_id=OBJECT_ID,
)


@pytest.mark.parametrize("ledger_id", ["emulated", "127"])
def test_a_ledger_is_known_by_its_names(ledger_id: str) -> None:
    target = f"/ledgerIdentity/{ledger_id}?api-version=2022-05-13"
    answer = IDENTITY.get(target, {}, unix_time_s=NOW_S)
    assert answer.status == 200
    assert answer.body == {"ledgerId": ledger_id, "ledgerTlsCertificate": "PEM"}


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/ledgerIdentity/other", {}, 404),
        ("/ledgerIdentity", {}, 404),
        ("/", {}, 404),
        (f"{TOKEN_PATH}?resource={RESOURCE}", {}, 401),
        (f"{TOKEN_PATH}?resource={RESOURCE}", {SECRET_HEADER: "ü"}, 401),
        (TOKEN_PATH, SHOWN, 400),
        (f"{TOKEN_PATH}?resource=https://vault.azure.net", SHOWN, 400),
        (f"{TOKEN_PATH}?resource={RESOURCE}&object_id=me", SHOWN, 400),
    ],
)
def test_nothing_else_is_answered(
    target: str, headers: dict[str, str], status: int
) -> None:
    assert IDENTITY.get(target, headers, unix_time_s=NOW_S).status == status


@pytest.mark.parametrize(
    ("query", "object_id"), [("", OBJECT_ID), (f"&object_id={OTHER_ID}", OTHER_ID)]
)
def test_a_token_names_a_user(query: str, object_id: str) -> None:
    target = f"{TOKEN_PATH}?api-version=2019-08-01&resource={RESOURCE}{query}"
    answer = IDENTITY.get(target, SHOWN, unix_time_s=NOW_S)
    assert answer.status == 200
    token = parse(str(answer.body["access_token"]))
    TokenKey.from_der(PUBLIC_KEY).verify(token)
    assert (token.issuer, token.expires_at) == (ISSUER, NOW_S + TOKEN_LIFE_S)
    assert (token.payload["aud"], token.payload["oid"]) == (RESOURCE, object_id)
    assert answer.body["expires_on"] == str(NOW_S + TOKEN_LIFE_S)


def test_members_are_told_the_key() -> None:
    arguments = IDENTITY.trust()["args"]
    assert isinstance(arguments, dict)
    assert arguments["issuer"] == ISSUER
    assert arguments["auto_refresh"] is False
