"""A snapshot made in steps is the one that is made at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.crypto.hashing import sha256
from ccfpy.kv.snapshot import PublicSnapshot
from ccfpy.kv.store import Store
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.ledger.snapshot import SnapshotWriting, cut
from tests.unit.kv.plain_snapshot import snapshot_of
from tests.unit.ledger.plain_snapshot import write_snapshot

SECRET = LedgerSecret(raw=b"k" * 32)
LEAF = b"l" * 32


def state(keys: int) -> Store:
    store = Store()
    values = {str(at).encode(): b"v" * at for at in range(keys)}
    store.apply(1, {"notes": values, "public:notes": values, "public:one": {b"": b""}})
    return store


@pytest.mark.parametrize("keys", [1, 10, 1000])
@pytest.mark.parametrize("keys_per_step", [1, 10**9])
def test_its_bytes_and_digest_are_the_same(keys: int, keys_per_step: int) -> None:
    store = state(keys)
    writing = SnapshotWriting(
        SECRET,
        seqno=1,
        leaf=LEAF,
        view_history=(1, 1),
        public=store.freeze(1, public=True),
        private=store.freeze(1, public=False),
    )
    steps = 1
    while not writing.advance(keys_per_step):
        assert writing.digest == b""
        steps += 1
    public = tuple(snapshot_of(store, 1, public=True))
    at_once = write_snapshot(
        SECRET,
        PublicSnapshot(1, LEAF, (1, 1), public),
        snapshot_of(store, 1, public=False),
    )
    assert b"".join(writing.pieces) == at_once
    assert writing.digest == sha256(at_once)
    assert (steps == 1) is (keys_per_step > 1 + keys * 256)
    assert writing.advance(1), "nothing is left to do"


@given(st.lists(st.binary(max_size=20)), st.integers(1, 30))
def test_pieces_are_cut_anew(pieces: list[bytes], size: int) -> None:
    again = list(cut(pieces, size))
    assert b"".join(again) == b"".join(pieces)
    assert all(len(piece) == size for piece in again[:-1])
    assert all(0 < len(piece) <= size for piece in again[-1:])
