"""A scenario's entries are as large as CCF's, and say what they do."""

from ccfpy.base.ids import NodeId, TxId
from ccfpy.consensus.configurations import Configuration
from tests.lab.scenario.ledger import (
    Kind,
    LedgerEntry,
    latest_configuration,
    nodes_payload,
    view_starts,
)

ZERO = frozenset({NodeId("0")})


def test_an_entry_has_the_size_of_ccf_s_stand_in() -> None:
    entry = LedgerEntry(TxId(2, 1), Kind.RAW, b"hello", is_committable=True)
    assert entry.meta.size == len('{"data":"aGVsbG8=","type":"raw"}')
    assert entry.meta.is_committable
    assert not entry.meta.trusted


def test_a_configuration_and_a_record_tell_their_nodes() -> None:
    data = nodes_payload(ZERO)
    assert data == b'{"0":{"address":":"}}'
    change = LedgerEntry(TxId(2, 1), Kind.RECONFIGURATION, data, nodes=ZERO)
    record = LedgerEntry(TxId(2, 1), Kind.RETIRED_COMMITTED, data, nodes=ZERO)
    assert (change.meta.trusted, change.meta.retired_committed) == (ZERO, frozenset())
    assert (record.meta.trusted, record.meta.retired_committed) == (frozenset(), ZERO)


def test_entries_leave_views_and_a_configuration_for_a_snapshot() -> None:
    change, both = Kind.RECONFIGURATION, ZERO | {NodeId("1")}
    entries = [
        LedgerEntry(TxId(2, 1), change, b"", nodes=ZERO),
        LedgerEntry(TxId(2, 2), change, b"", nodes=both),
        LedgerEntry(TxId(4, 3), change, b"", nodes=both),
    ]
    assert view_starts(entries) == (1, 1, 3, 3)
    assert latest_configuration(entries) == [Configuration(seqno=2, nodes=both)]
    assert (view_starts([]), latest_configuration([])) == ((), [])
