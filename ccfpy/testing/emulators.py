"""Emulators of services of others: each a process that a test starts and ends.

An emulator listens on ports that are free and is reached by the clients that the other
service has. Its own time runs: nothing here is deterministic.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from ccfpy.base import json
from ccfpy.base.errors import CcfpyError

STOP_TIMEOUT_S = 20.0
_ACL = ("-m", "ccfpy.cli.main", "emulate", "acl", "--fast", "--json")


class EmulatorFailed(CcfpyError):
    """An emulator did not start; the text is what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatedLedger:
    """An emulator of Azure Confidential Ledger, as its clients need to know it.

    Attributes:
        endpoint: the ledger's URL.
        ledger_id: its name at the identity service.
        ledger_certificate: the file with the certificate that clients trust.
        administrator: a file with the certificate and the key of the administrator.
        identity_service: the URL of the identity service.
        token_endpoint: where Azure's credentials take tokens: ``IDENTITY_ENDPOINT``.
        token_secret: what they show there: ``IDENTITY_HEADER``.
        object_id: of the administrator whom a token names.
    """

    endpoint: str
    ledger_id: str
    ledger_certificate: str
    administrator: str
    identity_service: str
    token_endpoint: str
    token_secret: str
    object_id: str

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables by which Azure's credentials find the tokens."""
        return {
            "IDENTITY_ENDPOINT": self.token_endpoint,
            "IDENTITY_HEADER": self.token_secret,
        }


@contextlib.contextmanager
def emulated_ledger(workspace: Path) -> Iterator[EmulatedLedger]:
    """Start an emulator of Azure Confidential Ledger, and end it in every case.

    Args:
        workspace: a folder for its keys and its ledger.

    Raises:
        EmulatorFailed: it does not start.
    """
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *_ACL, "--workspace", str(workspace)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None, "it is a pipe"
        line = process.stdout.readline()
        if not line:
            _, said = process.communicate(timeout=STOP_TIMEOUT_S)
            raise EmulatorFailed(said.decode(errors="replace").strip())
        facts = json.loads_object(line)
        names = [each.name for each in fields(EmulatedLedger)]
        yield EmulatedLedger(**{name: str(facts[name]) for name in names})
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
