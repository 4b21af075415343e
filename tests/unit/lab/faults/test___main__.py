"""The command's options."""

from pathlib import Path

import pytest

from tests.lab.faults.__main__ import main


def test_the_files_of_an_earlier_run_are_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--faults", "kill", "--workspace", str(tmp_path)])
    assert "is there already" in capsys.readouterr().err


def test_an_unknown_fault_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--faults", "kill,flood"])
    assert "choose from kill, stop" in capsys.readouterr().err
