"""Keys of stand-ins for token issuers."""

from datetime import UTC, datetime

import pytest

from ccfpy.base import json
from ccfpy.base.errors import VerificationFailed
from ccfpy.client.maa import keys_of
from ccfpy.crypto import jwt
from ccfpy.crypto.rsa import RsaKeyPair, private_key_der
from ccfpy.devtools.token_signer import TokenSigner
from ccfpy.testing.entropy import SeededEntropy


def signer(seed: int = 1) -> TokenSigner:
    return TokenSigner(
        RsaKeyPair.from_der(private_key_der()),
        subject="issuer",
        not_before=datetime(2025, 1, 1, tzinfo=UTC),
        entropy=SeededEntropy(seed),
    )


def test_a_token_verifies_under_the_key_that_is_published() -> None:
    issuer = signer()
    token = jwt.parse(issuer.sign({"iss": "me", "exp": 2}, {"jku": "nowhere"}))
    keys = keys_of(json.dumps({"keys": [issuer.jwk]}))
    keys[token.key_id].verify(token)
    assert (token.algorithm, token.header["jku"]) == ("RS256", "nowhere")


def test_under_no_other() -> None:
    token = jwt.parse(signer().sign({"iss": "me", "exp": 2}))
    (other,) = keys_of(json.dumps({"keys": [signer(2).jwk]})).values()
    with pytest.raises(VerificationFailed):
        other.verify(token)
