"""The final ledger against what clients saw; IVs over all nodes' files."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.base.ids import TxId
from ccfpy.consensus.status import TxStatus
from ccfpy.ledger.chunk import header
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.testing.entropy import SeededEntropy
from tests.lab.consistency import History, Inconsistent, Property, check
from tests.lab.consistency.history import Answered, InLedger, Sent, StatusSeen
from tests.lab.consistency.ledgers import Ivs
from tests.unit.ledger.sealed import seal

Ledger = list[InLedger]
FIRST = TxId(2, 1)


def _history() -> History:
    """Three committed writes to one object, and a fourth that is lost."""
    sent = [
        Sent(at_us=0, client="c", node="n", op=op, key="a", is_write=True)
        for op in range(1, 5)
    ]
    answers = [
        Answered(
            at_us=1,
            client="c",
            node="n",
            op=op,
            txid=TxId(2, op),
            count=op,
            tail=tuple(range(1, op + 1)),
        )
        for op in range(1, 5)
    ]
    told = [
        StatusSeen(at_us=2, client="c", node="n", txid=TxId(2, seqno), status=status)
        for seqno, status in ((3, TxStatus.COMMITTED), (4, TxStatus.INVALID))
    ]
    ledger = [
        InLedger(txid=TxId(2, op), key="a", op=op, count=op) for op in range(1, 4)
    ]
    return History(events=[*sent, *answers, *told], ledger=ledger)


def unsent(ledger: Ledger) -> Ledger:
    return [*ledger, replace(ledger[0], op=9)]


def of_another_object(ledger: Ledger) -> Ledger:
    return [*ledger[:2], replace(ledger[2], key="b")]


def lost(ledger: Ledger) -> Ledger:
    return ledger[:2]


def duplicated(ledger: Ledger) -> Ledger:
    return [*ledger, replace(ledger[0], txid=TxId(2, 9), count=4)]


def invalid(ledger: Ledger) -> Ledger:
    return [*ledger, InLedger(txid=TxId(2, 4), key="a", op=4, count=4)]


def exchanged(ledger: Ledger) -> Ledger:
    one, two, three = ledger
    return [replace(one, op=two.op), replace(two, op=one.op), three]


def elsewhere(ledger: Ledger) -> Ledger:
    return [*ledger[:2], replace(ledger[2], txid=TxId(3, 3))]


def skipping(ledger: Ledger) -> Ledger:
    return [*ledger[:2], replace(ledger[2], count=4)]


@pytest.mark.parametrize(
    ("broken", "corrupt"),
    [
        (Property.ONLY_SENT_IN_LEDGER, unsent),
        (Property.ONLY_SENT_IN_LEDGER, of_another_object),
        (Property.NOTHING_LOST, lost),
        (Property.NOTHING_DUPLICATED, duplicated),
        (Property.NOTHING_INVALID_KEPT, invalid),
        (Property.NOTHING_REORDERED, exchanged),
        (Property.NOTHING_REORDERED, elsewhere),
        (Property.NOTHING_REORDERED, skipping),
    ],
)
def test_a_ledger_that_differs_is_told_how(
    broken: Property, corrupt: Callable[[Ledger], Ledger]
) -> None:
    history = _history()
    assert check(history).committed == 3
    with pytest.raises(Inconsistent) as caught:
        check(replace(history, ledger=corrupt(list(history.ledger or ()))))
    assert caught.value.broken is broken
    assert caught.value.events


def _entry(
    value: bytes, txid: TxId = FIRST, flags: EntryFlags = EntryFlags.NONE
) -> bytes:
    secret = LedgerSecret.generate(SeededEntropy(1))
    return seal(secret, txid, {"private": {b"k": value}}, flags=flags).data


def test_one_entry_in_the_files_of_all_nodes_is_one_use_of_its_iv() -> None:
    ivs = Ivs()
    for node in ("n0", "n1"):
        ivs.add_chunk("ledger_1", header(0) + _entry(b"v"), where=node)
    ivs.add(_entry(b"w", TxId(3, 1)), where="n2")
    assert len(ivs) == 2


def test_an_iv_that_serves_two_plaintexts_is_found_in_whatever_files() -> None:
    ivs = Ivs()
    ivs.add_chunk("ledger_1", header(0) + _entry(b"v"), where="n0/ledger_1")
    torn = header(0) + _entry(b"w") + b"\x01\x00"
    with pytest.raises(Inconsistent, match=r"UniqueKeyIv: the IV of 2\.1") as caught:
        ivs.add_chunk("ledger_1", torn, where="n1/ledger_1")
    assert "n0/ledger_1" in str(caught.value)
    assert "n1/ledger_1" in str(caught.value)


def test_where_a_chunk_is_cut_is_no_part_of_what_was_encrypted() -> None:
    ivs = Ivs()
    ivs.add(_entry(b"v"), where="n0")
    ivs.add(_entry(b"v", flags=EntryFlags.CLOSE_CHUNK_AFTER), where="n1")
    assert len(ivs) == 1
