import json
import shutil
from pathlib import Path

import pytest

from ccfpy.ledger.chunk import ChunkName
from tests.unit.audit.made import FIRST_MEMBER, written
from tests.unit.audit.test_governance import info, member, proposal
from tests.unit.cli.conftest import Command
from tests.unit.ledger.made import MadeLedger


def test_a_recorded_services_history_is_told(
    command: Command, ccf_services: Path
) -> None:
    ended = command("ledger", "history", ccf_services / "cose_flipflop_service/ledger")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0] == "2.1: member 46d2a7518877 is Accepted"
    assert lines[3].startswith("2.7: member 46d2a7518877 proposed e3cbb44b5731: set_js")
    assert lines[5] == "2.9: e3cbb44b5731 is Accepted, 46d2a7518877 for it"
    assert "(signed 2025-05-14 09:38:30)" in lines[4]


@pytest.mark.newest
def test_one_proposal_is_asked_for(command: Command, ccf_services: Path) -> None:
    folder = ccf_services / "cose_flipflop_service" / "ledger"
    words = ("--proposal", "9b38", "--full", "--json", "--processes", 2)
    ended = command("ledger", "history", folder, *words)
    events = [json.loads(line) for line in ended.out.splitlines()]
    assert [event["event"] for event in events] == ["Proposed", "Voted", "Decided"]
    assert events[0]["actions"] == ["trigger_ledger_chunk"]
    assert events[0]["txid"] == "2.43"


def test_a_service_of_before_cose_is_told_as_well(
    command: Command, ccf_services: Path
) -> None:
    ended = command("ledger", "history", ccf_services / "eol_service" / "ledger")
    assert ended.code == 0
    assert ended.out.count("(signed") == 93


@pytest.mark.parametrize("words", [(), ("--full",)])
def test_an_unproven_act_is_a_failure(
    command: Command, tmp_path: Path, words: tuple[str, ...]
) -> None:
    ledger = MadeLedger()
    ledger.put(member(FIRST_MEMBER))
    ledger.put({**proposal(), **info(ballots={FIRST_MEMBER.id: "x" * 200})})
    ledger.put(info("Withdrawn"))
    ledger.put({"public:ccf.gov.members.info": {FIRST_MEMBER.id.encode(): None}})
    ended = command("ledger", "history", written(ledger, tmp_path), *words)
    assert ended.code == 1
    assert ended.out.count("(UNPROVEN: no signed request beside it)") == 3
    assert ("…" in ended.out) is (not words)
    assert "withdrew" in ended.out
    assert "is removed" in ended.out


def test_files_that_begin_late_are_said_to_prove_less(
    command: Command, ccf_services: Path, tmp_path: Path
) -> None:
    whole = ccf_services / "cose_flipflop_service" / "ledger"
    for file in sorted(whole.glob("ledger_*"), key=_first)[1:]:
        shutil.copy(file, tmp_path)
    ended = command("ledger", "history", tmp_path)
    assert ended.code == 1
    assert "whom the service did not know" in ended.out
    assert "the files begin at " in ended.err
    assert "add the folder with earlier files" in ended.err
    assert "the files begin" not in command("ledger", "history", tmp_path, whole).err


def _first(file: Path) -> int:
    return ChunkName.parse(file.name).first
