"""The command's options."""

import pytest

from ccfpy.testing.faults.__main__ import main


def test_an_unknown_fault_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--faults", "kill,flood"])
    assert "choose from kill, stop" in capsys.readouterr().err
