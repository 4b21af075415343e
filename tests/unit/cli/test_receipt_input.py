"""The inputs of commands about receipts."""

import io
import sys
from pathlib import Path

import pytest

from ccfpy.base.ids import TxId
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.receipt_input import (
    ReceiptInput,
    claimed,
    parse_txid,
    read_file,
    unwrapped,
)
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.receipt_forms import ReceiptForm, write
from tests.unit.client.test_receipt_forms import PROOF
from tests.unit.ledger.made import FIRST


class Stdin:
    """Standard input, of which commands take the bytes."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_a_receipt_may_come_through_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    for form in (ReceiptForm.V1, ReceiptForm.COSE):
        data = write(PROOF, form)
        assert data is not None
        monkeypatch.setattr(sys, "stdin", Stdin(data))
        given = ReceiptInput.read(Path("-"), signature=None, endorsements=None)
        given = given.expecting("2.4", None)
        proved, steps = given.prove(FIRST.certificate)
        assert given.txid == proved == TxId(2, 4)
        assert steps


def test_a_receipt_is_taken_out_of_what_an_app_says_beside_it() -> None:
    data = write(PROOF, ReceiptForm.V1)
    assert data is not None
    assert unwrapped(b'{"msg": "hello", "receipt": %b}' % data) == data
    for other in (data, b"\xd2\x84", b'{"receipt": "text"}', b"[]"):
        assert unwrapped(other) == other


def test_claims_become_a_digest(tmp_path: Path) -> None:
    file = tmp_path / "claims"
    file.write_bytes(b"claims")
    assert claimed(None, None) is None
    assert claimed(None, file) == claimed(sha256(b"claims").hex(), None)
    with pytest.raises(Misused):
        claimed("00" * 32, file)
    with pytest.raises(Misused):
        claimed("00" * 31, None)


def test_ids_and_files_that_are_none(tmp_path: Path) -> None:
    assert parse_txid("2.15") == TxId(2, 15)
    with pytest.raises(Misused, match="such as"):
        parse_txid("15")
    with pytest.raises(CommandFailed, match="no such file"):
        read_file(tmp_path / "absent")
