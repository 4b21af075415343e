"""The command's options."""

from pathlib import Path

import pytest

from tests.lab.moving.__main__ import main
from tests.lab.moving.build import BUILD


def test_the_files_of_an_earlier_run_are_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--workspace", str(tmp_path)])
    assert "is there already" in capsys.readouterr().err


def test_a_run_needs_a_build(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(BUILD, raising=False)
    with pytest.raises(SystemExit):
        main([])
    assert "CCF_BUILD names no build of C++ CCF" in capsys.readouterr().err
