from pathlib import Path

import pytest

from ccfpy.cli.app_path import named_anywhere


def test_what_is_a_path_is_named_from_the_root_and_a_sample_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package").mkdir()
    (tmp_path / "package/__init__.py").touch()
    (tmp_path / "logging").mkdir()
    for path in ("mine.py", "signed.enclave", "package"):
        assert named_anywhere(path) == str(tmp_path / path)
    assert named_anywhere("logging") == "logging"
