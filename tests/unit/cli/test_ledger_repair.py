"""``ccfpy ledger repair`` cuts a ledger back, and keeps what was there."""

import json
from pathlib import Path

import pytest

from tests.unit.audit.made import written
from tests.unit.cli.conftest import Command
from tests.unit.ledger.made import small_ledger


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A ledger of which the second of three files is cut short."""
    folder = written(small_ledger(), tmp_path / "ledger")
    path = folder / "ledger_6-8.committed"
    path.write_bytes(path.read_bytes()[:300])
    return folder


def test_it_asks_first(command: Command, damaged: Path) -> None:
    ended = command("ledger", "repair", damaged)
    assert ended.code == 2
    assert "give --yes" in ended.err
    assert len(list(damaged.iterdir())) == 3


def test_it_repairs_once(command: Command, damaged: Path) -> None:
    ended = command("ledger", "repair", damaged, "--yes")
    backup = damaged.with_name("ledger.before-repair")
    assert ended.code == 0
    assert ended.out.endswith(f"Repaired. What was there is in {backup}.\n")
    assert [path.name for path in damaged.iterdir()] == ["ledger_1-5.committed"]
    assert sorted(path.name for path in backup.iterdir()) == [
        "ledger_6-8.committed",
        "ledger_9",
    ]
    again = command("ledger", "repair", damaged)
    assert again.code == 0
    assert "There is nothing to repair." in again.out
    assert command("ledger", "verify", damaged).code == 0


def test_the_backup_may_be_elsewhere(
    command: Command, damaged: Path, tmp_path: Path
) -> None:
    where = tmp_path / "elsewhere"
    ended = command("ledger", "repair", damaged, "--yes", "--json", "--backup", where)
    assert json.loads(ended.out)["backups"] == [str(where / "ledger")]
    assert len(list((where / "ledger").iterdir())) == 2


def test_a_backup_is_not_written_over(command: Command, damaged: Path) -> None:
    ended = command("ledger", "repair", damaged, "--yes", "--backup", damaged)
    assert ended.code == 2
    assert "not empty" in ended.err
    assert len(list(damaged.iterdir())) == 3


def test_a_ledger_in_use_is_left_alone(command: Command, damaged: Path) -> None:
    with (damaged / "ledger_9").open("ab"):
        ended = command("ledger", "repair", damaged, "--yes")
    assert ended.code == 1
    assert "open for writing" in ended.err
    assert "nothing was changed" in ended.err
    assert len(list(damaged.iterdir())) == 3
