"""``ccfpy ledger check`` tells what verifies, and ``repair`` keeps what was there."""

import json
from pathlib import Path

import pytest

from tests.unit.audit.made import written
from tests.unit.cli.conftest import Command
from tests.unit.ledger.made import FIRST, small_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger of two committed chunks and an open one."""
    return written(small_ledger(), tmp_path / "ledger")


def test_a_sound_ledger(command: Command, ledger: Path) -> None:
    ended = command("ledger", "check", ledger)
    assert ended.code == 0
    assert ended.out == (
        "The last signature that verifies is 2.10, of the service with certificate "
        f"{FIRST.certificate.digest_hex}.\nThere is nothing to repair.\n"
    )


def test_an_end_that_nobody_signed_is_no_fault(
    command: Command, tmp_path: Path
) -> None:
    made = small_ledger()
    made.say("unsigned")
    folder = written(made, tmp_path / "ledger")
    with (folder / "ledger_9").open("ab") as file:
        file.write(b"torn")
    ended = command("ledger", "check", folder)
    assert ended.code == 0
    assert ended.out.startswith(
        f"{folder}/ledger_9: 1 transaction that nobody has signed, and 4 bytes of an "
        "unfinished transaction\n"
    )
    assert f"  cuts   {folder}/ledger_9 after 10: ledger_9\n" in ended.out


def test_damage_is_told_with_what_it_costs(command: Command, ledger: Path) -> None:
    path = ledger / "ledger_6-8.committed"
    path.write_bytes(path.read_bytes().replace(b"public:log", b"public:lag", 1))
    before = {each.name: each.read_bytes() for each in ledger.iterdir()}
    ended = command("ledger", "check", ledger)
    assert ended.code == 1
    assert f"DAMAGED: {path} at 8, transaction 6: " in ended.out
    assert f"  moves  {path} away\n  moves  {ledger}/ledger_9 away\n" in ended.out
    assert "Transactions 6 to 10 would no longer be in it." in ended.out
    told = json.loads(command("ledger", "check", ledger, "--json").out)
    assert told["is_damaged"]
    assert told["last_signed"] == "2.5"
    assert {each.name: each.read_bytes() for each in ledger.iterdir()} == before


def test_missing_transactions_are_named(command: Command, ledger: Path) -> None:
    (ledger / "ledger_6-8.committed").unlink()
    ended = command("ledger", "check", ledger)
    assert ended.code == 1
    assert "MISSING: transactions 6 to 8" in ended.out


def test_what_is_no_ledger_is_a_mistake(
    command: Command, ledger: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    assert command("ledger", "check", tmp_path / "empty").code == 2
    assert command("ledger", "check", ledger / "ledger_9").code == 2
    assert command("ledger", "check", tmp_path / "absent").code == 1
    (ledger / "ledger_1-5.committed").unlink()
    ended = command("ledger", "check", ledger)
    assert ended.code == 1
    assert "the ledger begins at seqno 6" in ended.err
    ended = command("ledger", "check", ledger, "--snapshot", ledger / "ledger_9")
    assert ended.code == 1
    assert "cannot be begun with" in ended.err


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
