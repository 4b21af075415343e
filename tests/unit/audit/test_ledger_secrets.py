"""Secrets won back from what the ledger holds, and kept in a file."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ccfpy.audit.chunks import find_chunks
from ccfpy.audit.ledger_secrets import (
    SharedSecrets,
    ShareWrite,
    parse,
    read_share_writes,
    serialise,
)
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import MemberId
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.kv.changes import Writes
from ccfpy.ledger import encrypted_shares
from ccfpy.ledger.encrypted_shares import Recipients, SecretRecord
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.tables import PAST_SECRETS, RECOVERY_SHARES, SINGLE_KEY
from ccfpy.service.tables import recovery
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.audit.made import written
from tests.unit.ledger.made import FIRST, MadeLedger, small_ledger

ENTROPY = SeededEntropy(b"auditors")
KEYS = [RsaKeyPair.generate(SeededEntropy(n)) for n in range(3)]
STRANGER = RsaKeyPair.generate(SeededEntropy(7))
OLD, NEW = (LedgerSecret(raw=bytes([n]) * 32) for n in (0, 1))


def single(table: str, value: bytes) -> dict[str, Writes]:
    return {table: {SINGLE_KEY: value}}


def rekeyed_ledger(threshold: int = 2) -> MadeLedger:
    """Write a ledger whose secret is renewed at seqno 4, and so applies from 5."""
    participants = {MemberId(str(n) * 64): key.public_key for n, key in enumerate(KEYS)}
    issue = Recipients(threshold=threshold, participants=participants)
    config = json.dumps({"recovery_threshold": threshold}).encode()
    ledger = MadeLedger(secret=OLD)
    ledger.put(
        {
            **FIRST.create(),
            **single("public:ccf.gov.service.config", config),
            **single(
                PAST_SECRETS,
                recovery.PAST_SECRETS.codec.encode(SecretRecord(next_version=1)),
            ),
            **single(
                RECOVERY_SHARES,
                recovery.SHARES.codec.encode(
                    encrypted_shares.issue(OLD, issue, ENTROPY)
                ),
            ),
        }
    )
    ledger.say("before")
    ledger.sign(close=True)
    again = SecretRecord.make(
        NEW, previous=(1, OLD), previous_stored=1, next_version=None, entropy=ENTROPY
    )
    ledger.put(
        {
            **single(PAST_SECRETS, recovery.PAST_SECRETS.codec.encode(again)),
            **single(
                RECOVERY_SHARES,
                recovery.SHARES.codec.encode(
                    encrypted_shares.issue(NEW, issue, ENTROPY)
                ),
            ),
        }
    )
    ledger.secret = NEW
    ledger.say("after")
    ledger.sign()
    return ledger


def shared_in(folder: Path) -> SharedSecrets:
    shared = SharedSecrets()
    for chunk in find_chunks([folder]):
        shared.take(read_share_writes(chunk))
    return shared


def raws(secrets: LedgerSecrets) -> list[tuple[int, bytes]]:
    return [(version, secret.raw) for version, secret in secrets]


@pytest.mark.parametrize("keys", [KEYS, KEYS[:2], [KEYS[2], STRANGER, KEYS[0]]])
def test_enough_members_keys_open_every_secret(
    tmp_path: Path, keys: Sequence[RsaKeyPair]
) -> None:
    shared = shared_in(written(rekeyed_ledger(), tmp_path))
    assert raws(shared.open(keys)) == [(1, OLD.raw), (5, NEW.raw)]


@pytest.mark.parametrize("keys", [[], KEYS[:1], [KEYS[0]] * 2, [STRANGER] * 3])
def test_fewer_or_strangers_keys_do_not(
    tmp_path: Path, keys: Sequence[RsaKeyPair]
) -> None:
    shared = shared_in(written(rekeyed_ledger(), tmp_path))
    with pytest.raises(VerificationFailed, match="of 2 recovery shares"):
        shared.open(keys)


def test_a_ledger_without_shares_has_no_secrets_to_open() -> None:
    with pytest.raises(Malformed, match="no recovery shares"):
        SharedSecrets().open(KEYS)
    with pytest.raises(Malformed):
        SharedSecrets().take([ShareWrite(1, RECOVERY_SHARES, b"noise")])


def test_a_damaged_chunk_is_named(tmp_path: Path) -> None:
    chunk, *_ = find_chunks([written(small_ledger(), tmp_path)])
    assert not read_share_writes(chunk)
    chunk.path.write_bytes(b"noise")
    with pytest.raises(Malformed, match=r"ledger_1-5\.committed is damaged"):
        read_share_writes(chunk)


def test_secrets_come_back_as_they_were_kept() -> None:
    secrets = LedgerSecrets([(1, OLD), (5, NEW)])
    assert raws(parse(serialise(secrets))) == raws(secrets)


@pytest.mark.parametrize(
    "data",
    [
        "noise",
        "[]",
        "{}",
        '{"one": "%s"}' % ("00" * 32),
        '{"0": "%s"}' % ("00" * 32),
        '{"1": "5ec4e7"}',
        '{"1": 5}',
    ],
)
def test_what_holds_no_secrets_is_malformed_and_not_repeated(data: str) -> None:
    with pytest.raises(Malformed) as raised:
        parse(data)
    assert "5ec4e7" not in str(raised.value)
