"""The emulator of a confidential ledger: what it refuses before it starts a node."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccfpy.cli.addresses import HOST
from ccfpy.cli.emulate_acl import LEDGER_ID_CHARS_MAX, acl
from ccfpy.cli.emulate_acl_run import AclEmulator, AclPlan
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.terminal import progress_console


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
