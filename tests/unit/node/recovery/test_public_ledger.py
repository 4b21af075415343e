"""The public state of a ledger is built from what its own signatures cover."""

from collections.abc import Sequence

import pytest

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.kv.store import Store
from ccfpy.ledger.tables import SERVICE_INFO, SINGLE_KEY
from ccfpy.node.startup.recover import PublicLedger
from tests.unit.ledger.made import (
    FIRST,
    SECOND,
    MadeLedger,
    recovered_ledger,
    small_ledger,
)


def read(made: MadeLedger, count: int | None = None) -> tuple[PublicLedger, Store]:
    """Take a ledger's entries: all, or the first few."""
    store = Store()
    ledger = PublicLedger(store)
    for entry in made.entries[:count]:
        ledger.take(entry.data)
    return ledger, store


def take_all(ledger: PublicLedger, entries: Sequence[bytes]) -> None:
    for data in entries:
        ledger.take(data)


def status(store: Store) -> bytes:
    value = store.begin(read_only=True).raw(SERVICE_INFO).get(SINGLE_KEY)
    assert value is not None
    return value


@pytest.mark.parametrize("make", [small_ledger, recovered_ledger])
def test_a_whole_ledger_is_taken_up_to_its_last_signature(
    make: type[MadeLedger],
) -> None:
    made = make()
    ledger, store = read(made)
    last = made.signatures[-1].txid
    assert ledger.truncate() == last
    assert ledger.last_seqno == store.version == last.seqno
    assert ledger.tree.root() == made.tree.root()


def test_only_the_public_part_is_taken() -> None:
    _, store = read(small_ledger())
    tx = store.begin(read_only=True)
    assert tx.raw("public:log").get(b"1") == b"x"
    assert tx.raw("messages").get(b"1") is None


def test_the_views_of_a_recovered_ledger_are_known() -> None:
    ledger, _ = read(recovered_ledger())
    assert ledger.starts == (1, 1, 11, 11)


def test_what_follows_the_last_signature_is_taken_back() -> None:
    made = small_ledger()
    signed, root = made.signatures[-1].txid, made.tree.root()
    made.view = 5
    made.put(FIRST.service_info("Recovering"))
    made.say("nobody's word")
    ledger, store = read(made)
    assert b"Recovering" in status(store)
    assert ledger.truncate() == signed
    assert b"Recovering" not in status(store)
    assert (ledger.last_seqno, ledger.tree.root()) == (signed.seqno, root)
    assert ledger.starts == (1, 1)


def test_a_ledger_without_a_signature_holds_nothing_to_go_on_from() -> None:
    ledger, _ = read(small_ledger(), 1)
    assert ledger.truncate() is None


def test_an_entry_that_is_not_the_next_is_refused() -> None:
    made = small_ledger()
    ledger, _ = read(made, 3)
    with pytest.raises(Malformed, match=r"expected entry 4, found 2\.5"):
        ledger.take(made.entries[4].data)
    ledger.take(made.entries[3].data)


def test_an_entry_of_an_earlier_view_is_refused() -> None:
    made = small_ledger()
    made.view = 1
    made.say("late")
    ledger, _ = read(made, 10)
    with pytest.raises(VerificationFailed, match=r"1\.11 is of an earlier view"):
        ledger.take(made.entries[10].data)


def test_a_stranger_cannot_sign() -> None:
    made = small_ledger()
    made.identity = SECOND
    made.say("more")
    made.sign()
    ledger, _ = read(made, -1)
    with pytest.raises(VerificationFailed):
        ledger.take(made.entries[-1].data)
    assert ledger.truncate() == TxId(2, 10)


@pytest.mark.parametrize("seqno", [1, 3, 4, 6])
def test_a_changed_entry_is_noticed_at_the_next_signature_at_the_latest(
    seqno: int,
) -> None:
    made = small_ledger()
    data = bytearray(made.entries[seqno - 1].data)
    data[-1] ^= 1
    entries = [entry.data for entry in made.entries]
    entries[seqno - 1] = bytes(data)
    ledger = PublicLedger(Store())
    with pytest.raises(CcfpyError):
        take_all(ledger, entries)
    signed = ledger.truncate()
    assert signed is None or signed.seqno < seqno


def test_an_entry_that_is_left_out_is_noticed() -> None:
    """The host renumbers what follows, which no signature covers."""
    made, forged = small_ledger(), MadeLedger()
    forged.put(FIRST.create())
    forged.sign()
    ledger, _ = read(forged)
    forged.say("two")
    ledger.take(forged.entries[2].data)
    with pytest.raises(CcfpyError):
        ledger.take(made.entries[4].data)


def test_nothing_has_changed_when_an_entry_is_refused() -> None:
    made = small_ledger()
    ledger, store = read(made, 4)
    before = store.version, len(ledger.tree), ledger.tree.root(), ledger.starts
    for bad in (b"", b"\x00" * 30, made.entries[5].data):
        with pytest.raises(CcfpyError):
            ledger.take(bad)
    assert before == (
        store.version,
        len(ledger.tree),
        ledger.tree.root(),
        ledger.starts,
    )
