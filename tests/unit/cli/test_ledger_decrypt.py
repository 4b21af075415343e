import json
import stat
from pathlib import Path

import pytest

from tests.unit.audit.made import written
from tests.unit.audit.test_ledger_secrets import KEYS, STRANGER, rekeyed_ledger
from tests.unit.cli.conftest import Command


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return written(rekeyed_ledger(), tmp_path / "ledger")


@pytest.fixture
def keys(tmp_path: Path) -> list[Path]:
    """Return members' key files, and at last a stranger's."""
    paths = []
    for number, key in enumerate([*KEYS, STRANGER]):
        paths.append(tmp_path / f"member{number}_enc_privk.pem")
        paths[-1].write_text(key.pem)
    return paths


def test_members_keys_open_private_tables_and_secrets_may_be_kept(
    command: Command, ledger: Path, keys: list[Path], tmp_path: Path
) -> None:
    kept = tmp_path / "secrets.json"
    words = ("--member-key", keys[0], "--member-key", keys[2], "--save-secrets", kept)
    ended = command("ledger", "decrypt", ledger, *words)
    assert ended.code == 0
    assert ended.out.splitlines()[1:3] == ["  messages", "    1: before"]
    assert "after" in ended.out
    assert "public:" not in ended.out
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    again = command("ledger", "decrypt", ledger, "--secrets", kept, "--json")
    shown = [json.loads(line) for line in again.out.splitlines()]
    assert [each["transaction"] for each in shown] == ["2.2", "2.5"]
    one = command("ledger", "decrypt", ledger, "--secrets", kept, "--from", 3)
    assert "before" not in one.out
    taken = command("ledger", "decrypt", ledger, *words)
    assert taken.code == 2
    assert "is there already" in taken.err


def test_too_few_keys_open_nothing(
    command: Command, ledger: Path, keys: list[Path]
) -> None:
    words = ("--member-key", keys[0], "--member-key", keys[3])
    ended = command("ledger", "decrypt", ledger, *words)
    assert ended.code == 1
    assert "the ledger stays closed: 1 of 2 recovery shares" in ended.err
    assert not ended.out


def test_another_ledgers_secrets_open_nothing(
    command: Command, ledger: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "secrets.json"
    kept.write_text(json.dumps({"1": "77" * 32}))
    ended = command("ledger", "decrypt", ledger, "--secrets", kept)
    assert ended.code == 1
    assert "transaction 2.1 does not open" in ended.err
    assert "7777" not in ended.err


def test_files_that_are_none_are_mistakes(
    command: Command, ledger: Path, tmp_path: Path
) -> None:
    noise = tmp_path / "noise"
    noise.write_text("noise")
    ended = command("ledger", "decrypt", ledger, "--secrets", noise)
    assert ended.code == 2
    assert "holds no ledger secrets" in ended.err
    ended = command("ledger", "decrypt", ledger, "--member-key", noise)
    assert ended.code == 2
    assert "no private encryption key" in ended.err
    absent = tmp_path / "absent"
    assert command("ledger", "decrypt", ledger, "--secrets", absent).code == 1
    assert command("ledger", "decrypt", ledger, "--member-key", absent).code == 1
    assert command("ledger", "decrypt", ledger).code == 2
    both = ("--secrets", noise, "--member-key", noise)
    assert command("ledger", "decrypt", ledger, *both).code == 2
