"""Tokens without hardware: SoftHSM, in a separate folder.

If SoftHSM is not installed, a test is skipped; in CI, where it must be, the test fails.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from ccfpy.client.keys import write_private

CONFIGURATION = "SOFTHSM2_CONF"
"""The variable with the path of SoftHSM's own configuration."""
SECURITY_OFFICER_PIN = "271828"
TIMEOUT_S = 60
_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)


class SoftHsm:
    """One folder of tokens.

    Attributes:
        module: the library that accesses the tokens.
        environment: the variables with which the library finds them.
    """

    def __init__(self, folder: Path) -> None:
        self.module = find_module()
        tokens = folder / "tokens"
        tokens.mkdir()
        configuration = folder / "softhsm2.conf"
        configuration.write_text(
            f"directories.tokendir = {tokens}\nlog.level = ERROR\n"
        )
        self._folder = folder
        self.environment = {CONFIGURATION: str(configuration)}

    def make_token(self, label: str, pin: str) -> None:
        """Make a token. A process that has already loaded the module may not see the
        token."""
        words = ["--init-token", "--free", "--label", label, "--pin", pin]
        self._do(*words, "--so-pin", SECURITY_OFFICER_PIN)

    def put_key(self, token: str, pin: str, *, pem: str, label: str, id_: str) -> None:
        """Put a private key, PEM PKCS#8, into a token."""
        path = self._folder / "key.pem"
        write_private(path, pem)
        words = ["--import", str(path), "--token", token, "--pin", pin]
        self._do(*words, "--label", label, "--id", id_)
        path.unlink()

    def _do(self, *words: str) -> None:
        done = subprocess.run(
            ["softhsm2-util", *words],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def find_module() -> Path:
    """Find SoftHSM's library, or skip the test that needs it."""
    found = next((Path(path) for path in _MODULES if Path(path).is_file()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        _missing("SoftHSM is not here: apt-get install softhsm2")
    return found


def _missing(message: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
