"""Commands in the test's own process: what they print, and how they end."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from ccfpy.cli.main import main
from ccfpy.client.keys import OsEntropy
from ccfpy.crypto.certs import service_certificate
from ccfpy.crypto.ec import Curve, KeyPair


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def command(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Run a command to its end."""
    for name in ("WORKSPACE", "INITIAL_MEMBER_COUNT", "CCFPY_URL", "CCFPY_COMMON"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: object) -> Ended:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        code = ended.value.code or 0
        assert isinstance(code, int)
        return Ended(code, *capfd.readouterr())

    return run


@pytest.fixture
def service_folder(tmp_path: Path) -> Path:
    """A folder with a service's certificate, as a sandbox leaves it."""
    entropy = OsEntropy()
    certificate = service_certificate(
        KeyPair.generate(entropy, Curve.SECP256R1),
        subject="CN=service",
        not_before=datetime.now(tz=UTC),
        validity_days=1,
        entropy=entropy,
    )
    folder = tmp_path / "common"
    folder.mkdir()
    (folder / "service_cert.pem").write_text(certificate.pem)
    return folder
