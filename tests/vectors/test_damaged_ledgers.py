"""Recorded ledgers with one thing changed: always found, never a crash."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccfpy.audit.auditor import ChunkFile, Damage, OpenTail, Summary, audit
from ccfpy.ledger.signature import is_signature
from tests.vectors.recording import Recording

FLIPPED = "cose_flipflop_service"
CUT = "sgx_service"


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_flipped_bit_before_the_last_signature_is_found(
    recordings: Callable[[str], Recording], data: st.DataObject
) -> None:
    recording = recordings(FLIPPED)
    files = list(recording.files())
    at = data.draw(st.integers(0, len(files) - 1))
    chunk = recording.chunks[at]
    # The very last entry is a signature that no other signature covers.
    is_last = at == len(files) - 1
    assert is_signature(recording.transactions[-1].domain.write_set)
    end = chunk.positions[-1] if is_last else len(chunk.data)
    changed = bytearray(chunk.data)
    changed[data.draw(st.integers(0, end - 1))] ^= 1 << data.draw(st.integers(0, 7))
    files[at] = ChunkFile(files[at].name, partial(bytes, changed))
    *_, damage, summary = audit(files)
    assert isinstance(summary, Summary)
    assert summary.is_damaged
    assert isinstance(damage, Damage)


@pytest.mark.slow
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_open_chunk_cut_anywhere_verifies_up_to_its_last_signature(
    recordings: Callable[[str], Recording], data: st.DataObject
) -> None:
    recording = recordings(CUT)
    *files, last = recording.files()
    chunk = recording.chunks[-1]
    assert not chunk.is_complete
    cut = data.draw(st.integers(0, len(chunk.data)))
    kept = chunk.data[:cut]
    *findings, summary = audit([*files, ChunkFile(last.name, partial(bytes, kept))])
    assert isinstance(summary, Summary)
    assert not summary.is_damaged
    assert summary.last_signed is not None
    assert summary.last_signed.seqno >= chunk.name.first - 1
    unsigned = summary.transactions - summary.last_signed.seqno
    tails = [each for each in findings if isinstance(each, OpenTail)]
    assert sum(each.last + 1 - each.first for each in tails) == unsigned


@pytest.mark.parametrize("missing", range(2))
def test_a_missing_chunk_is_found(
    recordings: Callable[[str], Recording], missing: int
) -> None:
    files = list(recordings(CUT).files())
    del files[missing]
    *_, damage, _ = audit(files)
    assert isinstance(damage, Damage)
    assert "expected a chunk from seqno" in damage.reason


def test_chunks_of_two_services_do_not_mix(
    recordings: Callable[[str], Recording],
) -> None:
    first, *_ = recordings(FLIPPED).files()
    stranger = recordings("eol_service").chunks[3]
    renamed = ChunkFile("ledger_15-19", partial(bytes, stranger.data))
    *_, damage, _ = audit([first, renamed])
    assert isinstance(damage, Damage)
