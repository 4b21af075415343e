"""How a transaction ends."""

import pytest

from ccfpy.base.errors import CcfpyError
from ccfpy.kv.changes import Committed, Conflict, ReadOnlyTransaction


def test_a_commit_names_its_seqno_and_writes() -> None:
    committed = Committed(7, {"m": {b"k": None}})
    assert committed.version == 7
    assert committed.write_set == {"m": {b"k": None}}


def test_a_conflict_is_nobodys_mistake_and_a_forbidden_write_is_ours() -> None:
    with pytest.raises(CcfpyError):
        raise Conflict("changed since")
    assert not issubclass(ReadOnlyTransaction, CcfpyError)
