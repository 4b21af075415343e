"""Commit evidence, against its definition and a recorded value."""

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.ids import TxId
from ccfpy.ledger.secrets import commit_evidence, nonce_key


@given(
    st.binary(min_size=32, max_size=32), st.integers(1, 2**31), st.integers(1, 2**40)
)
def test_evidence_is_an_hmac_of_the_transaction_id_under_a_derived_key(
    secret: bytes, view: int, seqno: int
) -> None:
    text = f"{view}.{seqno}".encode()
    key = hmac.digest(secret, b"Commit S", "sha256")
    nonce = hmac.digest(key, text, "sha256").hex().encode()
    evidence = commit_evidence(nonce_key(secret), TxId(view, seqno))
    assert evidence == b"ce:" + text + b":" + nonce


def test_another_secret_or_transaction_gives_other_evidence() -> None:
    key = nonce_key(bytes(32))
    made = {
        commit_evidence(key, TxId(2, 5)),
        commit_evidence(key, TxId(2, 6)),
        commit_evidence(key, TxId(3, 5)),
        commit_evidence(nonce_key(b"\1" * 32), TxId(2, 5)),
    }
    assert len(made) == 4


def test_the_label_is_cut_after_eight_bytes() -> None:
    whole = hmac.digest(bytes(32), b"Commit Secret", "sha256")
    nonce = hmac.digest(whole, b"2.5", hashlib.sha256).hex().encode()
    assert nonce not in commit_evidence(nonce_key(bytes(32)), TxId(2, 5))
