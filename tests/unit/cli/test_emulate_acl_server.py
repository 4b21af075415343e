"""The server of the mocked identity service, asked over HTTP."""

import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest

from ccfpy.base import json
from ccfpy.cli.emulate_acl_server import IdentityServer
from ccfpy.crypto.rsa import RsaKeyPair, private_key_der
from ccfpy.devtools.acl_identity import RESOURCE, TOKEN_PATH, AclIdentity
from ccfpy.devtools.token_signer import TokenSigner
from ccfpy.testing.entropy import SeededEntropy


def test_it_answers_as_the_service_says() -> None:
    with IdentityServer(0) as server:
        server.service = AclIdentity(
            certificate="PEM",
            ledger_ids=["emulated"],
            signer=TokenSigner(
                RsaKeyPair.from_der(private_key_der()),
                subject="mock",
                not_before=datetime(2025, 1, 1, tzinfo=UTC),
                entropy=SeededEntropy(1),
            ),
            secret="secret",
            object_id="7f3c2a10-0b1d-4c55-9d27-1f0e5a6b7c8d",
        )
        with server.serving():
            url = f"{server.url}/ledgerIdentity/emulated?api-version=2022-05-13"
            with urllib.request.urlopen(url) as answer:
                told = json.loads_object(answer.read())
            assert told["ledgerTlsCertificate"] == "PEM"

            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{server.url}/ledgerIdentity/other")
            refused.value.close()
            assert refused.value.code == 404

            asked = urllib.request.Request(
                f"{server.url}{TOKEN_PATH}?resource={RESOURCE}",
                headers={"X-IDENTITY-HEADER": "secret"},
            )
            with urllib.request.urlopen(asked) as answer:
                assert "access_token" in json.loads_object(answer.read())
