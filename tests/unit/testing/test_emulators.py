"""Emulators as a test starts them: what is said of one that does not start."""

from pathlib import Path

import pytest

from ccfpy.testing.emulators import EmulatorFailed, emulated_ledger


@pytest.mark.slow
def test_an_emulator_that_does_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "acl_0").mkdir()
    with (
        pytest.raises(EmulatorFailed, match="is there already and is no node's folder"),
        emulated_ledger(tmp_path),
    ):
        raise AssertionError("it does not start")
