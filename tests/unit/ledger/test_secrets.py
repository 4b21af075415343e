"""The ledger secret that encrypts each entry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import VerificationFailed
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.testing.entropy import SeededEntropy


def secret(number: int) -> LedgerSecret:
    return LedgerSecret(raw=bytes([number]) * 32)


@given(st.sets(st.integers(1, 60), min_size=1, max_size=8), st.integers(1, 70))
def test_the_secret_with_the_greatest_version_not_after_applies(
    versions: set[int], seqno: int
) -> None:
    secrets = LedgerSecrets((version, secret(version)) for version in versions)
    earlier = [version for version in versions if version <= seqno]
    if earlier:
        assert secrets.at(seqno) == secret(max(earlier))
    else:
        with pytest.raises(VerificationFailed, match=f"for seqno {seqno}"):
            secrets.at(seqno)
    assert [version for version, _ in secrets] == sorted(versions)
    assert secrets.latest == (max(versions), secret(max(versions)))


def test_secrets_are_added_restored_and_rolled_back() -> None:
    secrets = LedgerSecrets([(20, secret(20))])
    secrets.add(30, secret(30))
    secrets.restore(LedgerSecrets([(1, secret(1)), (10, secret(10))]))
    assert [version for version, _ in secrets] == [1, 10, 20, 30]
    assert secrets.penultimate == (20, secret(20))
    secrets.rollback(29)
    assert [version for version, _ in secrets] == [1, 10, 20]
    secrets.rollback(0)
    assert [version for version, _ in secrets] == [1, 10]
    assert len(secrets) == 2


def test_the_first_secret_is_never_rolled_back() -> None:
    secrets = LedgerSecrets([(20, secret(20)), (30, secret(30))])
    secrets.rollback(0)
    assert [version for version, _ in secrets] == [20]


def test_what_a_joiner_was_handed_outlives_a_rollback() -> None:
    secrets = LedgerSecrets()
    secrets.restore(LedgerSecrets([(1, secret(1)), (30, secret(30))]))
    secrets.add(40, secret(40))
    secrets.rollback(12)
    assert [version for version, _ in secrets] == [1, 30]


def test_a_single_secret_has_none_before_it() -> None:
    assert LedgerSecrets([(20, secret(20))]).penultimate is None


def test_only_where_the_latest_points_back_to_can_be_corrected() -> None:
    secrets = LedgerSecrets([(1, secret(1))])
    secrets.replace_latest(LedgerSecret(raw=secret(1).raw, previous_stored=7))
    assert secrets.at(1).previous_stored == 7
    with pytest.raises(AssertionError):
        secrets.replace_latest(secret(2))


def test_a_version_is_taken_once() -> None:
    secrets = LedgerSecrets([(1, secret(1))])
    with pytest.raises(AssertionError):
        secrets.add(1, secret(2))
    with pytest.raises(AssertionError):
        LedgerSecrets([(1, secret(1)), (1, secret(2))])


def test_a_secret_never_shows_itself() -> None:
    made = LedgerSecret.generate(SeededEntropy(1), previous_stored=3)
    assert made.raw != LedgerSecret.generate(SeededEntropy(2)).raw
    shown = repr(made)
    assert "previous_stored=3" in shown
    assert repr(made.raw) not in shown
    assert made.raw.hex() not in shown


def test_a_secret_has_32_bytes() -> None:
    with pytest.raises(AssertionError):
        LedgerSecret(raw=bytes(31))
