"""``ccfpy recover --inspect``, and what is refused before anything starts.

That a service comes back, and how members take part, is in ``tests/e2e``.
"""

import json
from pathlib import Path

import pytest

from ccfpy.audit.inspection_report import ACKNOWLEDGED
from ccfpy.client.keys import KeyFiles, generate_keys
from ccfpy.crypto.ec import Curve
from tests.unit.audit.made import written
from tests.unit.cli.conftest import Command
from tests.unit.ledger.made import (
    FIRST,
    SECOND,
    MadeLedger,
    recovered_ledger,
    small_ledger,
)

ANY_PORT = ("--node", "local://127.0.0.1:0")


@pytest.fixture
def pile(tmp_path: Path) -> Path:
    """One node's ledger, with an end that nobody signed."""
    ledger = small_ledger()
    ledger.say("unsigned")
    written(ledger, tmp_path / "a")
    return tmp_path


def test_an_inspection_says_what_is_restored_and_what_is_lost(
    command: Command, pile: Path
) -> None:
    ended = command("recover", pile, "--inspect")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        f"Service {FIRST.certificate.digest_hex}",
        "  was Open; what is restored ends at 2.10",
        "  ledger: transactions 1 to 10, of 3 files; known to be committed: up to 8",
        "  members: none has a recovery share",
        "  lost: transaction 11, which nobody had signed",
        f"  acknowledged writes: {ACKNOWLEDGED}",
        "  files:",
        f"    {pile}/a/ledger_9: taken, unsigned to 11",
    ]


def test_damage_and_gaps_exit_with_1(command: Command, pile: Path) -> None:
    (pile / "a/ledger_6-8.committed").unlink()
    ended = command("recover", pile, "--inspect")
    assert ended.code == 1
    assert "  lost: transactions 6 to 11, see below" in ended.out
    assert "  missing: transactions 6 to 8 (ledger_6-8, or several" in ended.out
    assert f"    {pile}/a/ledger_9: beyond" in ended.out
    told = json.loads(command("recover", pile, "--inspect", "--json").out)
    assert told["services"][0]["missing"] == [[6, 8]]
    assert told["services"][0]["last_signed"] == "2.5"


def test_of_two_services_one_must_be_chosen(command: Command, pile: Path) -> None:
    other = MadeLedger(identity=SECOND)
    other.put(SECOND.create())
    other.sign()
    written(other, pile / "b")
    ended = command("recover", pile, "--inspect")
    assert ended.code == 0
    assert f"    {pile}/b/ledger_1: taken" in ended.out
    assert f"    {pile}/a/ledger_1-5.committed: taken" in ended.out
    refused = command("recover", pile, "--yes")
    assert refused.code == 2
    assert SECOND.certificate.digest_hex[:8] in refused.err
    asked = command(
        "recover", pile, "--service", FIRST.certificate.digest_hex[:6], *ANY_PORT
    )
    assert "give --yes" in asked.err


def test_the_identity_that_is_given_must_be_the_lost_one(
    command: Command, tmp_path: Path
) -> None:
    written(recovered_ledger(), tmp_path / "a")
    before, lost = tmp_path / "before.pem", tmp_path / "lost.pem"
    before.write_text(FIRST.certificate.pem)
    lost.write_text(SECOND.certificate.pem)
    ended = command("recover", tmp_path, "--identity", before, "--yes")
    assert ended.code == 1
    assert "it has been recovered since" in ended.err
    assert (
        "give --yes" in command("recover", tmp_path, "--identity", lost, *ANY_PORT).err
    )
    lost.write_text("noise")
    ended = command("recover", tmp_path, "--identity", lost)
    assert ended.code == 2
    assert "is no certificate" in ended.err


def test_a_service_that_still_runs_is_not_recovered(
    command: Command, pile: Path
) -> None:
    with (pile / "a/ledger_9").open("ab"):
        assert command("recover", pile, "--inspect").code == 0
        ended = command("recover", pile, "--yes")
    assert ended.code == 1
    assert "it is not lost" in ended.err


def test_a_member_must_be_the_services(command: Command, pile: Path) -> None:
    files = KeyFiles(folder=pile, name="member0")
    generate_keys(files, curve=Curve.SECP256R1, with_encryption_key=False)
    ended = command("recover", pile, "--member", pile / "member0", "--yes")
    assert ended.code == 2
    assert "is of no member of the lost service" in ended.err
    ended = command("recover", pile, "--member", pile / "member1", "--yes")
    assert "give --member FOLDER/NAME" in ended.err


def test_nothing_is_found_in_other_folders(command: Command, tmp_path: Path) -> None:
    assert command("recover", tmp_path).code == 2
    assert command("recover", tmp_path / "absent").code == 2
    (tmp_path / "ledger_7").write_bytes(b"noise")
    ended = command("recover", tmp_path)
    assert ended.code == 1
    assert "nothing can be restored" in ended.err
    assert "Of no service that can be restored, or after files that" in ended.out


def test_a_file_that_nothing_leads_to_exits_with_1(
    command: Command, pile: Path
) -> None:
    (pile / "a/ledger_90").write_bytes(b"noise")
    assert command("recover", pile, "--inspect").code == 1
    asked = command("recover", pile, *ANY_PORT)
    assert "up to 2.10, and leave 1 file of no known service?" in asked.err
