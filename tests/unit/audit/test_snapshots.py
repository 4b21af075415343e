"""A snapshot is where an audit begins; recorded ones are in ``tests/vectors``."""

import pytest

from ccfpy.audit.snapshots import service_of, state_of
from ccfpy.base.errors import Malformed
from ccfpy.kv.snapshot import MapSnapshot, PublicSnapshot
from ccfpy.ledger.secrets import LedgerSecret
from ccfpy.ledger.snapshot import Snapshot
from tests.unit.ledger.plain_snapshot import write_snapshot


def snapshot(maps: list[MapSnapshot]) -> Snapshot:
    public = PublicSnapshot(
        version=8, leaf=bytes(32), view_history=(1, 1), maps=tuple(maps)
    )
    return Snapshot.parse(write_snapshot(LedgerSecret(raw=bytes(32)), public, ()))


def test_a_state_without_a_service_is_none() -> None:
    with pytest.raises(Malformed, match="without a service"):
        service_of(snapshot([]))


def test_a_state_without_a_signature_is_no_beginning() -> None:
    with pytest.raises(Malformed, match="holds no signature"):
        state_of(snapshot([]))
