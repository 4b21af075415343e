"""The records of ledger secrets that a node collects, and what they open."""

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.kv.store import Store
from ccfpy.ledger.encrypted_shares import SecretRecord
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.node.outbox import Outbox
from ccfpy.node.replication.ledger_tail import EntryLimits, LedgerTail
from ccfpy.node.startup.private_recovery import SecretRecords
from ccfpy.service.tables.recovery import PAST_SECRETS
from tests.unit.ledger.test_encrypted_shares import chain


def end_of_ledger(secrets: LedgerSecrets) -> LedgerTail:
    return LedgerTail(
        store=Store(),
        secrets=secrets,
        bounds=EntryLimits(chunk_bytes=1, entry_bytes_max=1),
        outbox=Outbox(),
    )


def record(tail: LedgerTail, written: SecretRecord) -> int:
    tx = tail.store.begin()
    PAST_SECRETS.of(tx).put(written)
    committed = tail.store.commit(tx)
    assert committed is not None
    return committed.version


def test_the_latest_secret_opens_those_that_were_recorded() -> None:
    secrets, written = chain(3)
    tail = end_of_ledger(LedgerSecrets())
    records = SecretRecords(tail)
    records.watch()
    for _, each in written:
        record(tail, each)
    restored = records.restore(secrets[-1])
    assert {secret.raw for _, secret in restored} == {each.raw for each in secrets}


def test_records_that_are_taken_back_are_forgotten() -> None:
    secrets, written = chain(3)
    tail = end_of_ledger(LedgerSecrets())
    records = SecretRecords(tail)
    records.watch()
    first, second, _ = (record(tail, each) for _, each in written)
    records.truncate(second)
    restored = records.restore(secrets[1])
    assert {secret.raw for _, secret in restored} == {each.raw for each in secrets[:2]}
    records.truncate(first - 1)
    with pytest.raises(Malformed, match="no record"):
        records.restore(secrets[0])


def test_a_node_learns_where_the_secret_before_its_own_is_recorded() -> None:
    secrets, written = chain(2)
    current = LedgerSecret(raw=secrets[1].raw)
    tail = end_of_ledger(LedgerSecrets([(9, current)]))
    SecretRecords(tail).watch()
    record(tail, written[0][1])
    assert tail.secrets.latest == (9, current)
    previous = written[1][1].previous
    seqno = record(tail, SecretRecord(previous=previous, next_version=9))
    assert tail.secrets.latest[1].previous_stored == seqno
    record(tail, SecretRecord(previous=previous, next_version=10))
    assert tail.secrets.latest[1].previous_stored == seqno
