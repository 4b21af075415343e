"""The emulator of a confidential ledger: what it refuses, and its identity service."""

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccfpy.base import json
from ccfpy.cli.addresses import HOST
from ccfpy.cli.emulate_acl import LEDGER_ID_CHARS_MAX, acl
from ccfpy.cli.emulate_acl_run import AclEmulator, AclPlan, IdentityServer
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.terminal import progress_console
from ccfpy.crypto.rsa import RsaKeyPair, private_key_der
from ccfpy.devtools.acl_identity import RESOURCE, TOKEN_PATH, AclIdentity
from ccfpy.devtools.token_signer import TokenSigner
from ccfpy.testing.entropy import SeededEntropy


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port on which somebody listens."""
    with socket.create_server((HOST, 0)) as server:
        port: int = server.getsockname()[1]
        yield port


@pytest.mark.parametrize("ledger_id", ["", "a/b", "a" * (LEDGER_ID_CHARS_MAX + 1)])
def test_a_ledger_has_a_name_that_a_path_can_have(
    ledger_id: str, tmp_path: Path
) -> None:
    with pytest.raises(Misused, match="cannot name a ledger"):
        acl(ledger_id=ledger_id, workspace=tmp_path)


@pytest.mark.parametrize("option", ["port", "identity-port"])
def test_a_port_must_be_free(option: str, taken: int, tmp_path: Path) -> None:
    plan = AclPlan(
        workspace=tmp_path,
        port=taken if option == "port" else 0,
        identity_port=taken if option == "identity-port" else 0,
    )
    emulator = AclEmulator(plan, say=progress_console())
    with pytest.raises(CommandFailed, match=f"port {taken}.*--{option}"):
        asyncio.run(emulator.until_stopped(json=True))
    assert not list(tmp_path.glob("*"))


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
