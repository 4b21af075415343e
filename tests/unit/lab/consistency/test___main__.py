"""The command: files and folders in, a word out."""

from dataclasses import replace
from pathlib import Path

import pytest

from ccfpy.base.ids import TxId
from ccfpy.ledger.chunk import header
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.testing.entropy import SeededEntropy
from tests.lab.consistency.__main__ import main
from tests.lab.consistency.history import write_history
from tests.unit.lab.consistency.generated import generate
from tests.unit.ledger.sealed import seal


def test_a_history_that_holds_one_that_does_not_and_one_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = generate(3)
    good, bad, none = (tmp_path / name for name in ("good", "bad", "none"))
    good.write_bytes(b"".join(write_history(history)))
    spoilt = replace(history, events=[*history.events, history.events[0]])
    bad.write_bytes(b"".join(write_history(spoilt)))
    none.write_text("hello\n")
    assert main([str(good)]) == 0
    assert main([str(bad)]) == 1
    assert main([str(none)]) == 1
    said = capsys.readouterr().out
    assert f"ok: {len(history.events)} events, " in said
    assert "FAILED UniqueTxRequests: request 1 was sent twice" in said
    assert "FAILED not JSON" in said


def test_the_ledgers_of_several_nodes_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "history"
    history.write_bytes(b"".join(write_history(generate(3))))
    folders = []
    for number, value in enumerate((b"v", b"w")):
        folder = tmp_path / f"ledger{number}"
        folder.mkdir()
        secret = LedgerSecret.generate(SeededEntropy(1))
        entry = seal(secret, TxId(2, 1), {"private": {b"k": value}}).data
        (folder / "ledger_1").write_bytes(header(0) + entry)
        (folder / "notes").write_text("no ledger file")
        folders += ["--ledger", str(folder)]
    assert main([*folders[:2], str(history)]) == 0
    assert main([*folders, str(history)]) == 1
    assert "FAILED UniqueKeyIv" in capsys.readouterr().out
