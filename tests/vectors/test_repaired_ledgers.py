"""Recorded ledgers: sound, and without their beginning but with a snapshot."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccfpy.audit.discovery import service_of, state_of
from ccfpy.audit.readers import Readers
from ccfpy.audit.repair import NotRepairable, all_chunks, plan
from ccfpy.base.errors import CcfpyError
from ccfpy.ledger.snapshot import Snapshot
from tests.vectors.conftest import SERVICES
from tests.vectors.recording import Recording

ENDS = {
    "cose_flipflop_service": "2.46",
    "eol_service": "10.500",
    "sgx_service": "8.153",
}


@pytest.mark.parametrize("name", SERVICES)
def test_there_is_nothing_to_repair(name: str, ccf_services: Path) -> None:
    made = plan(all_chunks([ccf_services / name / "ledger"]), Readers())
    assert not made.is_needed
    assert str(made.last_signed) == ENDS[name]


def test_a_ledger_may_begin_with_a_snapshot(
    recording: Recording, tmp_path: Path
) -> None:
    for path in (recording.folder / "snapshots").glob("*.committed"):
        snapshot = Snapshot.parse(path.read_bytes())
        assert service_of(snapshot) == recording.service_at(snapshot.seqno)
        state = state_of(snapshot)
        assert state.last_signed.seqno == snapshot.seqno
        later = tmp_path / path.name
        later.mkdir()
        for chunk in recording.chunks:
            if chunk.name.first > snapshot.seqno:
                shutil.copy(recording.folder / "ledger" / str(chunk.name), later)
        made = plan(all_chunks([later]), Readers(), start=state)
        assert not made.is_needed
        assert str(made.last_signed) == ENDS[recording.name]
        with pytest.raises(NotRepairable, match="give a snapshot with --snapshot"):
            plan(all_chunks([later]), Readers())


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_snapshot_is_no_beginning(
    ccf_services: Path, data: st.DataObject
) -> None:
    path = ccf_services / "eol_service/snapshots/snapshot_493_494.committed"
    changed = bytearray(path.read_bytes())
    entry = len(Snapshot.parse(bytes(changed)).entry.data)
    changed[data.draw(st.integers(0, entry - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CcfpyError):  # noqa: PT012 - whichever notices
        snapshot = Snapshot.parse(bytes(changed))
        snapshot.verify(service_of(snapshot))
