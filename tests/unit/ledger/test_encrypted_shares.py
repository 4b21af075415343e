"""Shares are issued, submitted and combined; old secrets are won back."""

from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import MemberId
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.ledger import encrypted_shares
from ccfpy.ledger.encrypted_shares import (
    PreviousSecret,
    Recipients,
    RecoveryShares,
    SecretRecord,
)
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.service.tables import recovery
from ccfpy.testing.entropy import SeededEntropy
from tests.attacks import attack

ENTROPY = SeededEntropy(b"shares")
KEYS = {
    MemberId(str(n) * 64): RsaKeyPair.generate(SeededEntropy(n)) for n in range(1, 4)
}
PUBLIC = {member: key.public_key for member, key in KEYS.items()}
LATEST = LedgerSecret(raw=b"\7" * 32, previous_stored=40)


def opened(issued: RecoveryShares) -> dict[MemberId, bytes]:
    return {m: KEYS[m].unwrap(share) for m, share in issued.encrypted_shares.items()}


@attack("ledger: one share too few")
@pytest.mark.parametrize("threshold", [1, 2, 3])
def test_a_threshold_of_shares_opens_the_secret_and_fewer_do_not(
    threshold: int,
) -> None:
    recipients = Recipients(threshold=threshold, participants=PUBLIC)
    issued = encrypted_shares.issue(LATEST, recipients, ENTROPY)
    held = list(opened(issued).values())
    assert encrypted_shares.unwrap(issued, held[:threshold], threshold) == LATEST
    assert encrypted_shares.unwrap(issued, held[-threshold:], threshold) == LATEST
    fewer = held[: threshold - 1]
    with pytest.raises(VerificationFailed, match=f"{threshold - 1} of {threshold}"):
        encrypted_shares.unwrap(issued, fewer, threshold)
    if fewer:
        with pytest.raises(VerificationFailed, match="of"):
            encrypted_shares.unwrap(issued, fewer * 3, threshold)
        with pytest.raises(VerificationFailed):
            encrypted_shares.unwrap(issued, fewer, threshold - 1)


def test_an_owner_alone_opens_the_secret() -> None:
    members = list(PUBLIC)
    recipients = Recipients(
        threshold=2,
        participants={m: PUBLIC[m] for m in members[:2]},
        owners={members[2]: PUBLIC[members[2]]},
    )
    issued = encrypted_shares.issue(LATEST, recipients, ENTROPY)
    held = opened(issued)
    assert [encrypted_shares.is_whole_key(held[m]) for m in members] == [
        False,
        False,
        True,
    ]
    assert encrypted_shares.unwrap(issued, [held[members[2]]], 2) == LATEST
    assert encrypted_shares.unwrap(issued, [held[m] for m in members[:2]], 2) == LATEST


def test_a_service_of_owners_only_has_a_threshold_of_one() -> None:
    recipients = Recipients(threshold=1, owners=PUBLIC)
    issued = encrypted_shares.issue(LATEST, recipients, ENTROPY)
    assert all(encrypted_shares.is_whole_key(each) for each in opened(issued).values())


@pytest.mark.parametrize(
    ("recipients", "reason"),
    [
        (Recipients(threshold=1), "no active recovery member"),
        (Recipients(threshold=0, participants=PUBLIC), "at least 1"),
        (Recipients(threshold=4, participants=PUBLIC), "exceeds the number"),
        (Recipients(threshold=2, owners=PUBLIC), "must be 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_shares_that_could_never_be_used_are_not_issued(
    recipients: Recipients, reason: str
) -> None:
    assert reason in (recipients.refusal or "")
    with pytest.raises(AssertionError):
        encrypted_shares.issue(LATEST, recipients, ENTROPY)


def test_shares_of_an_older_issue_do_not_open_a_newer_one() -> None:
    recipients = Recipients(threshold=2, participants=PUBLIC)
    old = list(opened(encrypted_shares.issue(LATEST, recipients, ENTROPY)).values())
    issued = encrypted_shares.issue(LATEST, recipients, ENTROPY)
    with pytest.raises(VerificationFailed):
        encrypted_shares.unwrap(issued, old, 2)


@pytest.mark.parametrize(
    "share", [b"", bytes(43), bytes(45), b"\1\0\0\0" + b"\xff" * 40]
)
def test_what_is_no_share_is_malformed(share: bytes) -> None:
    issued = encrypted_shares.issue(
        LATEST, Recipients(threshold=1, owners=PUBLIC), ENTROPY
    )
    with pytest.raises(Malformed):
        encrypted_shares.unwrap(issued, [share], 1)
    assert not encrypted_shares.is_whole_key(share)


def test_a_submitted_share_is_sealed_under_the_current_secret() -> None:
    sealed = encrypted_shares.seal_submitted(b"s" * 44, LATEST, ENTROPY)
    assert len(sealed) == 72
    assert encrypted_shares.open_submitted(sealed, LATEST) == b"s" * 44
    with pytest.raises(VerificationFailed):
        encrypted_shares.open_submitted(sealed, LedgerSecret(raw=bytes(32)))


def chain(count: int) -> tuple[list[LedgerSecret], list[tuple[int, SecretRecord]]]:
    """Open a service at 5, then rekey it at 15, 25, …."""
    secrets = [LedgerSecret(raw=bytes([n]) * 32) for n in range(1, count + 1)]
    records = [(5, SecretRecord(next_version=1))]
    version = 1
    for n in range(1, count):
        record = SecretRecord.make(
            secrets[n],
            previous=(version, secrets[n - 1]),
            previous_stored=records[-1][0] if n > 1 else None,
            next_version=None,
            entropy=ENTROPY,
        )
        seqno = 5 + 10 * n
        records.append((seqno, record))
        version = seqno + 1
    return secrets, records


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_latest_secret_opens_all_before_it(count: int) -> None:
    secrets, records = chain(count)
    stored = [
        (
            seqno,
            recovery.PAST_SECRETS.codec.decode(
                recovery.PAST_SECRETS.codec.encode(record)
            ),
        )
        for seqno, record in records
    ]
    restored = encrypted_shares.restore(secrets[-1], stored)
    versions = [1, *(6 + 10 * n for n in range(1, count))]
    assert [version for version, _ in restored] == versions
    assert [each.raw for _, each in restored] == [each.raw for each in secrets]
    assert restored.latest[1].previous_stored == records[-1][0]


def test_a_secret_that_was_recorded_twice_is_taken_once() -> None:
    secrets, records = chain(3)
    again = SecretRecord(previous=records[-1][1].previous, next_version=26)
    restored = encrypted_shares.restore(secrets[-1], [*records, (40, again)])
    assert [version for version, _ in restored] == [1, 16, 26]


def test_a_first_secret_has_no_predecessor_to_record() -> None:
    record = SecretRecord.make(
        LATEST, previous=None, previous_stored=None, next_version=1, entropy=ENTROPY
    )
    assert record == SecretRecord(next_version=1)


def test_a_ledger_whose_beginning_is_gone_gives_back_what_it_can() -> None:
    secrets, records = chain(4)
    restored = encrypted_shares.restore(secrets[-1], records[2:])
    assert [version for version, _ in restored] == [16, 26, 36]


def test_what_opens_to_something_else_is_no_secret() -> None:
    encrypted = encrypted_shares.seal_submitted(b"short", LATEST, ENTROPY)
    previous = PreviousSecret(encrypted=encrypted, version=1)
    with pytest.raises(Malformed, match="a ledger secret of 5 bytes"):
        encrypted_shares.restore(LATEST, [(5, SecretRecord(previous=previous))])


def test_a_record_that_does_not_open_is_refused() -> None:
    secrets, records = chain(3)
    with pytest.raises(VerificationFailed):
        encrypted_shares.restore(secrets[0], records)
    with pytest.raises(Malformed):
        encrypted_shares.restore(secrets[0], [])


def test_the_records_have_ccfs_fields() -> None:
    issued = RecoveryShares(
        wrapped_secret=b"w", encrypted_shares={MemberId("ab"): b"s"}, previous_stored=4
    )
    assert recovery.SHARES.codec.encode(issued) == (
        b'{"encrypted_shares":{"ab":"cw=="},"previous_secret_stored_version":4,'
        b'"wrapped_latest_ledger_secret":"dw=="}'
    )
    assert recovery.SHARES.codec.decode(recovery.SHARES.codec.encode(issued)) == issued
    assert (
        recovery.PAST_SECRETS.codec.encode(SecretRecord(next_version=1))
        == b'{"next_version":1}'
    )


BAD_SHARES: Mapping[str, bytes] = {
    "no JSON": b"{",
    "no shares": b'{"wrapped_latest_ledger_secret":"dw=="}',
    "no secret": b'{"encrypted_shares":{}}',
    "shares of another kind": (
        b'{"encrypted_shares":[],"wrapped_latest_ledger_secret":""}'
    ),
    "no base64": b'{"encrypted_shares":{"a":"!"},"wrapped_latest_ledger_secret":""}',
}


@pytest.mark.parametrize("value", BAD_SHARES.values(), ids=BAD_SHARES)
def test_what_is_no_record_of_shares_is_malformed(value: bytes) -> None:
    with pytest.raises(Malformed):
        recovery.SHARES.codec.decode(value)


@pytest.mark.parametrize(
    "value",
    [
        b"[]",
        b'{"next_version":"1"}',
        b'{"next_version":-1}',
        b'{"previous_ledger_secret":[]}',
        b'{"previous_ledger_secret":{"encrypted_data":"dw=="}}',
        b'{"previous_ledger_secret":{"encrypted_data":1,"version":1}}',
    ],
)
def test_what_is_no_record_of_a_secret_is_malformed(value: bytes) -> None:
    with pytest.raises(Malformed):
        recovery.PAST_SECRETS.codec.decode(value)


@given(st.binary(max_size=60))
def test_noise_raises_only_our_errors(value: bytes) -> None:
    for parse in (recovery.SHARES.codec.decode, recovery.PAST_SECRETS.codec.decode):
        with suppress(CcfpyError):
            parse(value)
