"""Commands in the test's own process: what they print, and how they end."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from ccfpy.cli.main import main


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
