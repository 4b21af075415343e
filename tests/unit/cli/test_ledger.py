import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccfpy.audit.chunks import arrange
from ccfpy.ledger.chunk import Chunk, ChunkName
from tests.unit.cli.conftest import Command

SERVICE = "cose_flipflop_service"
LAST = 46
"""The seqno of its last transaction."""


@pytest.fixture
def ledger(ccf_services: Path, tmp_path: Path) -> Path:
    """A recorded ledger to damage."""
    folder = tmp_path / "ledger"
    folder.mkdir()
    for path in (ccf_services / SERVICE / "ledger").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def _chunks(folder: Path) -> list[Path]:
    return [folder / str(name) for name in arrange(p.name for p in folder.iterdir())]


def test_a_recorded_ledger_is_whole(command: Command, ledger: Path) -> None:
    ended = command("ledger", "verify", ledger)
    assert ended.code == 0
    assert "The ledger is whole: 46 transactions, 23 signatures" in ended.out
    lines = command("ledger", "verify", ledger, "--json").out.splitlines()
    findings = [json.loads(line) for line in lines]
    assert findings[-1]["finding"] == "Summary"
    assert findings[-1]["last_signed"] == "2.46"
    seen = [f for f in findings if f["finding"] == "ServiceSeen"]
    assert [f["status"] for f in seen] == ["Opening", "Open"]


def test_a_ledger_in_two_folders_is_one(
    command: Command, ledger: Path, tmp_path: Path
) -> None:
    more = tmp_path / "more"
    more.mkdir()
    last = _chunks(ledger)[-1]
    last.rename(more / last.name)
    assert "46 transactions" in command("ledger", "verify", ledger, more).out
    assert "46 transactions" not in command("ledger", "verify", ledger).out


def test_a_missing_chunk_is_damage(command: Command, ledger: Path) -> None:
    _chunks(ledger)[0].unlink()
    ended = command("ledger", "verify", ledger)
    assert ended.code == 1
    assert "DAMAGED" in ended.out
    assert "No transaction of the ledger can be believed" in ended.out


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_changed_bit_brings_a_command_down(
    command: Command, ledger: Path, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(_chunks(ledger)))
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(changed)
    try:
        ended = command("ledger", "verify", ledger)
        assert ended.code == 1 or _is_in_last_entry(path, whole, place)
        assert ("DAMAGED: " in ended.out) is (ended.code == 1)
        assert ended.err == ""
        assert command("ledger", "show", ledger).code in (0, 1)
    finally:
        path.write_bytes(whole)


def _is_in_last_entry(path: Path, whole: bytes, place: int) -> bool:
    """Return whether a place is in the ledger's last entry.

    It is a signature, and no later one covers what it does not sign itself.
    """
    chunk = Chunk.parse(ChunkName.parse(path.name), whole)
    return chunk.last == LAST and chunk.positions[-1] <= place < chunk.end


@pytest.mark.slow
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_cut_brings_a_command_down(
    command: Command, ledger: Path, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(_chunks(ledger)))
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    try:
        assert command("ledger", "verify", ledger).code == 1
        assert command("ledger", "show", ledger).code in (0, 1)
    finally:
        path.write_bytes(whole)


def test_transactions_are_shown_by_seqno_and_table(
    command: Command, ledger: Path
) -> None:
    ended = command("ledger", "show", ledger, "--from", 2, "--to", 4, "--json")
    shown = [json.loads(line) for line in ended.out.splitlines()]
    assert [fields["transaction"] for fields in shown] == ["2.2", "2.3", "2.4"]
    assert shown[0]["is_signature"] is True
    assert shown[0]["private_bytes"] == 0
    text = command("ledger", "show", ledger, "--tables", "gov.constitution").out
    assert text.startswith("2.1")
    assert "…" in text
    full = command("ledger", "show", ledger, "--tables", "gov.constitution", "--full")
    assert len(full.out) > 10 * len(text)


@pytest.mark.parametrize("subcommand", ["verify", "show"])
def test_a_folder_without_a_ledger_is_named(
    command: Command, tmp_path: Path, subcommand: str
) -> None:
    ended = command("ledger", subcommand, tmp_path)
    assert ended.code == 2
    assert "no ledger files in" in ended.err
    assert command("ledger", subcommand, tmp_path / "absent").code == 1
    file = tmp_path / "file"
    file.touch()
    assert "is a file" in command("ledger", subcommand, file).err


def test_a_chunk_is_split_into_parts_that_verify(
    command: Command, ledger: Path, tmp_path: Path
) -> None:
    *_, chunk = _chunks(ledger)
    parts = tmp_path / "parts"
    ended = command("ledger", "split", chunk, 20, "--output-dir", parts)
    assert ended.code == 0
    assert len(ended.out.splitlines()) == 2
    chunk.unlink()
    assert "46 transactions" in command("ledger", "verify", ledger, parts).out
    listed = command("ledger", "split", *_split(parts), "--json", "--output-dir", parts)
    assert listed.code in (0, 1)


def _split(parts: Path) -> tuple[Path, int]:
    first = _chunks(parts)[0]
    return first, int(first.name.split("_")[1].split("-")[0])
