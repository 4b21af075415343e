"""The private state of a node's own ledger, read once more into a store apart."""

from collections.abc import Callable, Sequence

import pytest

from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.node.replication.ledger_tail import LedgerTail
from ccfpy.node.startup.private_recovery import PrivateLedger
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.node.conftest import NOTES, PUBLIC_NOTES
from tests.unit.node.test_governance_nodes import replica_of


def write(node: InProcessNode, person: Person, text: str) -> None:
    """Write a private and a public note, and have them signed."""
    for path in ("notes", "public"):
        response = node.request("PUT", f"/app/{path}", body={"a": text}, person=person)
        assert response.status == 200, response.body
    node.advance(1000)


def take_all(ledger: PrivateLedger, entries: Sequence[bytes]) -> None:
    for data in entries:
        ledger.take(data)


@pytest.fixture
def written(node: InProcessNode, alice: Person) -> InProcessNode:
    write(node, alice, "one")
    return node


@pytest.fixture
def tail(written: InProcessNode) -> LedgerTail:
    return replica_of(written).tail


def test_private_maps_alone_are_read(written: InProcessNode, tail: LedgerTail) -> None:
    assert not PrivateLedger(tail, None).is_read
    ledger = PrivateLedger(tail, None)
    take_all(ledger, written.host.entries)
    assert ledger.is_read
    assert ledger.last_seqno == ledger.target == tail.last_seqno
    ledger.check_root()
    ledger.compact(tail.store.committed)
    tx = ledger.store.begin(read_only=True)
    assert NOTES.of(tx).get("a") == "one"
    assert PUBLIC_NOTES.of(tx).get("a") is None


def test_what_is_taken_back_can_be_read_again(
    written: InProcessNode, tail: LedgerTail
) -> None:
    ledger, entries = PrivateLedger(tail, None), written.host.entries
    take_all(ledger, entries)
    ledger.truncate(3)
    assert ledger.last_seqno == 3
    ledger.truncate(4)
    assert ledger.last_seqno == 3
    take_all(ledger, entries[3:])
    ledger.check_root()


HOSTILE: dict[str, Callable[[list[bytes]], bytes]] = {
    "the entry after the next": lambda entries: entries[3],
    "the entry before": lambda entries: entries[1],
    "no entry": lambda _: b"none",
    "an entry that is cut": lambda entries: entries[2][:-1],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_another_entry_is_refused(
    written: InProcessNode, tail: LedgerTail, name: str
) -> None:
    ledger, entries = PrivateLedger(tail, None), written.host.entries
    ledger.take(entries[0])
    ledger.take(entries[1])
    with pytest.raises(CcfpyError):
        ledger.take(HOSTILE[name](entries))
    assert ledger.last_seqno == 2


def test_a_signature_over_another_ledger_is_refused(
    tail: LedgerTail, make_node: Callable[[], InProcessNode], alice: Person
) -> None:
    """Its secrets are the same, since both nodes began with the same entropy."""
    other = make_node()
    other.open_service(alice)
    write(other, alice, "two")
    ledger = PrivateLedger(tail, None)
    with pytest.raises(VerificationFailed, match="Root of public store does not match"):
        take_all(ledger, other.host.entries)
    with pytest.raises(VerificationFailed, match="Root of public store does not match"):
        ledger.check_root()
