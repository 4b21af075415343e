"""The ledger of a service, as an auditor has it."""

import pytest

from ccfpy.base.errors import VerificationFailed
from ccfpy.testing.apps import Ledger, Service


def test_public_tables_are_read_from_the_ledger(service: Service) -> None:
    ann = service.user("ann")
    first = ann.put("/app/notes/1", "milk")
    ann.put("/app/notes/2", "bread")
    second = ann.put("/app/notes/1", "oil")
    last = ann.delete("/app/notes/2")
    assert service.ledger.table("public:notes") == {}, "nothing of it is committed yet"
    assert service.wait_committed().seqno > service.wait_committed(last).seqno
    assert service.ledger.table("public:notes") == {b"1": b'"oil"'}
    writes = service.ledger.writes("public:notes")
    assert [write.txid for write in writes if write.key == b"1"] == [
        first.txid,
        second.txid,
    ]
    assert writes[-1] == (last.txid, b"2", None)


def test_a_private_table_is_not(service: Service) -> None:
    with pytest.raises(ValueError, match="'notes' is encrypted"):
        service.ledger.table("notes")


def test_it_verifies(service: Service) -> None:
    ledger = service.ledger
    summary = ledger.verify()
    assert summary.transactions == len(ledger) == len(list(ledger.transactions()))
    assert summary.last_signed == ledger.last


def test_a_ledger_that_was_changed_does_not(service: Service) -> None:
    entries = list(service.nodes[0].host.entries)
    changed = bytearray(entries[3])
    changed[-1] ^= 1
    with pytest.raises(VerificationFailed, match="transaction"):
        Ledger([*entries[:3], bytes(changed), *entries[4:]]).verify()
